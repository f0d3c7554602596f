//! Makes the sounds in `audio/assets`: `make_assets ASSETS_DIR [SPOKEN_WAVS_DIR]`.
//!
//! Music and tones are synthesised here; the spoken prompts come as WAV files from `audio/examples/speak.py`. Without the
//! second argument the prompts that exist are left as they are, and so are the voices of the tests in `audio/tests/voices`.

mod music;
mod synth;

use audio::clip::Clip;
use audio::loudness::{self, MUSIC_LUFS, SPEECH_LUFS};
use audio::opus::{Preset, encode_all};
use audio::pcm::{Pcm, samples_of_ms};
use audio::resample::to_48k;
use audio::transcode::{Purpose, prepare_loop, prepare_tone, to_file, transcode};
use audio::{
    limits::{Limits, RATE_HZ},
    trim::soften_ends,
};
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let assets = args.next().ok_or("usage: make_assets ASSETS_DIR [SPOKEN_WAVS_DIR]")?;
    let spoken = args.next();
    std::fs::create_dir_all(assets.join("demo"))?;
    std::fs::create_dir_all(assets.join("digits"))?;

    let mut hold = music::hold_music();
    loudness::normalise(&mut hold, MUSIC_LUFS).ok_or("the music is silent")?;
    save(&assets.join("hold-music.ogg"), &prepare_loop(&hold)?)?;
    save(&assets.join("ringback.ogg"), &prepare_tone(&ringback(), true)?)?;
    save(&assets.join("beep.ogg"), &prepare_tone(&beep(&[1_000.0], BEEP_MS), false)?)?;
    save(&assets.join("warning.ogg"), &prepare_tone(&synth::chime(&[880.0, 659.25]), false)?)?;
    for (name, low_hz, high_hz) in DIGITS {
        let sound = beep(&[low_hz, high_hz], DIGIT_MS);
        save(&assets.join("digits").join(name).with_extension("ogg"), &prepare_tone(&sound, false)?)?;
    }
    if let Some(spoken) = spoken {
        for name in PROMPTS {
            let wav = std::fs::read(spoken.join(name).with_extension("wav"))?;
            let prompt = transcode(&wav, Purpose::Prompt, &Limits::UPLOAD)?;
            save(&assets.join("demo").join(name).with_extension("ogg"), &prompt.ogg)?;
        }
        let voices = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/voices");
        std::fs::create_dir_all(&voices)?;
        std::fs::write(voices.join("ana.ogg"), live_voice(&spoken, 1.0)?)?;
        std::fs::write(voices.join("ben.ogg"), live_voice(&spoken, BEN_PITCH)?)?;
    }
    Ok(())
}

/// Writes a clip and says what it is: the lines of `SOURCES.md`.
fn save(path: &Path, ogg: &[u8]) -> Result<(), Box<dyn Error>> {
    let clip = Clip::read(ogg).map_err(|why| format!("{}: {why}", path.display()))?;
    std::fs::write(path, ogg)?;
    let packets: Vec<&[u8]> = clip.packets().collect();
    let level = loudness::measure(&audio::opus::decode_all(&packets)?);
    println!(
        "{:<28} {:>7.2} s {:>7} bytes {:>6.1} LUFS {:>6.1} dBTP{}",
        path.display(),
        clip.duration_ms() as f64 / 1_000.0,
        ogg.len(),
        level.lufs,
        level.true_peak_dbtp,
        if clip.looped() { "  loop" } else { "" },
    );
    Ok(())
}

/// All prompts one after the other, as a browser sends a voice: encoded once, from sound that no codec has touched.
fn live_voice(spoken: &Path, pitch: f64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut voice = Pcm::silence(0);
    for name in PROMPTS {
        let wav = std::fs::read(spoken.join(name).with_extension("wav"))?;
        let sound = audio::decode::decode(&wav, &Limits::UPLOAD)?;
        voice.samples.extend(to_48k(&sound.samples, (f64::from(RATE_HZ) * pitch) as u32)?);
    }
    loudness::normalise(&mut voice, SPEECH_LUFS).ok_or("the voice is silent")?;
    Ok(to_file(&encode_all(Preset::Live, &voice.samples)?, 0, &[]))
}

/// Two seconds of 440 and 480 Hz, four seconds of nothing.
fn ringback() -> Pcm {
    let mut sound = beep(&[440.0, 480.0], 2_000);
    sound.scale(0.7);
    soften_ends(&mut sound, 30);
    sound.samples.resize(samples_of_ms(6_000), 0.0);
    sound
}

/// Tones of one loudness together, with soft ends and a little room after.
fn beep(tones_hz: &[f32], ms: u32) -> Pcm {
    let mut sound = Pcm::silence(ms);
    for hz in tones_hz {
        sound.add(&Pcm::tone(*hz, TONE_DBFS, ms).samples, 0);
    }
    soften_ends(&mut sound, 8);
    sound.samples.extend(Pcm::silence(TAIL_MS).samples);
    sound
}

const PROMPTS: [&str; 7] = ["welcome", "menu", "hours", "goodbye", "nobody-free", "apology", "invalid"];
/// How much higher Ben speaks than Ana.
const BEN_PITCH: f64 = 1.2;
const BEEP_MS: u32 = 220;
const DIGIT_MS: u32 = 120;
const TAIL_MS: u32 = 40;
const TONE_DBFS: f32 = -20.0;
/// ITU-T Q.23.
const DIGITS: [(&str, f32, f32); 12] = [
    ("1", 697.0, 1_209.0),
    ("2", 697.0, 1_336.0),
    ("3", 697.0, 1_477.0),
    ("4", 770.0, 1_209.0),
    ("5", 770.0, 1_336.0),
    ("6", 770.0, 1_477.0),
    ("7", 852.0, 1_209.0),
    ("8", 852.0, 1_336.0),
    ("9", 852.0, 1_477.0),
    ("star", 941.0, 1_209.0),
    ("0", 941.0, 1_336.0),
    ("hash", 941.0, 1_477.0),
];
