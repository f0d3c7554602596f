//! Every sound we ship keeps the rules for prepared sound.

use crate::tools::{level_at, opusinfo};
use audio::clip::Clip;
use audio::loudness::{MUSIC_LUFS, SPEECH_LUFS, measure};
use audio::opus::decode_all;
use audio::toc::{self, CELT_SILENCE};
use std::path::{Path, PathBuf};

#[test]
fn every_file_is_a_prepared_clip_and_opusinfo_is_content() {
    let files = files(&folder());
    assert!(files.len() >= 23, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let clip = Clip::read(&bytes).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        opusinfo(&bytes);
        let spoken = file.parent().unwrap().ends_with("demo");
        let celt_only = clip.packets().all(|packet| toc::is_celt_only(packet[0]));
        assert_eq!(celt_only, !spoken, "{}", file.display());
        assert_eq!(clip.packet(0) == Some(&CELT_SILENCE), spoken, "{}", file.display());
        let level = measure(&decoded(&clip));
        assert!(level.true_peak_dbtp < -0.9, "{}: {level:?}", file.display());
        if spoken {
            assert!((level.lufs - SPEECH_LUFS).abs() < 1.0, "{}: {level:?}", file.display());
        }
    }
}

#[test]
fn the_hold_music_is_half_a_minute_or_more_loops_and_is_never_silent() {
    let clip = Clip::read(&std::fs::read(folder().join("hold-music.ogg")).unwrap()).unwrap();
    assert!(clip.looped() && (30_000..=60_000).contains(&clip.duration_ms()));
    let sound = decoded(&clip);
    assert!((measure(&sound).lufs - MUSIC_LUFS).abs() < 0.5);
    let softest = sound.chunks(24_000).map(audio::pcm::rms_dbfs).fold(0.0, f32::min);
    assert!(softest > -45.0, "half a second at {softest} dBFS");
}

#[test]
fn the_ringback_rings_two_seconds_of_six() {
    let clip = Clip::read(&std::fs::read(folder().join("ringback.ogg")).unwrap()).unwrap();
    assert!(clip.looped() && clip.wants_stops() && clip.duration_ms() == 6_000);
    let sound = decoded(&clip);
    let (on, off) = (&sound[9_600..86_400], &sound[110_000..280_000]);
    assert!(level_at(on, 440.0) > -30.0 && level_at(on, 480.0) > -30.0);
    assert!(audio::pcm::rms_dbfs(off) < -70.0);
}

#[test]
fn sources_names_every_file() {
    let sources = std::fs::read_to_string(folder().join("SOURCES.md")).unwrap();
    for file in files(&folder()) {
        let name = file.strip_prefix(folder()).unwrap().display().to_string();
        let named = sources.contains(&name) || (name.starts_with("digits/") && sources.contains("digits/*.ogg"));
        assert!(named, "{name} is not in SOURCES.md");
    }
}

fn decoded(clip: &Clip) -> Vec<f32> {
    let packets: Vec<&[u8]> = clip.packets().collect();
    decode_all(&packets).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|kind| kind == "ogg") {
            found.push(path);
        }
    }
    found.sort();
    found
}
