//! What is in a sound: how strong a frequency is, how loud the whole.

use std::path::Path;

use audio::limits::Limits;
use audio::ogg_opus;
use audio::opus::{Preset, decode_all, encode_all};
use audio::pcm::Pcm;

/// Samples a second everywhere in the house.
pub const RATE: usize = 48_000;

/// Level of one frequency in dB below full scale, by Goertzel's algorithm over a Hann window.
pub fn level_of(samples: &[f32], hz: f32) -> f32 {
    let n = samples.len();
    if n < 2 {
        return SILENCE_DB;
    }
    let step = 2.0 * std::f32::consts::PI * hz / RATE as f32;
    let (mut re, mut im) = (0.0_f64, 0.0_f64);
    for (i, sample) in samples.iter().enumerate() {
        let window = 0.5 - 0.5 * (2.0 * std::f64::consts::PI * i as f64 / n as f64).cos();
        let angle = f64::from(step) * i as f64;
        re += window * f64::from(*sample) * angle.cos();
        im += window * f64::from(*sample) * angle.sin();
    }
    // Hann halves the amplitude; a sine of amplitude 1 gives n/4.
    let amplitude = (re * re + im * im).sqrt() * 4.0 / n as f64;
    (20.0 * amplitude.max(1e-6).log10()) as f32
}

/// Root mean square in dB below full scale.
pub fn loudness(samples: &[f32]) -> f32 {
    let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64;
    (10.0 * power.max(1e-10).log10()) as f32
}

/// Whether `hz` is the sound: above -40 dB, and at least half of all the energy.
pub fn is_tone(samples: &[f32], hz: f32) -> bool {
    let level = level_of(samples, hz);
    // The power of a sine is 3 dB below its peak; half of all energy is another 3 dB.
    level > -40.0 && level - 3.0 >= loudness(samples) - 3.0
}

/// Bursts of rising tone between `from_hz` and `to_hz`, 260 ms on and 140 ms off: near enough to speech that a browser's
/// noise suppression lets it pass, narrow enough to be told from any other by its band.
pub fn chirps(from_hz: f32, to_hz: f32, seconds: f32) -> Vec<f32> {
    let (on, period) = (0.26, 0.40);
    let mut phase = 0.0_f32;
    let count = (seconds * RATE as f32) as usize;
    (0..count)
        .map(|i| {
            let t = (i as f32 / RATE as f32) % period;
            let hz = from_hz + (to_hz - from_hz) * (t / on).min(1.0);
            phase = (phase + hz / RATE as f32).fract();
            let envelope = if t < on { (std::f32::consts::PI * t / on).sin() } else { 0.0 };
            // Two harmonics above, as a voice has.
            let wave = |k: f32| (2.0 * std::f32::consts::PI * phase * k).sin() / k;
            0.35 * envelope * (wave(1.0) + 0.3 * wave(2.0))
        })
        .collect()
}

/// A sine of amplitude 0.25.
pub fn sine(hz: f32, seconds: f32) -> Vec<f32> {
    let count = (seconds * RATE as f32) as usize;
    (0..count).map(|i| 0.25 * (2.0 * std::f32::consts::PI * hz * i as f32 / RATE as f32).sin()).collect()
}

/// Decodes packets one after another, as a receiver with one decoder does.
pub fn decoded(packets: &[Vec<u8>]) -> Vec<f32> {
    decode_all(packets).expect("packets of this call decode")
}

/// 20 ms Opus packets as a live speaker sends them.
pub fn encoded(samples: &[f32]) -> Vec<Vec<u8>> {
    encode_all(Preset::Live, samples).expect("libopus encodes")
}

/// The packets of an Ogg Opus file.
pub fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let links = ogg_opus::read(file, &Limits::RECORDING).expect("an Ogg Opus file");
    links.into_iter().flat_map(|link| link.packets).collect()
}

/// A prepared clip of the house, decoded.
pub fn clip(path: &Path) -> Vec<f32> {
    let file = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    decoded(&packets(&file))
}

/// A 16-bit WAV file.
pub fn wav(samples: &[f32]) -> Vec<u8> {
    Pcm::new(samples.to_vec()).to_wav()
}

const SILENCE_DB: f32 = -120.0;
