//! From an upload (or synthesised speech) to a prepared clip.

use crate::clip::{FADE_STOP_TAG, LOOP_TAG};
use crate::decode::{DecodeError, decode};
use crate::limits::{CLIP_PACKETS_MAX, FRAME_SAMPLES, Limits};
use crate::loudness::{self, MUSIC_LUFS, SPEECH_LUFS};
use crate::ogg_opus::{OpusHead, OpusTags, Writer};
use crate::opus::{Encoder, OpusError, Preset, encode_all, encode_with};
use crate::pcm::{Pcm, samples_of_ms};
use crate::toc::CELT_SILENCE;
use crate::trim::{Margins, soften_ends, trim};

/// What the sound is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Speech, played once.
    Prompt,
    /// Music on hold: loops without a joint.
    Music,
}

/// A clip as a file, and facts for the person who uploaded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The Ogg Opus file: what callers hear, packet for packet. [`crate::clip::Clip::read`] takes it.
    pub ogg: Vec<u8>,
    /// How long it lasts, in milliseconds.
    pub duration_ms: u64,
    /// Its loudness before encoding, in LUFS.
    pub lufs: f64,
    /// Its true peak before encoding, in dB against full scale.
    pub true_peak_dbtp: f64,
}

/// Decodes an upload and prepares it. The same bytes give the same file.
pub fn transcode(bytes: &[u8], purpose: Purpose, limits: &Limits) -> Result<Prepared, TranscodeError> {
    prepare(decode(bytes, limits)?, purpose)
}

/// Prepares 48 kHz mono sound: trims silence, brings it to its loudness, encodes it.
pub fn prepare(mut sound: Pcm, purpose: Purpose) -> Result<Prepared, TranscodeError> {
    let (margins, target) = match purpose {
        Purpose::Prompt => (Margins::SPEECH, SPEECH_LUFS),
        Purpose::Music => (Margins::MUSIC, MUSIC_LUFS),
    };
    trim(&mut sound, margins);
    if purpose == Purpose::Music {
        sound = circular(sound).ok_or(TranscodeError::TooShort)?;
    }
    let level = loudness::normalise(&mut sound, target).ok_or(TranscodeError::Silent)?;
    let (packets, pre_skip, tags): (_, _, &[(&str, &str)]) = match purpose {
        Purpose::Prompt => {
            soften_ends(&mut sound, EDGE_MS);
            (prompt_packets(&sound.samples)?, SILK_SKIP, &[])
        }
        Purpose::Music => (loop_packets(&sound.samples)?, CELT_SKIP, &[(LOOP_TAG, "1")]),
    };
    if packets.len() > CLIP_PACKETS_MAX {
        return Err(TranscodeError::TooLong);
    }
    Ok(Prepared {
        duration_ms: packets.len() as u64 * 20,
        ogg: to_file(&packets, pre_skip, tags),
        lufs: level.lufs,
        true_peak_dbtp: level.true_peak_dbtp,
    })
}

/// A tone or beep as a clip file: CELT-only, played as it is (no trimming, no loudness). `looped` needs sound whose end
/// meets its beginning, a multiple of 20 ms long.
pub fn prepare_tone(sound: &Pcm, looped: bool) -> Result<Vec<u8>, TranscodeError> {
    if sound.samples.is_empty() {
        return Err(TranscodeError::Silent);
    }
    let packets = if looped { loop_packets(&sound.samples)? } else { encode_all(Preset::Music, &sound.samples)? };
    let tags: &[(&str, &str)] = if looped { &[(LOOP_TAG, "1"), (FADE_STOP_TAG, "1")] } else { &[(FADE_STOP_TAG, "1")] };
    Ok(to_file(&packets, CELT_SKIP, tags))
}

/// Circular sound (its end meets its beginning, a multiple of 20 ms long) as a loop that is already within its levels.
pub fn prepare_loop(circular: &Pcm) -> Result<Vec<u8>, TranscodeError> {
    Ok(to_file(&loop_packets(&circular.samples)?, CELT_SKIP, &[(LOOP_TAG, "1")]))
}

/// Packets of a spoken prompt: 20 ms of CELT silence, so that it may follow any voice, then SILK.
pub fn prompt_packets(samples: &[f32]) -> Result<Vec<Vec<u8>>, OpusError> {
    let mut packets = vec![CELT_SILENCE.to_vec()];
    packets.extend(encode_all(Preset::Prompt, samples)?);
    Ok(packets)
}

/// Packets of a loop, CELT-only. The encoder goes through the sound twice and the second pass is kept: its first packet
/// then follows from the last one, as it will when it is played.
pub fn loop_packets(circular: &[f32]) -> Result<Vec<Vec<u8>>, TranscodeError> {
    if circular.is_empty() || !circular.len().is_multiple_of(FRAME_SAMPLES) {
        return Err(TranscodeError::NotWholeFrames { samples: circular.len() });
    }
    let mut encoder = Encoder::new(Preset::Music)?;
    encode_with(&mut encoder, circular)?;
    Ok(encode_with(&mut encoder, circular)?)
}

/// Makes the end of sound meet its beginning: its tail is cross-faded into its head, and it is cut to whole frames. `None` if
/// it is shorter than 200 ms.
pub fn circular(mut sound: Pcm) -> Option<Pcm> {
    let total = sound.samples.len();
    if total < samples_of_ms(LOOP_MS_MIN) {
        return None;
    }
    let fade = samples_of_ms(LOOP_FADE_MS).min(total / 4);
    let length = (total - fade) / FRAME_SAMPLES * FRAME_SAMPLES;
    let fade = total - length;
    // WHY in place: ten minutes are 115 MB.
    let (kept, tail) = sound.samples.split_at_mut(length);
    for (n, (to, from)) in kept.iter_mut().zip(tail).enumerate() {
        // Equal power: the two ends have nothing in common.
        let phase = n as f32 / fade as f32 * std::f32::consts::FRAC_PI_2;
        *to = *to * phase.sin() + *from * phase.cos();
    }
    sound.samples.truncate(length);
    Some(sound)
}

/// Packets of 20 ms as a file. Its stream number comes from its content, so the same sound is the same file.
pub fn to_file(packets: &[Vec<u8>], pre_skip: u16, tags: &[(&str, &str)]) -> Vec<u8> {
    let (mut writer, mut file) =
        Writer::new(&OpusHead::mono(pre_skip), &OpusTags::ours(tags), fingerprint(packets), PAGE_MS);
    for packet in packets {
        file.extend(writer.push(packet.clone(), FRAME_SAMPLES).unwrap_or_default());
    }
    file.extend(writer.finish(0));
    file
}

/// FNV-1a.
fn fingerprint(packets: &[Vec<u8>]) -> u32 {
    packets.iter().flatten().fold(0x811C_9DC5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What a LowDelay encoder looks ahead, in samples.
const CELT_SKIP: u16 = 120;
/// What a VOIP encoder looks ahead, in samples.
const SILK_SKIP: u16 = 312;
const PAGE_MS: u32 = 1_000;
const EDGE_MS: u32 = 3;
const LOOP_FADE_MS: u32 = 1_000;
const LOOP_MS_MIN: u32 = 200;

/// Why there is no clip, in words for the person who uploaded it.
#[derive(Debug, thiserror::Error)]
pub enum TranscodeError {
    /// The file cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Nothing to hear.
    #[error("there is nothing to hear in the file")]
    Silent,
    /// Too short to loop.
    #[error("music that loops must last a fifth of a second at least")]
    TooShort,
    /// Too long to be a clip.
    #[error("a clip lasts ten minutes at most")]
    TooLong,
    /// A loop of odd length.
    #[error("a loop is a multiple of 960 samples long, not {samples}")]
    NotWholeFrames {
        /// Its length.
        samples: usize,
    },
    /// libopus refused.
    #[error(transparent)]
    Opus(#[from] OpusError),
}
