//! Ogg Opus through libopus, chained files and several streams included.

use super::DecodeError;
use crate::limits::{Limits, PACKET_SAMPLES_MAX, RATE_HZ};
use crate::ogg_opus::{Link, read};
use crate::pcm::from_db;
use ::opus::MSDecoder;

/// The whole file as mono samples.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Vec<f32>, DecodeError> {
    // The sum of the packets' own lengths is checked while they are read, before anything is decoded.
    let links = read(bytes, limits)?;
    let mut samples = Vec::new();
    for link in &links {
        decode_link(link, &mut samples)?;
    }
    Ok(samples)
}

fn decode_link(link: &Link, samples: &mut Vec<f32>) -> Result<(), DecodeError> {
    let head = &link.head;
    let broken = |why: ::opus::Error| DecodeError::Broken(why.to_string());
    let mut decoder = MSDecoder::new(RATE_HZ, head.streams, head.coupled, &head.mapping).map_err(broken)?;
    let channels = head.mapping.len().max(1);
    let gain = from_db(f32::from(head.gain_q8) / 256.0) / channels as f32;
    let mut out = vec![0f32; PACKET_SAMPLES_MAX * channels];
    let mut skip = usize::from(head.pre_skip);
    let mut left = usize::try_from(link.playable).unwrap_or(usize::MAX);
    for packet in &link.packets {
        let made = match decoder.decode_float(packet, &mut out, false) {
            Ok(made) => made,
            // One bad packet is a loss, not the end of the file.
            Err(_) => decoder.decode_float(&[], &mut out[..960 * channels], false).map_err(broken)?,
        };
        let frames = out[..made * channels].chunks_exact(channels);
        let mono = frames.map(|frame| (frame.iter().sum::<f32>() * gain).clamp(-1.0, 1.0));
        let dropped = skip.min(made);
        skip -= dropped;
        let before = samples.len();
        samples.extend(mono.skip(dropped).take(left));
        left -= samples.len() - before;
    }
    Ok(())
}
