//! A stranger's sound file to 48 kHz mono, within limits on bytes *and* on decoded time.

mod container;
mod ogg;

use crate::limits::Limits;
use crate::ogg_opus::ReadError;
use crate::pcm::Pcm;
use crate::resample::ResampleError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What kind of file it is, by its first bytes; names and declared types are not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RIFF WAVE.
    Wav,
    /// MPEG audio, with or without ID3 tags in front.
    Mp3,
    /// Ogg with Opus in it.
    OggOpus,
    /// Ogg with Vorbis or FLAC in it.
    Ogg,
    /// Native FLAC.
    Flac,
    /// MP4 family: M4A with AAC or Opus.
    Mp4,
    /// Matroska family: WebM with Opus or Vorbis, what browsers record.
    WebM,
    /// Raw AAC in ADTS frames.
    Adts,
}

impl Format {
    /// Looks at the first bytes.
    pub fn sniff(bytes: &[u8]) -> Option<Format> {
        let first_page = bytes.get(..bytes.len().min(OGG_LOOK_BYTES)).unwrap_or(bytes);
        match bytes {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Format::Wav),
            [b'O', b'g', b'g', b'S', ..] if first_page.windows(8).any(|w| w == b"OpusHead") => Some(Format::OggOpus),
            [b'O', b'g', b'g', b'S', ..] => Some(Format::Ogg),
            [b'f', b'L', b'a', b'C', ..] => Some(Format::Flac),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Format::Mp4),
            [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(Format::WebM),
            [b'I', b'D', b'3', ..] => Some(Format::Mp3),
            // Layer bits 00 are ADTS, anything else is MPEG audio.
            [0xFF, second, ..] if second & 0xF6 == 0xF0 => Some(Format::Adts),
            [0xFF, second, ..] if second & 0xE0 == 0xE0 => Some(Format::Mp3),
            _ => None,
        }
    }
}

/// Decodes a file to 48 kHz mono; channels are averaged. A file that is cut off gives what is there.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Pcm, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.len() > limits.bytes_max {
        return Err(DecodeError::TooManyBytes { bytes: bytes.len(), bytes_max: limits.bytes_max });
    }
    let format = Format::sniff(bytes).ok_or(DecodeError::UnknownFormat)?;
    // WHY: the decoders are not ours. A defect in one ends this file, not the daemon.
    let samples = catch_unwind(AssertUnwindSafe(|| match format {
        Format::OggOpus => ogg::decode(bytes, limits),
        _ => container::decode(bytes, limits),
    }))
    .unwrap_or_else(|_| Err(DecodeError::Broken("its decoder gave up".to_owned())))?;
    if samples.is_empty() {
        return Err(DecodeError::NoSound);
    }
    Ok(Pcm::new(samples))
}

/// `OpusHead` stands at byte 28 of the first page.
const OGG_LOOK_BYTES: usize = 64;

/// Why a file is refused, in words for the person who uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Too large.
    #[error("the file is larger than {} MB", bytes_max / (1024 * 1024))]
    TooManyBytes {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Too long once decoded.
    #[error("the sound lasts longer than {} minutes", samples_max / 2_880_000)]
    TooLong {
        /// The limit, in samples at 48 kHz.
        samples_max: u64,
    },
    /// Not sound.
    #[error("this is not a sound file we can read (WAV, MP3, OGG, Opus, FLAC, M4A and WebM are)")]
    UnknownFormat,
    /// A known container with something else in it.
    #[error("the file holds a kind of sound we cannot decode: {0}")]
    Unsupported(String),
    /// Damaged beyond use.
    #[error("the file is damaged: {0}")]
    Broken(String),
    /// Nothing decoded.
    #[error("there is no sound in the file")]
    NoSound,
}

impl From<ReadError> for DecodeError {
    fn from(why: ReadError) -> Self {
        match why {
            ReadError::TooLong { samples_max } => DecodeError::TooLong { samples_max },
            ReadError::TooManyBytes { bytes, bytes_max } => DecodeError::TooManyBytes { bytes, bytes_max },
            why => DecodeError::Broken(why.to_string()),
        }
    }
}

impl From<ResampleError> for DecodeError {
    fn from(why: ResampleError) -> Self {
        DecodeError::Unsupported(why.to_string())
    }
}
