//! Telling sounds apart by the shape of their spectrum.

use std::collections::BTreeMap;

use crate::tone::{RATE, loudness};

/// Mean amplitude in 60 bands from 120 to 7000 Hz, as a unit vector.
pub type Shape = Vec<f64>;

/// The shape of a sound's loud parts.
pub fn shape(sound: &[f32]) -> Shape {
    let mut bands = vec![0.0; BANDS];
    for window in sound.chunks_exact(WINDOW).filter(|w| loudness(w) > SILENCE_DB) {
        for (band, sum) in bands.iter_mut().enumerate() {
            *sum += amplitude(window, edge(band), edge(band + 1));
        }
    }
    let length = bands.iter().map(|b| b * b).sum::<f64>().sqrt().max(1e-12);
    bands.iter().map(|b| b / length).collect()
}

/// The known sound whose shape is nearest, or `None` for silence: less than a tenth of the windows are loud.
pub fn nearest<'k>(sound: &[f32], known: &BTreeMap<&'k str, Shape>) -> Option<&'k str> {
    let windows: Vec<&[f32]> = sound.chunks_exact(WINDOW).collect();
    assert!(windows.len() >= 10, "{} ms are too short to tell", sound.len() * 1000 / RATE);
    let loud = windows.iter().filter(|w| loudness(w) > SILENCE_DB).count();
    if loud * 10 < windows.len() {
        return None;
    }
    let this = shape(sound);
    let likeness = |shape: &Shape| shape.iter().zip(&this).map(|(a, b)| a * b).sum::<f64>();
    known.iter().max_by(|a, b| likeness(a.1).total_cmp(&likeness(b.1))).map(|(name, _)| *name)
}

/// Root of the power between two frequencies, by summing Goertzel bins.
fn amplitude(window: &[f32], from_hz: f64, to_hz: f64) -> f64 {
    let bin = RATE as f64 / window.len() as f64;
    let (first, last) = ((from_hz / bin).ceil() as usize, (to_hz / bin).floor() as usize);
    let power: f64 = (first..=last.max(first)).map(|k| power_at(window, k)).sum();
    power.sqrt()
}

fn power_at(window: &[f32], k: usize) -> f64 {
    let turn = 2.0 * (2.0 * std::f64::consts::PI * k as f64 / window.len() as f64).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in window {
        let zero = f64::from(*sample) + turn * one - two;
        two = one;
        one = zero;
    }
    (one * one + two * two - turn * one * two) / (window.len() * window.len()) as f64
}

fn edge(band: usize) -> f64 {
    120.0 * (7_000.0_f64 / 120.0).powf(band as f64 / BANDS as f64)
}

const BANDS: usize = 60;
/// 50 ms.
const WINDOW: usize = 2_400;
const SILENCE_DB: f32 = -55.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::chirps;

    #[test]
    fn two_voices_and_silence_are_told_apart() {
        let (low, high) = (chirps(450.0, 950.0, 4.0), chirps(1_500.0, 2_300.0, 4.0));
        let known = BTreeMap::from([("low", shape(&low)), ("high", shape(&high))]);
        assert_eq!(nearest(&low[30_000..90_000], &known), Some("low"));
        assert_eq!(nearest(&high[30_000..90_000], &known), Some("high"));
        assert_eq!(nearest(&vec![0.0; 48_000], &known), None);
    }
}
