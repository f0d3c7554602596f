//! 48 kHz mono samples as a value: tones, levels, 16-bit WAV.

use crate::limits::RATE_HZ;

/// Mono sound at 48 kHz, full scale 1.0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pcm {
    /// The samples.
    pub samples: Vec<f32>,
}

impl Pcm {
    /// Sound of these samples.
    pub fn new(samples: Vec<f32>) -> Pcm {
        Pcm { samples }
    }

    /// Digital silence.
    pub fn silence(ms: u32) -> Pcm {
        Pcm { samples: vec![0.0; samples_of_ms(ms)] }
    }

    /// A sine of `dbfs` RMS decibels against a full-scale sine (so 0 dBFS peaks at 1.0), from phase 0.
    pub fn tone(hz: f32, dbfs: f32, ms: u32) -> Pcm {
        let peak = f64::from(from_db(dbfs));
        let step = std::f64::consts::TAU * f64::from(hz) / f64::from(RATE_HZ);
        Pcm { samples: (0..samples_of_ms(ms)).map(|n| (peak * (step * n as f64).sin()) as f32).collect() }
    }

    /// White noise of `dbfs` RMS (against full scale 1.0), the same for the same seed.
    pub fn noise(seed: u64, dbfs: f32, ms: u32) -> Pcm {
        let mut noise = Noise::seeded(seed);
        // Uniform in -1..1 has an RMS of 1/√3.
        let gain = from_db(dbfs) * 3f32.sqrt();
        Pcm { samples: (0..samples_of_ms(ms)).map(|_| noise.next_sample() * gain).collect() }
    }

    /// How long it lasts, rounded down to milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / u64::from(RATE_HZ)
    }

    /// The largest absolute sample.
    pub fn peak(&self) -> f32 {
        self.samples.iter().fold(0.0, |peak, s| peak.max(s.abs()))
    }

    /// RMS level in dB against full scale 1.0; −120 for silence.
    pub fn rms_dbfs(&self) -> f32 {
        rms_dbfs(&self.samples)
    }

    /// Multiplies every sample.
    pub fn scale(&mut self, gain: f32) {
        self.samples.iter_mut().for_each(|s| *s *= gain);
    }

    /// Adds `other`, starting at sample `at`; grows if need be.
    pub fn add(&mut self, other: &[f32], at: usize) {
        if self.samples.len() < at + other.len() {
            self.samples.resize(at + other.len(), 0.0);
        }
        for (to, from) in self.samples[at..].iter_mut().zip(other) {
            *to += from;
        }
    }

    /// A 16-bit mono WAV file at 48 kHz.
    pub fn to_wav(&self) -> Vec<u8> {
        let data_bytes = u32::try_from(self.samples.len() * 2).unwrap_or(u32::MAX - 36);
        let mut out = Vec::with_capacity(44 + self.samples.len() * 2);
        out.extend_from_slice(b"RIFF");
        out.extend_from_slice(&(36 + data_bytes).to_le_bytes());
        out.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        out.extend_from_slice(&RATE_HZ.to_le_bytes());
        out.extend_from_slice(&(RATE_HZ * 2).to_le_bytes());
        out.extend_from_slice(b"\x02\0\x10\0data");
        out.extend_from_slice(&data_bytes.to_le_bytes());
        for sample in &self.samples {
            out.extend_from_slice(&to_i16(*sample).to_le_bytes());
        }
        out
    }

    /// Reads a 16-bit mono WAV file at 48 kHz, as [`Pcm::to_wav`] writes it. Anything else is for [`crate::decode`].
    pub fn from_wav(bytes: &[u8]) -> Result<Pcm, WavError> {
        let wav = read_wav(bytes)?;
        match (wav.rate_hz, wav.channels.as_slice()) {
            (RATE_HZ, [mono]) => Ok(Pcm::new(mono.clone())),
            (rate_hz, channels) => Err(WavError::Shape { rate_hz, channels: channels.len() }),
        }
    }
}

/// A 16-bit WAV file of any rate, channel by channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Samples a second.
    pub rate_hz: u32,
    /// One list of samples a channel, all equally long.
    pub channels: Vec<Vec<f32>>,
}

/// Reads a 16-bit WAV file: what `opusdec` and `ffmpeg` write. A data chunk that claims more than there is gives what is
/// there.
pub fn read_wav(bytes: &[u8]) -> Result<Wav, WavError> {
    let rest = bytes.strip_prefix(b"RIFF").and_then(|r| r.get(4..)).ok_or(WavError::NotWav)?;
    let mut rest = rest.strip_prefix(b"WAVE").ok_or(WavError::NotWav)?;
    let mut format: Option<(u16, u16, u32, u16)> = None;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let claimed = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (chunk, after) = body.split_at_checked(claimed).unwrap_or((body, &[]));
        match &head[..4] {
            b"fmt " if chunk.len() >= 16 => {
                let word = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
                let rate_hz = u32::from(word(4)) | (u32::from(word(6)) << 16);
                format = Some((word(0), word(2), rate_hz, word(14)));
            }
            b"data" => return samples_of(chunk, format.ok_or(WavError::NotWav)?),
            _ => {}
        }
        rest = after.get(claimed % 2..).unwrap_or(&[]);
    }
    Err(WavError::NotWav)
}

fn samples_of(data: &[u8], (tag, channels, rate_hz, bits): (u16, u16, u32, u16)) -> Result<Wav, WavError> {
    // 0xFFFE is WAVE_FORMAT_EXTENSIBLE, which ffmpeg writes; 16 bits of it are PCM.
    if !matches!(tag, 1 | 0xFFFE) || bits != 16 || channels == 0 || rate_hz == 0 {
        return Err(WavError::NotPcm16 { tag, bits });
    }
    let count = usize::from(channels);
    let mut lanes = vec![Vec::with_capacity(data.len() / 2 / count); count];
    for frame in data.chunks_exact(2 * count) {
        for (lane, sample) in lanes.iter_mut().zip(frame.chunks_exact(2)) {
            lane.push(f32::from(i16::from_le_bytes([sample[0], sample[1]])) / 32_768.0);
        }
    }
    Ok(Wav { rate_hz, channels: lanes })
}

/// Samples that last `ms` milliseconds.
pub const fn samples_of_ms(ms: u32) -> usize {
    ms as usize * (RATE_HZ as usize / 1_000)
}

/// An amplitude from decibels.
pub fn from_db(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// RMS level of samples in dB against full scale 1.0; −120 for silence or nothing.
pub fn rms_dbfs(samples: &[f32]) -> f32 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    let power = sum / samples.len().max(1) as f64;
    (10.0 * power.max(1e-12).log10()) as f32
}

/// Uniform noise from a seed (SplitMix64): the same on every machine.
#[derive(Debug, Clone)]
pub struct Noise(u64);

impl Noise {
    /// Noise that begins at `seed`.
    pub fn seeded(seed: u64) -> Noise {
        Noise(seed)
    }

    /// The next sample, in −1..1.
    pub fn next_sample(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// Why bytes are not the WAV file that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// No RIFF/WAVE header, or no data.
    #[error("not a WAV file, or one without sound")]
    NotWav,
    /// Not 16-bit PCM.
    #[error("a WAV file of {bits} bits and format {tag}, not of 16-bit PCM")]
    NotPcm16 {
        /// The format tag.
        tag: u16,
        /// Bits a sample.
        bits: u16,
    },
    /// Not mono at 48 kHz.
    #[error("{channels} channels at {rate_hz} Hz, not one at 48,000")]
    Shape {
        /// Samples a second.
        rate_hz: u32,
        /// Channels.
        channels: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_file_reads_back_within_half_a_step() {
        let sound = Pcm::tone(440.0, -6.0, 50);
        let back = Pcm::from_wav(&sound.to_wav()).unwrap();
        assert_eq!(back.samples.len(), 2_400);
        for (a, b) in sound.samples.iter().zip(&back.samples) {
            assert!((a - b).abs() <= 0.5 / 32_768.0 + f32::EPSILON);
        }
    }

    #[test]
    fn levels_are_what_they_say() {
        assert!((Pcm::tone(1_000.0, 0.0, 1_000).rms_dbfs() + 3.01).abs() < 0.02);
        assert!((Pcm::noise(1, -60.0, 1_000).rms_dbfs() + 60.0).abs() < 0.2);
        assert_eq!(Pcm::silence(20).rms_dbfs(), -120.0);
        assert_eq!(Pcm::silence(20).duration_ms(), 20);
    }

    #[test]
    fn broken_wav_files_are_refused_and_cut_ones_give_what_is_there() {
        let whole = Pcm::tone(440.0, -6.0, 20).to_wav();
        for length in 0..44 {
            assert!(read_wav(&whole[..length]).is_err(), "{length}");
        }
        assert_eq!(read_wav(&whole[..144]).unwrap().channels[0].len(), 50);
    }
}
