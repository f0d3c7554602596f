//! How loud sound is to a person (ITU-R BS.1770), and bringing it to where it should be.

use crate::limits::RATE_HZ;
use crate::pcm::{Pcm, from_db};
use ebur128::{EbuR128, Mode};
use std::collections::VecDeque;

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness {
    /// Integrated loudness in LUFS; −∞ for silence.
    pub lufs: f64,
    /// The highest peak between the samples, in dB against full scale; −∞ for silence.
    pub true_peak_dbtp: f64,
}

/// Measures mono sound at 48 kHz. Sound shorter than the standard's 400 ms window is measured as if it were repeated.
pub fn measure(samples: &[f32]) -> Loudness {
    const SILENCE: Loudness = Loudness { lufs: f64::NEG_INFINITY, true_peak_dbtp: f64::NEG_INFINITY };
    if samples.is_empty() {
        return SILENCE;
    }
    let Ok(mut meter) = EbuR128::new(1, RATE_HZ, Mode::I | Mode::TRUE_PEAK) else { return SILENCE };
    let times = (WINDOW_SAMPLES * 2).div_ceil(samples.len()).max(1);
    for _ in 0..times {
        if meter.add_frames_f32(samples).is_err() {
            return SILENCE;
        }
    }
    Loudness {
        lufs: meter.loudness_global().unwrap_or(f64::NEG_INFINITY),
        true_peak_dbtp: meter.true_peak(0).map_or(f64::NEG_INFINITY, |peak| 20.0 * peak.log10()),
    }
}

/// Brings sound to `target_lufs` and returns what it then measures. Peaks that would rise above [`TRUE_PEAK_MAX_DBTP`] are
/// turned down for a few milliseconds, by [`LIMIT_DB_MAX`] at most; beyond that the whole stays quieter than its target.
/// `None`, and nothing is changed, if there is nothing to hear in it (below −70 LUFS).
pub fn normalise(sound: &mut Pcm, target_lufs: f64) -> Option<Loudness> {
    let before = measure(&sound.samples);
    if before.lufs < SILENCE_LUFS {
        return None;
    }
    let room_db = TRUE_PEAK_MAX_DBTP - before.true_peak_dbtp;
    let gain_db = (target_lufs - before.lufs).min(room_db + LIMIT_DB_MAX);
    sound.scale(from_db(gain_db as f32));
    if gain_db <= room_db {
        return Some(Loudness { lufs: before.lufs + gain_db, true_peak_dbtp: before.true_peak_dbtp + gain_db });
    }
    // WHY: samples are limited, peaks between them are not seen; a little below keeps those under it too.
    limit(&mut sound.samples, from_db(TRUE_PEAK_MAX_DBTP as f32 - 0.3));
    Some(measure(&sound.samples))
}

/// Turns every sample above `ceiling` down, and its neighbours with it: the gain falls and rises over [`LIMIT_SAMPLES`], and
/// is never above what a sample needs.
fn limit(samples: &mut [f32], ceiling: f32) {
    let needed: Vec<f32> = samples.iter().map(|s| ceiling / s.abs().max(ceiling)).collect();
    // The least gain of a window, and then the mean of those over a window as long: at each sample every term of the mean
    // has seen that sample, so the mean is at most what it needs.
    let mut least = SlidingMin::default();
    let mut recent = vec![1.0f32; LIMIT_SAMPLES];
    let mut sum = LIMIT_SAMPLES as f64;
    for at in 0..samples.len() + LIMIT_SAMPLES - 1 {
        let gain = least.push(at, needed.get(at).copied().unwrap_or(1.0));
        let slot = at % LIMIT_SAMPLES;
        sum += f64::from(gain) - f64::from(recent[slot]);
        recent[slot] = gain;
        if let Some(sample) = at.checked_sub(LIMIT_SAMPLES - 1).and_then(|at| samples.get_mut(at)) {
            *sample *= (sum / LIMIT_SAMPLES as f64) as f32;
        }
    }
}

/// The least of the last [`LIMIT_SAMPLES`] values.
#[derive(Default)]
struct SlidingMin(VecDeque<(usize, f32)>);

impl SlidingMin {
    fn push(&mut self, at: usize, value: f32) -> f32 {
        while self.0.back().is_some_and(|(_, last)| *last >= value) {
            self.0.pop_back();
        }
        self.0.push_back((at, value));
        while self.0.front().is_some_and(|(first, _)| first + LIMIT_SAMPLES <= at) {
            self.0.pop_front();
        }
        self.0.front().map_or(value, |(_, least)| *least)
    }
}

/// Loudness of spoken prompts.
pub const SPEECH_LUFS: f64 = -19.0;
/// Loudness of music: below speech, as one waits through it.
pub const MUSIC_LUFS: f64 = -23.0;
/// No peak rises above this: Opus adds a little.
pub const TRUE_PEAK_MAX_DBTP: f64 = -2.0;
/// The most a peak is turned down for the sake of loudness.
pub const LIMIT_DB_MAX: f64 = 6.0;
/// Over how long the limiter moves: 5 ms.
const LIMIT_SAMPLES: usize = 240;
/// Nothing to hear.
const SILENCE_LUFS: f64 = -70.0;
const WINDOW_SAMPLES: usize = 19_200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_tone_measures_as_the_standard_says() {
        // BS.1770: a 997 Hz sine at 0 dBFS in one channel is −3.01 LUFS.
        let tone = Pcm::tone(997.0, 0.0, 3_000);
        assert!((measure(&tone.samples).lufs + 3.01).abs() < 0.1, "{:?}", measure(&tone.samples));
    }

    #[test]
    fn sound_comes_to_its_target_and_peaks_hold_it_back() {
        let mut speech = Pcm::noise(3, -40.0, 1_000);
        let after = normalise(&mut speech, SPEECH_LUFS).unwrap();
        assert!((after.lufs - SPEECH_LUFS).abs() < 0.1);
        assert!((measure(&speech.samples).lufs - SPEECH_LUFS).abs() < 0.2);
        let mut spiky = Pcm::noise(3, -50.0, 1_000);
        spiky.samples[500] = 0.9;
        let after = normalise(&mut spiky, SPEECH_LUFS).unwrap();
        assert!(after.lufs < SPEECH_LUFS - 10.0 && after.true_peak_dbtp <= TRUE_PEAK_MAX_DBTP + 0.01, "{after:?}");
        assert!(spiky.peak() <= 0.8);
    }

    #[test]
    fn a_few_peaks_are_turned_down_and_the_rest_is_as_loud_as_it_should_be() {
        let mut speech = Pcm::noise(5, -33.0, 2_000);
        for at in (4_800..90_000).step_by(9_600) {
            speech.samples[at] = 0.3;
        }
        let quiet = speech.samples[2_000];
        let after = normalise(&mut speech, SPEECH_LUFS).unwrap();
        assert!((after.lufs - SPEECH_LUFS).abs() < 0.5 && after.true_peak_dbtp <= TRUE_PEAK_MAX_DBTP, "{after:?}");
        // Far from a peak nothing but the gain has happened.
        let gain_db = 20.0 * (speech.samples[2_000] / quiet).log10();
        assert!((f64::from(gain_db) - 12.0).abs() < 3.0, "{gain_db}");
    }

    #[test]
    fn short_sound_is_measured_and_silence_is_none() {
        let beep = Pcm::tone(1_000.0, -20.0, 60);
        assert!((measure(&beep.samples).lufs + 23.0).abs() < 0.5, "{:?}", measure(&beep.samples));
        assert_eq!(normalise(&mut Pcm::silence(1_000), SPEECH_LUFS), None);
        assert_eq!(normalise(&mut Pcm::default(), SPEECH_LUFS), None);
    }
}
