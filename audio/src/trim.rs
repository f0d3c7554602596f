//! Cuts silence off both ends of sound.

use crate::pcm::{Pcm, rms_dbfs, samples_of_ms};

/// How much silence may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    /// Before the sound, in milliseconds.
    pub lead_ms: u32,
    /// After it, in milliseconds.
    pub tail_ms: u32,
}

impl Margins {
    /// For prompts: a breath before, a little room after.
    pub const SPEECH: Margins = Margins { lead_ms: 60, tail_ms: 160 };
    /// For music that will loop: none.
    pub const MUSIC: Margins = Margins { lead_ms: 0, tail_ms: 0 };
}

/// Cuts off what is more than 45 dB below the loudest 10 ms (or below −60 dBFS) at both ends, but for the margins. Sound
/// that is silence throughout is left as it is.
pub fn trim(sound: &mut Pcm, margins: Margins) {
    let piece = samples_of_ms(PIECE_MS);
    let levels: Vec<f32> = sound.samples.chunks(piece).map(rms_dbfs).collect();
    let loudest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let threshold = (loudest - BELOW_LOUDEST_DB).max(SILENCE_DBFS);
    let (Some(first), Some(last)) =
        (levels.iter().position(|l| *l >= threshold), levels.iter().rposition(|l| *l >= threshold))
    else {
        return;
    };
    let begin = (first * piece).saturating_sub(samples_of_ms(margins.lead_ms));
    let end = ((last + 1) * piece + samples_of_ms(margins.tail_ms)).min(sound.samples.len());
    sound.samples.truncate(end);
    sound.samples.drain(..begin);
}

/// Fades both ends of sound in and out, so that it begins and ends at zero.
pub fn soften_ends(sound: &mut Pcm, fade_ms: u32) {
    let fade = samples_of_ms(fade_ms).min(sound.samples.len() / 2);
    for n in 0..fade {
        let gain = n as f32 / fade as f32;
        let last = sound.samples.len() - 1 - n;
        sound.samples[n] *= gain;
        sound.samples[last] *= gain;
    }
}

const PIECE_MS: u32 = 10;
const BELOW_LOUDEST_DB: f32 = 45.0;
const SILENCE_DBFS: f32 = -60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_goes_and_the_margins_stay() {
        let mut sound = Pcm::silence(1_000);
        sound.samples.extend(Pcm::tone(500.0, -20.0, 300).samples);
        sound.samples.extend(Pcm::noise(1, -80.0, 2_000).samples);
        trim(&mut sound, Margins::SPEECH);
        assert_eq!(sound.duration_ms(), 60 + 300 + 160);
        let mut silence = Pcm::silence(500);
        trim(&mut silence, Margins::SPEECH);
        assert_eq!(silence.duration_ms(), 500);
        trim(&mut Pcm::default(), Margins::SPEECH);
    }
}
