//! Decodes and re-encodes the odd packet that cannot be cut to 20 ms without a codec.

use crate::limits::{FRAME_SAMPLES, PACKET_SAMPLES_MAX};
use crate::opus::{Decoder, Encoder, Preset, encode_with};
use crate::toc::{CELT_SILENCE, packet_samples};

/// A decoder and an encoder, made when the first odd packet comes. The encoder is CELT-only, so that what it makes may
/// stand between untouched SILK packets.
#[derive(Debug, Default)]
pub(super) struct Recoder {
    codecs: Option<(Decoder, Encoder)>,
}

impl Recoder {
    /// The sound of `packets`, after `late` samples of silence, as packets of 20 ms; the last is filled up with silence.
    /// The packets were parsed before. What libopus refuses becomes silence of the same length.
    pub(super) fn recode(&mut self, packets: &[&[u8]], late: usize) -> Vec<Vec<u8>> {
        let samples = late + packets.iter().map(|p| packet_samples(p).unwrap_or(0)).sum::<usize>();
        let slots = samples.div_ceil(FRAME_SAMPLES);
        self.try_recode(packets, late)
            .filter(|out| out.len() == slots)
            .unwrap_or_else(|| vec![CELT_SILENCE.to_vec(); slots])
    }

    fn try_recode(&mut self, packets: &[&[u8]], late: usize) -> Option<Vec<Vec<u8>>> {
        if self.codecs.is_none() {
            self.codecs = Some((Decoder::new().ok()?, Encoder::new(Preset::Splice).ok()?));
        }
        let (decoder, encoder) = self.codecs.as_mut()?;
        let mut samples = vec![0f32; late];
        let mut out = [0f32; PACKET_SAMPLES_MAX];
        for packet in packets {
            let n = decoder.decode(packet, &mut out).ok()?;
            samples.extend_from_slice(out.get(..n)?);
        }
        encode_with(encoder, &samples).ok()
    }
}
