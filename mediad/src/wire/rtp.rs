//! The RTP header: read with every length checked, written in twelve bytes (RFC 3550 §5.1, RFC 8285).

use std::ops::Range;

use super::split;

/// A header as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Marker bit.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Bytes of the header, contributing sources and extension included: where the payload begins.
    pub header_bytes: usize,
    /// The payload ends in padding, which can be told only after decryption: see [`Header::payload`].
    pub padded: bool,
}

impl Header {
    /// Reads the header of an RTP or SRTP packet. The payload is not looked at.
    ///
    /// # Errors
    /// Says what does not hold; such a packet is dropped before any other code sees it.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadRtp> {
        let ([flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3], rest) =
            split::<FIXED_BYTES>(bytes).ok_or(BadRtp::Short)?;
        if flags >> 6 != 2 {
            return Err(BadRtp::Version);
        }
        let sources = usize::from(flags & 0x0f).saturating_mul(4);
        let mut left = rest.get(sources..).ok_or(BadRtp::Sources)?;
        if flags & 0x10 != 0 {
            left = skip_extension(left)?;
        }
        Ok(Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            header_bytes: bytes.len().saturating_sub(left.len()),
            padded: flags & 0x20 != 0,
        })
    }

    /// Where the payload lies in the decrypted packet, padding taken off.
    ///
    /// # Errors
    /// [`BadRtp::Padding`] if the padding is zero, longer than the payload, or all of it;
    /// [`BadRtp::Empty`] if there is no payload.
    pub fn payload(&self, plain: &[u8]) -> Result<Range<usize>, BadRtp> {
        let body = plain.get(self.header_bytes..).ok_or(BadRtp::Short)?;
        if body.is_empty() {
            return Err(BadRtp::Empty);
        }
        let padding = if self.padded { usize::from(*body.last().ok_or(BadRtp::Empty)?) } else { 0 };
        if (self.padded && padding == 0) || padding >= body.len() {
            return Err(BadRtp::Padding);
        }
        Ok(self.header_bytes..plain.len().saturating_sub(padding))
    }
}

/// A header to be written: no padding, no contributing sources, no extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Marker bit.
    pub marker: bool,
    /// Payload type, 0..=127; a higher bit is dropped.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl Outgoing {
    /// The twelve bytes of the header.
    pub fn write(&self) -> [u8; FIXED_BYTES] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let kind = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        [0x80, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]
    }
}

/// What is wrong with an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadRtp {
    /// Fewer bytes than a header.
    #[error("rtp packet is shorter than its header")]
    Short,
    /// Not version 2.
    #[error("rtp version is not 2")]
    Version,
    /// The contributing sources run past the end.
    #[error("rtp contributing sources run past the end")]
    Sources,
    /// The extension, or an element inside it, runs past its end.
    #[error("rtp header extension runs past its end")]
    Extension,
    /// Padding is zero or leaves no payload.
    #[error("rtp padding does not fit the payload")]
    Padding,
    /// No payload.
    #[error("rtp packet has no payload")]
    Empty,
}

/// What follows a well-formed extension block.
fn skip_extension(bytes: &[u8]) -> Result<&[u8], BadRtp> {
    let ([p0, p1, w0, w1], rest) = split::<4>(bytes).ok_or(BadRtp::Extension)?;
    let block_bytes = usize::from(u16::from_be_bytes([w0, w1])).saturating_mul(4);
    let (block, after) = rest.split_at_checked(block_bytes).ok_or(BadRtp::Extension)?;
    match u16::from_be_bytes([p0, p1]) {
        ONE_BYTE_PROFILE => walk_one_byte(block)?,
        profile if profile & 0xfff0 == TWO_BYTE_PROFILE => walk_two_byte(block)?,
        _ => {}
    }
    Ok(after)
}

// RFC 8285 §4.2. The elements are never used; a packet whose elements lie is not worth opening.
fn walk_one_byte(mut block: &[u8]) -> Result<(), BadRtp> {
    while let Some((&head, rest)) = block.split_first() {
        block = match head >> 4 {
            0 => rest,
            15 => return Ok(()),
            _ => rest.get(usize::from(head & 0x0f).saturating_add(1)..).ok_or(BadRtp::Extension)?,
        };
    }
    Ok(())
}

// RFC 8285 §4.3
fn walk_two_byte(mut block: &[u8]) -> Result<(), BadRtp> {
    while let Some((&id, rest)) = block.split_first() {
        block = match id {
            0 => rest,
            _ => {
                let (&len, body) = rest.split_first().ok_or(BadRtp::Extension)?;
                body.get(usize::from(len)..).ok_or(BadRtp::Extension)?
            }
        };
    }
    Ok(())
}

/// Bytes of a header without sources and extension.
pub const FIXED_BYTES: usize = 12;
const ONE_BYTE_PROFILE: u16 = 0xbede;
const TWO_BYTE_PROFILE: u16 = 0x1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_header_reads_back() {
        let out = Outgoing { marker: true, payload_type: 111, sequence: 65_535, timestamp: 7, ssrc: 0xdead_beef };
        let mut packet = out.write().to_vec();
        packet.extend_from_slice(b"opus");
        let header = Header::parse(&packet).unwrap();
        assert_eq!((header.marker, header.payload_type, header.sequence), (true, 111, 65_535));
        assert_eq!((header.timestamp, header.ssrc, header.header_bytes), (7, 0xdead_beef, 12));
        assert_eq!(header.payload(&packet), Ok(12..16));
    }

    #[test]
    fn sources_and_extensions_move_the_payload() {
        let mut packet = vec![0x92, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend_from_slice(&[0; 8]);
        packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]);
        packet.push(9);
        let header = Header::parse(&packet).unwrap();
        assert_eq!(header.payload(&packet), Ok(28..29));
    }

    #[test]
    fn an_extension_element_past_its_end_is_refused() {
        let one = hex::decode("906f00010000000100000002bede00011f000000").unwrap();
        let two = hex::decode("906f000100000001000000021000000101ff0000").unwrap();
        assert_eq!(Header::parse(&one), Err(BadRtp::Extension));
        assert_eq!(Header::parse(&two), Err(BadRtp::Extension));
    }

    #[test]
    fn padding_that_lies_is_refused() {
        let mut packet =
            Outgoing { marker: false, payload_type: 0, sequence: 0, timestamp: 0, ssrc: 0 }.write().to_vec();
        packet[0] |= 0x20;
        let verdict = |tail: &[u8]| {
            let bytes = [&packet[..], tail].concat();
            Header::parse(&bytes).unwrap().payload(&bytes)
        };
        assert_eq!(verdict(&[1, 2, 0]), Err(BadRtp::Padding));
        assert_eq!(verdict(&[1, 2, 3]), Err(BadRtp::Padding));
        assert_eq!(verdict(&[1, 2, 200]), Err(BadRtp::Padding));
        assert_eq!(verdict(&[]), Err(BadRtp::Empty));
        assert_eq!(verdict(&[1, 2, 2]), Ok(12..13));
    }

    #[test]
    fn no_length_and_no_byte_panics() {
        for first in 0..=255u8 {
            for len in 0..64 {
                let mut bytes = vec![0xff; len];
                if let Some(b) = bytes.first_mut() {
                    *b = first;
                }
                if let Ok(header) = Header::parse(&bytes) {
                    let _ = header.payload(&bytes);
                }
            }
        }
    }
}
