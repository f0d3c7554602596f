//! How loud sound is to a person (ITU-R BS.1770), and bringing it to where it should be.

use crate::limits::RATE_HZ;
use crate::pcm::{Pcm, from_db};
use ebur128::{EbuR128, Mode};

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

/// Brings sound to `target_lufs`, or as near as [`TRUE_PEAK_MAX_DBTP`] lets it, and returns what it then measures. `None`,
/// and nothing is changed, if there is nothing to hear in it (below −70 LUFS).
pub fn normalise(sound: &mut Pcm, target_lufs: f64) -> Option<Loudness> {
    let before = measure(&sound.samples);
    if before.lufs < SILENCE_LUFS {
        return None;
    }
    let gain_db = (target_lufs - before.lufs).min(TRUE_PEAK_MAX_DBTP - before.true_peak_dbtp);
    sound.scale(from_db(gain_db as f32));
    Some(Loudness { lufs: before.lufs + gain_db, true_peak_dbtp: before.true_peak_dbtp + gain_db })
}

/// Loudness of spoken prompts.
pub const SPEECH_LUFS: f64 = -19.0;
/// Loudness of music: below speech, as one waits through it.
pub const MUSIC_LUFS: f64 = -23.0;
/// No peak rises above this: Opus adds a little.
pub const TRUE_PEAK_MAX_DBTP: f64 = -2.0;
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
        assert!(after.lufs < SPEECH_LUFS - 10.0 && after.true_peak_dbtp <= TRUE_PEAK_MAX_DBTP + 0.01);
        assert!(spiky.peak() <= 0.8);
    }

    #[test]
    fn short_sound_is_measured_and_silence_is_none() {
        let beep = Pcm::tone(1_000.0, -20.0, 60);
        assert!((measure(&beep.samples).lufs + 23.0).abs() < 0.5, "{:?}", measure(&beep.samples));
        assert_eq!(normalise(&mut Pcm::silence(1_000), SPEECH_LUFS), None);
        assert_eq!(normalise(&mut Pcm::default(), SPEECH_LUFS), None);
    }
}
