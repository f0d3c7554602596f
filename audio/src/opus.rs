//! libopus with our presets: mono, 20 ms, 48 kHz; where voices are mixed, 16 kHz.

use crate::limits::{FRAME_SAMPLES, PACKET_SAMPLES_MAX, RATE_HZ, WIDE_FRAME_SAMPLES, WIDE_RATE_HZ};
use crate::toc;
use ::opus::{Application, Bandwidth, Bitrate, Channels};

/// What an encoder is for. Every preset is mono, wideband (as Meta's fmtp asks), 20 ms, VBR, without DTX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// A voice in a call: VOIP, 20 kb/s, in-band FEC on. Always SILK.
    Live,
    /// Voices mixed while they speak: as [`Preset::Live`], but from samples at 16 kHz and at half the cost. Always SILK.
    Mix,
    /// A spoken prompt: VOIP, 20 kb/s, no FEC (splicing rule 7). SILK, so a file begins with [`toc::CELT_SILENCE`].
    Prompt,
    /// Music, ringback, beeps: LowDelay, 24 kb/s. CELT-only from the first packet.
    Music,
    /// CELT-only at 32 kb/s, where speech must splice anywhere: what a recorder re-encodes.
    Splice,
    /// Comfort noise: CELT-only, 12 kb/s, every packet independent of the one before.
    Comfort,
}

/// Encodes 20 ms frames.
#[derive(Debug)]
pub struct Encoder {
    inner: ::opus::Encoder,
    frame_samples: usize,
}

impl Encoder {
    /// An encoder in its first state. Fails only when memory does.
    pub fn new(preset: Preset) -> Result<Encoder, OpusError> {
        let application = match preset {
            Preset::Live | Preset::Mix | Preset::Prompt => Application::Voip,
            Preset::Music | Preset::Splice | Preset::Comfort => Application::LowDelay,
        };
        let (rate_hz, frame_samples, complexity) = match preset {
            Preset::Mix => (WIDE_RATE_HZ, WIDE_FRAME_SAMPLES, MIX_COMPLEXITY),
            _ => (RATE_HZ, FRAME_SAMPLES, COMPLEXITY),
        };
        let mut inner = ::opus::Encoder::new(rate_hz, Channels::Mono, application)?;
        inner.set_vbr(true)?;
        inner.set_dtx(false)?;
        inner.set_inband_fec(matches!(preset, Preset::Live | Preset::Mix))?;
        inner.set_complexity(complexity)?;
        match preset {
            Preset::Live | Preset::Mix | Preset::Prompt => inner.set_max_bandwidth(Bandwidth::Wideband)?,
            // Left free, LowDelay moves its bandwidth and starts full-band.
            Preset::Music | Preset::Splice | Preset::Comfort => {
                inner.set_bandwidth(Bandwidth::Wideband)?;
            }
        }
        inner.set_prediction_disabled(preset == Preset::Comfort)?;
        inner.set_bitrate(Bitrate::Bits(match preset {
            Preset::Live | Preset::Mix | Preset::Prompt => 20_000,
            Preset::Music => 24_000,
            Preset::Splice => 32_000,
            Preset::Comfort => 12_000,
        }))?;
        Ok(Encoder { inner, frame_samples })
    }

    /// Encodes one frame of exactly [`FRAME_SAMPLES`] samples ([`WIDE_FRAME_SAMPLES`] for [`Preset::Mix`]) into `out`
    /// (1,275 bytes hold any frame) and returns its length in bytes.
    pub fn encode_into(&mut self, frame: &[f32], out: &mut [u8]) -> Result<usize, OpusError> {
        if frame.len() != self.frame_samples {
            return Err(OpusError::NotAFrame { samples: frame.len(), wanted: self.frame_samples });
        }
        Ok(self.inner.encode_float(frame, out)?)
    }

    /// Encodes one frame, as [`Encoder::encode_into`].
    pub fn encode(&mut self, frame: &[f32]) -> Result<Vec<u8>, OpusError> {
        let mut out = [0u8; crate::limits::FRAME_BYTES_MAX];
        let length = self.encode_into(frame, &mut out)?;
        Ok(out.get(..length).unwrap_or(&[]).to_vec())
    }

    /// Tells a [`Preset::Live`] or [`Preset::Mix`] encoder what the far end loses, in percent (0–100): FEC is sent from 6 % on.
    pub fn expect_loss(&mut self, percent: u8) -> Result<(), OpusError> {
        Ok(self.inner.set_packet_loss_perc(i32::from(percent.min(100)))?)
    }

    /// Back to the first state.
    pub fn reset(&mut self) -> Result<(), OpusError> {
        Ok(self.inner.reset_state()?)
    }
}

/// Decodes one stream to 48 kHz mono (or 16 kHz: [`Decoder::wide`]); stereo packets are mixed down.
#[derive(Debug)]
pub struct Decoder {
    inner: ::opus::Decoder,
}

impl Decoder {
    /// A decoder in its first state. Fails only when memory does.
    pub fn new() -> Result<Decoder, OpusError> {
        Ok(Decoder { inner: ::opus::Decoder::new(RATE_HZ, Channels::Mono)? })
    }

    /// A decoder to 16 kHz mono, for voices that are mixed. Fails only when memory does.
    pub fn wide() -> Result<Decoder, OpusError> {
        Ok(Decoder { inner: ::opus::Decoder::new(WIDE_RATE_HZ, Channels::Mono)? })
    }

    /// Decodes a packet of up to 120 ms into `out` and returns the samples written. An empty packet is an error: a loss
    /// is said by [`Decoder::conceal`].
    pub fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, OpusError> {
        if packet.is_empty() {
            return Err(OpusError::Empty);
        }
        Ok(self.inner.decode_float(packet, out, false)?)
    }

    /// Fills all of `out` (a multiple of 2.5 ms, at most 120 ms) for a packet that did not come.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, OpusError> {
        Ok(self.inner.decode_float(&[], out, false)?)
    }

    /// Fills all of `out` for a lost packet from the copy in the packet `after` it (in-band FEC). Where there is no copy,
    /// this is [`Decoder::conceal`]. The packet itself is decoded next.
    pub fn recover(&mut self, after: &[u8], out: &mut [f32]) -> Result<usize, OpusError> {
        if after.is_empty() {
            return Err(OpusError::Empty);
        }
        Ok(self.inner.decode_float(after, out, true)?)
    }

    /// Back to the first state.
    pub fn reset(&mut self) -> Result<(), OpusError> {
        Ok(self.inner.reset_state()?)
    }
}

/// Encodes whole frames with a fresh encoder; the last frame is filled up with silence.
pub fn encode_all(preset: Preset, samples: &[f32]) -> Result<Vec<Vec<u8>>, OpusError> {
    let mut encoder = Encoder::new(preset)?;
    encode_with(&mut encoder, samples)
}

/// Encodes whole frames with an encoder that goes on from where it was; the last frame is filled up with silence.
pub fn encode_with(encoder: &mut Encoder, samples: &[f32]) -> Result<Vec<Vec<u8>>, OpusError> {
    let mut packets = Vec::with_capacity(samples.len().div_ceil(FRAME_SAMPLES));
    for frame in samples.chunks(FRAME_SAMPLES) {
        let mut whole = [0f32; FRAME_SAMPLES];
        for (to, from) in whole.iter_mut().zip(frame) {
            *to = *from;
        }
        packets.push(encoder.encode(&whole)?);
    }
    Ok(packets)
}

/// Decodes packets with one fresh decoder. An empty packet is a loss of 20 ms.
pub fn decode_all<P: AsRef<[u8]>>(packets: &[P]) -> Result<Vec<f32>, OpusError> {
    let mut decoder = Decoder::new()?;
    let mut samples = Vec::with_capacity(packets.len() * FRAME_SAMPLES);
    let mut out = [0f32; PACKET_SAMPLES_MAX];
    for packet in packets {
        let packet = packet.as_ref();
        let n = if packet.is_empty() {
            decoder.conceal(&mut out[..FRAME_SAMPLES])?
        } else {
            decoder.decode(packet, &mut out)?
        };
        samples.extend_from_slice(&out[..n]);
    }
    Ok(samples)
}

/// Does the packet carry a copy of the frame before it (LBRR, RFC 6716 §4.2.4)? Assets must not.
pub fn has_fec(packet: &[u8]) -> bool {
    let Some(packet) = toc::Packet::parse(packet) else { return false };
    if toc::is_celt_only(packet.toc) {
        return false;
    }
    // The header of a SILK frame is a VAD bit for each 20 ms (one for 10 ms), then the LBRR bit; its bits are coded with
    // even odds, so they are the first bits of the frame. A stereo frame has the side channel's VAD and LBRR bits after.
    let vads = (packet.frame_samples() / FRAME_SAMPLES).max(1);
    let bit = |first: u8, at: usize| first & (0x80 >> at) != 0;
    packet
        .frames()
        .iter()
        .filter_map(|frame| frame.first())
        .any(|&first| bit(first, vads) || (toc::is_stereo(packet.toc) && bit(first, 2 * vads + 1)))
}

/// Why libopus refused.
#[derive(Debug, thiserror::Error)]
pub enum OpusError {
    /// Its own words.
    #[error("libopus: {0}")]
    Codec(#[from] ::opus::Error),
    /// A frame to encode is 20 ms.
    #[error("a frame is {wanted} samples, not {samples}")]
    NotAFrame {
        /// What was given.
        samples: usize,
        /// What 20 ms are.
        wanted: usize,
    },
    /// An empty packet.
    #[error("an empty packet")]
    Empty,
}

/// Of 0–10: what browsers use for voice.
const COMPLEXITY: i32 = 9;
/// A mix is encoded on the loop that moves all media: about a third cheaper.
const MIX_COMPLEXITY: i32 = 5;
