//! What an Opus packet says about itself, and how it comes apart into frames (RFC 6716 §3 and appendix B).
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::limits::{FRAME_BYTES_MAX, FRAME_SAMPLES, FRAMES_MAX, PACKET_SAMPLES_MAX};

/// 20 ms of digital silence: CELT, wideband, mono. It needs no encoder, and clears what SILK remembers.
pub const CELT_SILENCE: [u8; 3] = [0xB8, 0xFF, 0xFE];

/// Is the packet that begins with `b0` CELT-only? One of the two packets that meet at a switch must be.
pub const fn is_celt_only(b0: u8) -> bool {
    b0 >= 0x80
}

/// Is the packet that begins with `b0` stereo?
pub const fn is_stereo(b0: u8) -> bool {
    b0 & 0x04 != 0
}

/// Must a [`CELT_SILENCE`] be sent between a packet that begins with `last` and one of another source that begins with
/// `next`? (SILK to SILK is no transition to a decoder: it would decode the new voice with the old one's memory.)
pub const fn needs_silence_between(last: u8, next: u8) -> bool {
    !is_celt_only(last) && !is_celt_only(next)
}

/// Samples (48 kHz) of one frame of a packet that begins with `b0` (RFC 6716 table 2).
pub const fn frame_samples(b0: u8) -> usize {
    match b0 >> 3 {
        0 | 4 | 8 | 12 | 14 | 18 | 22 | 26 | 30 => 480,
        1 | 5 | 9 | 13 | 15 | 19 | 23 | 27 | 31 => 960,
        2 | 6 | 10 => 1_920,
        3 | 7 | 11 => 2_880,
        16 | 20 | 24 | 28 => 120,
        _ => 240,
    }
}

/// The TOC byte of a single 20 ms frame in the mode, bandwidth and channel count of `b0`.
pub const fn at_20_ms(b0: u8) -> u8 {
    let config = b0 >> 3;
    let config = match config {
        0..=11 => (config & 0b11100) | 1,
        12..=15 => config | 1,
        _ => config | 3,
    };
    (config << 3) | (b0 & 0x04)
}

/// An Opus packet taken apart; padding is gone.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// The first byte without its count bits: mode, bandwidth, frame length, channels.
    pub toc: u8,
    frames: [&'a [u8]; FRAMES_MAX],
    count: usize,
}

impl<'a> Packet<'a> {
    /// Takes a packet apart. `None` if it breaks a rule of RFC 6716 §3.4.
    pub fn parse(bytes: &'a [u8]) -> Option<Packet<'a>> {
        let (packet, _) = parse(bytes, false)?;
        Some(packet)
    }

    /// Takes a self-delimited packet (appendix B) off the front of `bytes`; the second value is what follows it.
    pub fn parse_delimited(bytes: &'a [u8]) -> Option<(Packet<'a>, &'a [u8])> {
        parse(bytes, true)
    }

    /// A packet of `frames` under `toc` (its count bits are ignored). `None` if that would break a rule.
    pub fn of(toc: u8, frames: &[&'a [u8]]) -> Option<Packet<'a>> {
        let mut packet = Packet { toc: toc & 0xFC, frames: [&[]; FRAMES_MAX], count: 0 };
        for frame in frames {
            packet.add(frame)?;
        }
        (packet.count > 0).then_some(packet)
    }

    /// The frames, in order. An empty one is a frame that was not sent.
    pub fn frames(&self) -> &[&'a [u8]] {
        self.frames.get(..self.count).unwrap_or(&[])
    }

    /// Samples (48 kHz) of one frame.
    pub fn frame_samples(&self) -> usize {
        frame_samples(self.toc)
    }

    /// Samples (48 kHz) of the packet, at most 120 ms.
    pub fn samples(&self) -> usize {
        self.count.saturating_mul(self.frame_samples())
    }

    /// Is there nothing but empty frames in it (DTX, or a loss marked by a sender)?
    pub fn is_empty(&self) -> bool {
        self.frames().iter().all(|frame| frame.is_empty())
    }

    /// Appends the packet to `out` in the shortest plain form.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_as(out, false);
    }

    /// Appends the packet to `out` in self-delimiting form (appendix B): what follows it can be told from it.
    pub fn write_delimited(&self, out: &mut Vec<u8>) {
        self.write_as(out, true);
    }

    fn write_as(&self, out: &mut Vec<u8>, delimited: bool) {
        let frames = self.frames();
        match frames {
            [one] => {
                out.push(self.toc);
                if delimited {
                    write_length(out, one.len());
                }
            }
            [first, second] if first.len() == second.len() => {
                out.push(self.toc | 1);
                if delimited {
                    write_length(out, first.len());
                }
            }
            [first, second] => {
                out.push(self.toc | 2);
                write_length(out, first.len());
                if delimited {
                    write_length(out, second.len());
                }
            }
            many => {
                out.push(self.toc | 3);
                out.push(0x80 | (self.count as u8 & 0x3F));
                let named = if delimited { many.len() } else { many.len().saturating_sub(1) };
                for frame in many.iter().take(named) {
                    write_length(out, frame.len());
                }
            }
        }
        for frame in frames {
            out.extend_from_slice(frame);
        }
    }

    fn add(&mut self, frame: &'a [u8]) -> Option<()> {
        if frame.len() > FRAME_BYTES_MAX {
            return None;
        }
        *self.frames.get_mut(self.count)? = frame;
        self.count = self.count.checked_add(1)?;
        (self.samples() <= PACKET_SAMPLES_MAX).then_some(())
    }
}

/// Samples (48 kHz) of a packet; `None` if it is malformed.
pub fn packet_samples(packet: &[u8]) -> Option<usize> {
    Packet::parse(packet).map(|packet| packet.samples())
}

/// Is this one packet of exactly 20 ms?
pub fn is_20_ms(packet: &[u8]) -> bool {
    packet_samples(packet) == Some(FRAME_SAMPLES)
}

/// Cuts a packet of several whole frames into packets of 20 ms each. `None` if it is malformed, no multiple of 20 ms, or
/// holds a frame of 40 or 60 ms (SILK), which only a decoder can split.
pub fn split_20_ms(packet: &[u8]) -> Option<Vec<Vec<u8>>> {
    let packet = Packet::parse(packet)?;
    regroup(packet.toc, packet.frames())
}

/// Joins short packets of the same kind (10 ms pairs, as a rule) into packets of 20 ms. `None` as in [`split_20_ms`], or
/// if their TOC bytes disagree.
pub fn join_20_ms(packets: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let toc = packets.first()?.first()? & 0xFC;
    let mut frames: Vec<&[u8]> = Vec::with_capacity(packets.len());
    for bytes in packets {
        let packet = Packet::parse(bytes)?;
        if packet.toc != toc {
            return None;
        }
        frames.extend_from_slice(packet.frames());
    }
    regroup(toc, &frames)
}

/// Frames of one kind as packets of exactly 20 ms.
pub fn regroup(toc: u8, frames: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let per_packet = FRAME_SAMPLES.checked_div(frame_samples(toc)).filter(|n| *n > 0)?;
    if frames.is_empty() || frames.len().checked_rem(per_packet)? != 0 {
        return None;
    }
    frames
        .chunks(per_packet)
        .map(|group| {
            let mut out = Vec::with_capacity(group.iter().map(|f| f.len()).sum::<usize>().saturating_add(4));
            Packet::of(toc, group)?.write(&mut out);
            Some(out)
        })
        .collect()
}

fn parse(bytes: &[u8], delimited: bool) -> Option<(Packet<'_>, &[u8])> {
    let (&b0, rest) = bytes.split_first()?;
    let mut reader = Reader { rest };
    let Header { count, vbr, padding, mut lengths } = Header::read(b0, &mut reader, delimited)?;
    if !delimited {
        // The last frame (or every frame, when all have one length) takes what is left.
        let body = reader.rest.len().checked_sub(padding)?;
        if vbr {
            let last = count.checked_sub(1)?;
            let said: usize = lengths.get(..last)?.iter().sum();
            *lengths.get_mut(last)? = body.checked_sub(said)?;
        } else {
            fill_equal(&mut lengths, count, body)?;
        }
    }
    let mut packet = Packet { toc: b0 & 0xFC, frames: [&[]; FRAMES_MAX], count: 0 };
    for &length in lengths.get(..count)? {
        packet.add(reader.take(length)?)?;
    }
    reader.take(padding)?;
    (delimited || reader.rest.is_empty()).then_some((packet, reader.rest))
}

/// What a packet says before its frames begin.
struct Header {
    count: usize,
    /// Frames have lengths of their own.
    vbr: bool,
    padding: usize,
    /// As far as the header says them; plain packets leave the last one (constant ones: every one) to be worked out.
    lengths: [usize; FRAMES_MAX],
}

impl Header {
    fn read(b0: u8, reader: &mut Reader<'_>, delimited: bool) -> Option<Header> {
        let (count, vbr, padding) = match b0 & 3 {
            0 => (1, true, 0),
            1 => (2, false, 0),
            2 => (2, true, 0),
            _ => {
                let said = reader.byte()?;
                let padding = if said & 0x40 != 0 { reader.padding()? } else { 0 };
                (usize::from(said & 0x3F), said & 0x80 != 0, padding)
            }
        };
        if count == 0 || count > FRAMES_MAX || count.checked_mul(frame_samples(b0))? > PACKET_SAMPLES_MAX {
            return None;
        }
        let mut lengths = [0; FRAMES_MAX];
        if vbr {
            let named = if delimited { count } else { count.checked_sub(1)? };
            for slot in lengths.iter_mut().take(named) {
                *slot = reader.length()?;
            }
        } else if delimited {
            lengths = [reader.length()?; FRAMES_MAX];
        }
        Some(Header { count, vbr, padding, lengths })
    }
}

fn fill_equal(lengths: &mut [usize; FRAMES_MAX], count: usize, body: usize) -> Option<()> {
    if body.checked_rem(count)? != 0 {
        return None;
    }
    let each = body.checked_div(count)?;
    lengths.iter_mut().take(count).for_each(|slot| *slot = each);
    Some(())
}

/// RFC 6716 §3.2.1: one byte below 252, else two.
fn write_length(out: &mut Vec<u8>, length: usize) {
    debug_assert!(length <= FRAME_BYTES_MAX, "frames are checked when a packet is made");
    if length < 252 {
        out.push(length as u8);
    } else {
        let first = 252 | (length & 3);
        out.push(first as u8);
        out.push((length.saturating_sub(first) >> 2) as u8);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        let first = usize::from(self.byte()?);
        if first < 252 {
            return Some(first);
        }
        usize::from(self.byte()?).checked_mul(4)?.checked_add(first)
    }

    /// RFC 6716 §3.2.5: each 255 adds 254 bytes and says that another length byte follows.
    fn padding(&mut self) -> Option<usize> {
        let mut total = 0usize;
        loop {
            let byte = self.byte()?;
            if byte < 255 {
                return total.checked_add(usize::from(byte));
            }
            total = total.checked_add(254)?;
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn frame_lengths_agree_with_libopus_for_every_first_byte() {
        for b0 in 0..=255u8 {
            let theirs = ::opus::packet::get_samples_per_frame(&[b0], 48_000).unwrap();
            assert_eq!(frame_samples(b0), theirs, "{b0:#x}");
            assert_eq!(frame_samples(at_20_ms(b0)), FRAME_SAMPLES);
            assert_eq!(is_celt_only(at_20_ms(b0)), is_celt_only(b0));
            assert_eq!(is_stereo(at_20_ms(b0)), is_stereo(b0));
        }
    }

    #[test]
    fn every_short_packet_is_taken_apart_as_libopus_does_it() {
        // All headers of up to four bytes that matter, each with bodies of several lengths.
        for b0 in 0..=255u8 {
            for b1 in [0u8, 1, 2, 3, 5, 64, 65, 66, 67, 129, 130, 131, 194, 195, 251, 252, 255] {
                for b2 in [0u8, 1, 2, 251, 252, 254, 255] {
                    for length in [1usize, 2, 3, 4, 5, 9, 40, 300, 600] {
                        let mut bytes = vec![0x55u8; length];
                        for (at, b) in [b0, b1, b2].into_iter().enumerate().take(length) {
                            bytes[at] = b;
                        }
                        let theirs = ::opus::packet::parse(&bytes).ok();
                        let ours = Packet::parse(&bytes);
                        assert_eq!(ours.is_some(), theirs.is_some(), "{b0:#x} {b1:#x} {b2:#x} {length}");
                        if let (Some(ours), Some(theirs)) = (ours, theirs) {
                            assert_eq!(ours.frames().to_vec(), theirs.frames, "{b0:#x} {b1:#x} {b2:#x} {length}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_written_reads_back_in_both_forms() {
        let long = vec![7u8; 1_275];
        let middle = vec![8u8; 253];
        let sets: [&[&[u8]]; 5] =
            [&[&long], &[&middle, &middle], &[&middle, &long], &[&[], &middle, &[1]], &[&[1], &[2], &[3], &[4]]];
        for frames in sets {
            let packet = Packet::of(0xA8 & 0xFC, frames).unwrap();
            let mut plain = Vec::new();
            packet.write(&mut plain);
            assert_eq!(Packet::parse(&plain).unwrap().frames(), frames);
            let mut delimited = Vec::new();
            packet.write_delimited(&mut delimited);
            delimited.extend_from_slice(b"after");
            let (back, rest) = Packet::parse_delimited(&delimited).unwrap();
            assert_eq!(back.frames(), frames);
            assert_eq!(rest, b"after");
        }
    }

    #[test]
    fn sixty_milliseconds_of_celt_split_and_sixty_of_silk_do_not() {
        let packet = [0xB8 | 3, 0x83, 2, 2, 1, 1, 2, 2, 3, 3];
        let split = split_20_ms(&packet).unwrap();
        assert_eq!(split, [[0xB8, 1, 1], [0xB8, 2, 2], [0xB8, 3, 3]]);
        let silk_60 = [11 << 3, 1, 2, 3];
        assert_eq!(packet_samples(&silk_60), Some(2_880));
        assert!(split_20_ms(&silk_60).is_none());
    }

    #[test]
    fn two_tens_join_when_they_are_of_one_kind() {
        let (a, b, other) = ([8 << 3, 1, 2], [8 << 3, 3, 4], [4 << 3, 3, 4]);
        assert_eq!(join_20_ms(&[&a, &b]).unwrap(), [[(8 << 3) | 1, 1, 2, 3, 4]]);
        assert!(join_20_ms(&[&a, &other]).is_none());
        assert!(join_20_ms(&[&a]).is_none());
    }
}
