//! Any sample rate to 48 kHz, piece by piece, so that memory holds only the result.

use crate::limits::RATE_HZ;
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// Takes mono samples at one rate, collects them at 48 kHz.
pub struct To48k {
    fft: Option<Fft<f32>>,
    waiting: Vec<f32>,
    scratch: Vec<f32>,
    out: Vec<f32>,
    /// Output samples still to be dropped: the filter's delay.
    delay: usize,
    rate_hz: u32,
    taken: u64,
}

impl To48k {
    /// A resampler from `rate_hz` ([`RATES_HZ`]).
    pub fn new(rate_hz: u32) -> Result<To48k, ResampleError> {
        if !RATES_HZ.contains(&rate_hz) {
            return Err(ResampleError::Rate { rate_hz });
        }
        let fft = if rate_hz == RATE_HZ {
            None
        } else {
            let fft = Fft::new(rate_hz as usize, RATE_HZ as usize, CHUNK, 1, FixedSync::Input);
            Some(fft.map_err(|why| ResampleError::Failed(why.to_string()))?)
        };
        let delay = fft.as_ref().map_or(0, Resampler::output_delay);
        let scratch = vec![0.0; fft.as_ref().map_or(0, Resampler::output_frames_max)];
        Ok(To48k { fft, waiting: Vec::new(), scratch, out: Vec::new(), delay, rate_hz, taken: 0 })
    }

    /// Takes samples.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), ResampleError> {
        self.taken += samples.len() as u64;
        let Some(fft) = &mut self.fft else {
            self.out.extend_from_slice(samples);
            return Ok(());
        };
        self.waiting.extend_from_slice(samples);
        let need = fft.input_frames_next();
        let mut at = 0;
        while self.waiting.len() - at >= need {
            let chunk = &self.waiting[at..at + need];
            let made = run(fft, chunk, &mut self.scratch)?;
            keep(&mut self.out, &self.scratch[..made], &mut self.delay);
            at += need;
        }
        self.waiting.drain(..at);
        Ok(())
    }

    /// The rate of what it takes.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Samples taken so far, as they will be at 48 kHz.
    pub fn samples(&self) -> u64 {
        (self.taken * u64::from(RATE_HZ)).div_ceil(u64::from(self.rate_hz))
    }

    /// Everything, exactly as long as what was pushed.
    pub fn finish(mut self) -> Result<Vec<f32>, ResampleError> {
        let length = usize::try_from(self.samples()).unwrap_or(usize::MAX);
        if let Some(mut fft) = self.fft.take() {
            let need = fft.input_frames_next();
            while self.out.len() < length {
                self.waiting.resize(need, 0.0);
                let made = run(&mut fft, &self.waiting, &mut self.scratch)?;
                keep(&mut self.out, &self.scratch[..made], &mut self.delay);
                self.waiting.clear();
            }
        }
        self.out.truncate(length);
        Ok(self.out)
    }
}

impl std::fmt::Debug for To48k {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("To48k").field("rate_hz", &self.rate_hz).field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// Mono samples at `rate_hz`, at 48 kHz.
pub fn to_48k(samples: &[f32], rate_hz: u32) -> Result<Vec<f32>, ResampleError> {
    let mut resampler = To48k::new(rate_hz)?;
    resampler.push(samples)?;
    resampler.finish()
}

fn run(fft: &mut Fft<f32>, chunk: &[f32], out: &mut [f32]) -> Result<usize, ResampleError> {
    let failed = |why: String| ResampleError::Failed(why);
    let room = out.len();
    let from = InterleavedSlice::new(chunk, 1, chunk.len()).map_err(|why| failed(why.to_string()))?;
    let mut to = InterleavedSlice::new_mut(out, 1, room).map_err(|why| failed(why.to_string()))?;
    let (_, made) = fft.process_into_buffer(&from, &mut to, None).map_err(|why| failed(why.to_string()))?;
    Ok(made)
}

fn keep(out: &mut Vec<f32>, made: &[f32], delay: &mut usize) {
    let skip = made.len().min(*delay);
    *delay -= skip;
    out.extend_from_slice(&made[skip..]);
}

/// Rates a sound file may have.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=384_000;
const CHUNK: usize = 1_024;

/// Why there is no resampling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// A rate outside [`RATES_HZ`].
    #[error("{rate_hz} samples a second is not a rate of sound")]
    Rate {
        /// The rate.
        rate_hz: u32,
    },
    /// The filter's own words.
    #[error("resampling failed: {0}")]
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcm::rms_dbfs;

    #[test]
    fn a_tone_keeps_its_length_place_and_level_at_every_usual_rate() {
        for rate in [8_000u32, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000] {
            let step = std::f32::consts::TAU * 1_000.0 / rate as f32;
            let sound: Vec<f32> = (0..rate).map(|n| 0.5 * (step * n as f32).sin()).collect();
            let mut resampler = To48k::new(rate).unwrap();
            sound.chunks(777).for_each(|piece| resampler.push(piece).unwrap());
            let out = resampler.finish().unwrap();
            assert_eq!(out.len(), 48_000, "{rate}");
            // Against the same tone made at 48 kHz: level, frequency and delay at once.
            let error: Vec<f32> = out
                .iter()
                .enumerate()
                .map(|(n, s)| s - 0.5 * (std::f32::consts::TAU * 1_000.0 / 48_000.0 * n as f32).sin())
                .collect();
            let ratio = rms_dbfs(&error[4_800..43_200]) - rms_dbfs(&out[4_800..43_200]);
            assert!(ratio < -50.0, "{rate} Hz: error {ratio} dB");
        }
    }

    #[test]
    fn impossible_rates_are_refused() {
        assert_eq!(To48k::new(0).unwrap_err(), ResampleError::Rate { rate_hz: 0 });
        assert!(To48k::new(u32::MAX).is_err());
    }
}
