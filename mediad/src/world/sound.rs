//! What a peer says and hears as sound: tones to speak with, and how much of each is in what was heard.

use std::sync::Arc;

use audio::limits::{FRAME_SAMPLES, RATE_HZ};
use audio::opus::{Decoder, Preset, encode_all};
use audio::pcm::Pcm;

use super::{Got, World};

/// A second of a tone as a browser would encode it, −20 dBFS.
pub(crate) fn tone(hz: f32) -> Arc<Vec<Vec<u8>>> {
    Arc::new(encode_all(Preset::Live, &Pcm::tone(hz, -20.0, 1_000).samples).unwrap())
}

/// What a peer heard between two moments, decoded as its device would: what is missing is concealed.
pub(crate) fn heard(world: &World, peer: usize, from_ms: u64, to_ms: u64) -> Vec<f32> {
    let ms = |got: &Got| (got.at - world.start).as_millis() as u64;
    let got: Vec<&Got> = world.peers[peer].heard.iter().filter(|got| (from_ms..to_ms).contains(&ms(got))).collect();
    let mut sorted: Vec<&Got> = got.clone();
    sorted.sort_by_key(|got| got.index);
    let mut decoder = Decoder::new().unwrap();
    let mut sound = Vec::new();
    let mut last: Option<u64> = None;
    for got in sorted {
        for _ in 1..last.map_or(1, |last| got.index - last).min(50) {
            let mut out = [0.0; FRAME_SAMPLES];
            decoder.conceal(&mut out).unwrap();
            sound.extend_from_slice(&out);
        }
        let mut out = [0.0; FRAME_SAMPLES];
        decoder.decode(&got.payload, &mut out).unwrap();
        sound.extend_from_slice(&out);
        last = Some(got.index);
    }
    sound
}

/// How loud a tone is in a sound, in dB against a full-scale sine.
pub(crate) fn level_db(samples: &[f32], hz: f32) -> f64 {
    let step = std::f64::consts::TAU * f64::from(hz) / f64::from(RATE_HZ);
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        // A Hann window keeps a loud neighbour out of the band.
        let window = 1.0 - (std::f64::consts::TAU * n as f64 / samples.len() as f64).cos();
        let (sin, cos) = (step * n as f64).sin_cos();
        re += f64::from(*sample) * window * cos;
        im += f64::from(*sample) * window * sin;
    }
    let amplitude = 2.0 * (re * re + im * im).sqrt() / samples.len().max(1) as f64;
    20.0 * amplitude.max(1e-7).log10()
}
