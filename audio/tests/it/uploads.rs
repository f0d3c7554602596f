//! Every format people upload becomes a clip that sounds like it.

use crate::tools::{ffmpeg, level_at, opusdec, opusinfo};
use audio::clip::{Clip, ClipError};
use audio::comfort::ComfortNoise;
use audio::decode::{DecodeError, Format, decode};
use audio::limits::Limits;
use audio::loudness::{MUSIC_LUFS, SPEECH_LUFS, measure};
use audio::opus::{Preset, decode_all, encode_all, has_fec};
use audio::pcm::Pcm;
use audio::toc::{self, CELT_SILENCE};
use audio::transcode::{Purpose, TranscodeError, circular, prepare, to_file, transcode};

/// The same in both channels.
const TWICE: &str = "pan=stereo|c0=c0|c1=c0";
/// File name, ffmpeg's arguments, what it is taken for.
const FORMATS: [(&str, &[&str], Format); 15] = [
    ("a.wav", &["-ar", "22050"], Format::Wav),
    ("b.wav", &["-ar", "44100", "-af", TWICE, "-c:a", "pcm_s24le"], Format::Wav),
    ("c.wav", &["-ar", "48000", "-c:a", "pcm_f32le"], Format::Wav),
    ("d.wav", &["-ar", "8000", "-c:a", "pcm_mulaw"], Format::Wav),
    ("e.mp3", &["-ar", "44100", "-b:a", "96k"], Format::Mp3),
    ("f.mp3", &["-ar", "24000", "-af", TWICE, "-b:a", "48k", "-id3v2_version", "0"], Format::Mp3),
    ("g.ogg", &["-ar", "44100", "-c:a", "libvorbis"], Format::Ogg),
    ("h.opus", &["-c:a", "libopus", "-b:a", "32k"], Format::OggOpus),
    ("i.ogg", &["-c:a", "libopus", "-af", TWICE, "-frame_duration", "60"], Format::OggOpus),
    ("j.flac", &["-ar", "96000"], Format::Flac),
    ("k.m4a", &["-c:a", "aac", "-ar", "44100"], Format::Mp4),
    ("l.webm", &["-c:a", "libopus", "-b:a", "32k"], Format::WebM),
    ("m.aac", &["-c:a", "aac", "-ar", "32000"], Format::Adts),
    ("n.webm", &["-c:a", "libvorbis", "-ar", "48000"], Format::WebM),
    ("o.opus", &["-c:a", "libopus", "-ac", "6", "-mapping_family", "1"], Format::OggOpus),
];

#[test]
fn every_format_is_known_by_its_content_and_decodes_to_the_same_sound() {
    let tone = Pcm::tone(997.0, -12.0, 2_000);
    for (name, args, format) in FORMATS {
        let file = ffmpeg(&tone.to_wav(), "in.wav", args, name);
        assert_eq!(Format::sniff(&file), Some(format), "{name}");
        let sound = decode(&file, &Limits::UPLOAD).unwrap_or_else(|why| panic!("{name}: {why}"));
        let ms = sound.duration_ms();
        assert!((1_950..=2_150).contains(&ms), "{name}: {ms} ms");
        let level = level_at(&sound.samples[24_000..72_000], 997.0);
        // Of six channels only the middle one speaks, and the mean is taken.
        let wanted = if name == "o.opus" { -12.0 - 15.6 } else { -12.0 };
        assert!((level - wanted).abs() < 1.0, "{name}: {level} dB");
    }
}

#[test]
fn a_prompt_is_silk_behind_one_celt_packet_trimmed_and_as_loud_as_it_should_be() {
    let mut sound = Pcm::silence(1_000);
    sound.samples.extend(speech());
    sound.samples.extend(Pcm::silence(1_500).samples);
    for (name, args, _) in FORMATS.into_iter().filter(|(name, ..)| *name != "o.opus") {
        let file = ffmpeg(&sound.to_wav(), "in.wav", args, name);
        let prompt = transcode(&file, Purpose::Prompt, &Limits::UPLOAD).unwrap_or_else(|why| panic!("{name}: {why}"));
        let clip = Clip::read(&prompt.ogg).unwrap();
        assert_eq!(clip.packet(0).unwrap(), CELT_SILENCE, "{name}");
        assert!(clip.packets().all(|packet| toc::is_20_ms(packet) && packet.len() >= 3 && !has_fec(packet)), "{name}");
        assert!(clip.packets().skip(1).any(|packet| !toc::is_celt_only(packet[0])), "{name}: speech is SILK");
        assert!(!clip.looped());
        let saved_ms = sound.duration_ms() - clip.duration_ms();
        assert!((2_000..2_500).contains(&saved_ms), "{name}: {saved_ms} ms of silence went");
        let packets: Vec<&[u8]> = clip.packets().collect();
        let level = measure(&decode_all(&packets).unwrap()).lufs;
        assert!((level - SPEECH_LUFS).abs() < 1.5, "{name}: {level} LUFS");
        assert!(opusinfo(&prompt.ogg).contains("Playback length"));
    }
}

#[test]
fn music_is_celt_only_loops_in_whole_frames_and_is_softer_than_speech() {
    let music = Pcm::noise(5, -20.0, 3_333);
    let prepared = prepare(music, Purpose::Music).unwrap();
    let clip = Clip::read(&prepared.ogg).unwrap();
    assert!(clip.looped() && clip.packets().all(|packet| toc::is_celt_only(packet[0])));
    assert!((prepared.lufs - MUSIC_LUFS).abs() < 0.2);
    assert_eq!(clip.packet_wrapped(clip.len()), clip.packet(0).unwrap());
    opusinfo(&prepared.ogg);
    assert_eq!(opusdec(&prepared.ogg).channels[0].len(), clip.len() * 960 - 120);
}

#[test]
fn the_same_upload_gives_the_same_file() {
    let sound = Pcm::new(speech());
    let (one, two) = (prepare(sound.clone(), Purpose::Prompt).unwrap(), prepare(sound, Purpose::Prompt).unwrap());
    assert_eq!(one, two);
}

#[test]
fn what_is_not_sound_is_refused_in_words() {
    let words = |bytes: &[u8]| transcode(bytes, Purpose::Prompt, &Limits::UPLOAD).unwrap_err().to_string();
    assert_eq!(words(b""), "the file is empty");
    assert!(words(b"%PDF-1.7 not sound").starts_with("this is not a sound file we can read"));
    assert!(words(&[0u8; 64]).starts_with("this is not a sound file"));
    assert!(
        words(b"RIFF\x24\0\0\0WAVEfmt ").starts_with("the file is damaged"),
        "{}",
        words(b"RIFF\x24\0\0\0WAVEfmt ")
    );
    let silence = Pcm::silence(2_000).to_wav();
    assert_eq!(words(&silence), "there is nothing to hear in the file");
    let few = Limits { bytes_max: 1_000, ..Limits::UPLOAD };
    assert!(matches!(decode(&silence, &few), Err(DecodeError::TooManyBytes { .. })));
    let picture = ffmpeg(
        &silence,
        "in.wav",
        &["-filter_complex", "color=red:s=16x16:d=1[v]", "-map", "[v]", "-c:v", "vp8"],
        "v.webm",
    );
    assert_eq!(decode(&picture, &Limits::UPLOAD), Err(DecodeError::NoSound));
}

#[test]
fn clips_that_break_a_rule_are_refused() {
    let silk = encode_all(Preset::Prompt, &Pcm::new(speech()).samples).unwrap();
    assert_eq!(Clip::of_packets(&silk), Err(ClipError::NoSilenceFirst));
    assert_eq!(Clip::read(&to_file(&silk, 312, &[])), Err(ClipError::NoSilenceFirst));
    assert_eq!(Clip::of_packets::<&[u8]>(&[]), Err(ClipError::Empty));
    assert_eq!(Clip::of_packets(&[&CELT_SILENCE[..], &[0xB8]]), Err(ClipError::TooShort { index: 1 }));
    assert_eq!(Clip::of_packets(&[&CELT_SILENCE[..], &[0xB9, 1, 2]]), Err(ClipError::NotTwentyMs { index: 1 }));
    assert_eq!(Clip::of_packets(&[[0xBC, 0xFF, 0xFE]]), Err(ClipError::NotMono));
    let one = to_file(&[CELT_SILENCE.to_vec()], 0, &[]);
    assert!(Clip::read(&one).is_ok());
    let comfort = ComfortNoise::seeded(1).unwrap().packet(0).to_vec();
    assert_eq!(Clip::read(&[to_file(&[comfort], 0, &[]), one].concat()), Err(ClipError::Chained));
    assert!(Clip::read(b"no").is_err());
}

#[test]
fn fec_is_seen_where_it_is() {
    let mut encoder = audio::opus::Encoder::new(Preset::Live).unwrap();
    encoder.expect_loss(20).unwrap();
    let with: Vec<Vec<u8>> = audio::opus::encode_with(&mut encoder, &speech()).unwrap();
    let without = encode_all(Preset::Prompt, &speech()).unwrap();
    let share = |packets: &[Vec<u8>]| packets.iter().filter(|p| has_fec(p)).count() as f64 / packets.len() as f64;
    assert!(share(&with) > 0.5, "{}", share(&with));
    assert_eq!(share(&without), 0.0);
}

#[test]
fn too_short_for_a_loop_is_said_so() {
    assert_eq!(circular(Pcm::tone(440.0, -12.0, 100)), None);
    let why = prepare(Pcm::tone(440.0, -12.0, 100), Purpose::Music).unwrap_err();
    assert!(matches!(why, TranscodeError::TooShort));
}

/// Real speech: our own welcome, decoded.
fn speech() -> Vec<f32> {
    let clip = Clip::read(include_bytes!("../../assets/demo/welcome.ogg")).unwrap();
    let packets: Vec<&[u8]> = clip.packets().collect();
    decode_all(&packets).unwrap()
}
