//! RTCP: compound packets read with every length checked, our own reports written (RFC 3550 §6).

use super::split;
use crate::base::packet::Packet;

/// A compound whose parts tile it exactly.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks that decrypted RTCP is a row of whole packets. Reduced-size RTCP (RFC 5506) is taken too.
    ///
    /// # Errors
    /// Says what does not hold.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadRtcp> {
        let mut left = bytes;
        if left.is_empty() {
            return Err(BadRtcp::Short);
        }
        while !left.is_empty() {
            left = cut(left)?.1;
        }
        Ok(Compound { bytes })
    }

    /// The parts, in order.
    pub fn iter(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let mut left = self.bytes;
        std::iter::from_fn(move || {
            let (raw, after) = cut(left).ok()?;
            left = after;
            Some(Part::read(&raw).unwrap_or(Part::Other(raw.kind)))
        })
    }
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A sender report.
    Sender {
        /// Who reports.
        ssrc: u32,
        /// What it sent.
        sent: SenderInfo,
        /// What it heard.
        blocks: Blocks<'a>,
    },
    /// A receiver report.
    Receiver {
        /// Who reports.
        ssrc: u32,
        /// What it heard.
        blocks: Blocks<'a>,
    },
    /// The peer's source leaves. It does not end a leg.
    Bye {
        /// The first source that leaves, if one is named.
        ssrc: Option<u32>,
    },
    /// A source description; its text is of no use to us.
    Description,
    /// Something else, or a known type too short for what it should hold: its packet type.
    Other(u8),
}

impl<'a> Part<'a> {
    fn read(raw: &Raw<'a>) -> Option<Self> {
        match raw.kind {
            SENDER_REPORT => {
                let (ssrc, rest) = word(raw.body)?;
                let (sent, rest) = SenderInfo::read(rest)?;
                Some(Part::Sender { ssrc, sent, blocks: Blocks::new(rest, raw.count)? })
            }
            RECEIVER_REPORT => {
                let (ssrc, rest) = word(raw.body)?;
                Some(Part::Receiver { ssrc, blocks: Blocks::new(rest, raw.count)? })
            }
            DESCRIPTION => Some(Part::Description),
            BYE => Some(Part::Bye { ssrc: if raw.count == 0 { None } else { Some(word(raw.body)?.0) } }),
            _ => None,
        }
    }
}

/// What a sender says of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// NTP timestamp, 32.32 fixed point.
    pub ntp: u64,
    /// RTP timestamp of the same instant.
    pub rtp_timestamp: u32,
    /// RTP packets sent, modulo 2^32.
    pub packets: u32,
    /// Payload bytes sent, modulo 2^32.
    pub payload_bytes: u32,
}

impl SenderInfo {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (ntp, rest) = split::<8>(bytes)?;
        let (rtp_timestamp, rest) = word(rest)?;
        let (packets, rest) = word(rest)?;
        let (payload_bytes, rest) = word(rest)?;
        Some((SenderInfo { ntp: u64::from_be_bytes(ntp), rtp_timestamp, packets, payload_bytes }, rest))
    }

    fn write(&self) -> [u8; 20] {
        let mut out = [0; 20];
        put(&mut out, 0, &self.ntp.to_be_bytes());
        put(&mut out, 8, &self.rtp_timestamp.to_be_bytes());
        put(&mut out, 12, &self.packets.to_be_bytes());
        put(&mut out, 16, &self.payload_bytes.to_be_bytes());
        out
    }
}

/// The report blocks of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
}

impl<'a> Blocks<'a> {
    fn new(bytes: &'a [u8], count: u8) -> Option<Self> {
        Some(Blocks { bytes: bytes.get(..usize::from(count).checked_mul(BLOCK_BYTES)?)? })
    }

    /// The blocks, in order; at most 31.
    pub fn iter(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        let mut left = self.bytes;
        std::iter::from_fn(move || {
            let (block, after) = ReportBlock::read(left)?;
            left = after;
            Some(block)
        })
    }
}

/// What a receiver says of one source it hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source spoken of.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; 24 bits signed on the wire, clamped when written.
    pub cumulative_lost: i32,
    /// Highest sequence received, cycles in the upper half.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp ticks.
    pub jitter_ticks: u32,
    /// The middle 32 bits of the NTP time of the last sender report, 0 if none came.
    pub last_sr: u32,
    /// Time since then, in 65536ths of a second.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (ssrc, rest) = word(bytes)?;
        let (lost, rest) = word(rest)?;
        let (highest_sequence, rest) = word(rest)?;
        let (jitter_ticks, rest) = word(rest)?;
        let (last_sr, rest) = word(rest)?;
        let (delay_since_last_sr, rest) = word(rest)?;
        let [fraction_lost, a, b, c] = lost.to_be_bytes();
        // The shift down carries the sign of the 24 bits.
        let cumulative_lost = i32::from_be_bytes([a, b, c, 0]) >> 8;
        let block = ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter_ticks,
            last_sr,
            delay_since_last_sr,
        };
        Some((block, rest))
    }

    fn write(&self) -> [u8; BLOCK_BYTES] {
        let [_, a, b, c] = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
        let mut out = [0; BLOCK_BYTES];
        put(&mut out, 0, &self.ssrc.to_be_bytes());
        put(&mut out, 4, &[self.fraction_lost, a, b, c]);
        put(&mut out, 8, &self.highest_sequence.to_be_bytes());
        put(&mut out, 12, &self.jitter_ticks.to_be_bytes());
        put(&mut out, 16, &self.last_sr.to_be_bytes());
        put(&mut out, 20, &self.delay_since_last_sr.to_be_bytes());
        out
    }
}

/// A report of ours followed by its CNAME: a sender report if `sent` is given, else a receiver report.
/// At most two blocks and 64 bytes of CNAME are taken; the rest is left out.
pub fn write_report(ssrc: u32, sent: Option<&SenderInfo>, blocks: &[ReportBlock], cname: &str) -> Packet {
    let blocks = blocks.get(..blocks.len().min(BLOCKS_MAX)).unwrap_or_default();
    let mut body = Packet::new();
    let mut fits = true;
    if let Some(sent) = sent {
        fits &= body.extend(&sent.write());
    }
    for block in blocks {
        fits &= body.extend(&block.write());
    }
    let kind = if sent.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
    let count = u8::try_from(blocks.len()).unwrap_or(0);
    let mut packet = Packet::new();
    fits &= write_part(&mut packet, kind, count, ssrc, body.as_slice());
    fits &= write_cname(&mut packet, ssrc, cname);
    debug_assert!(fits, "a report of two blocks fits a packet");
    packet
}

/// Our goodbye: an empty receiver report, the CNAME and a BYE, as a compound must be.
pub fn write_bye(ssrc: u32, cname: &str) -> Packet {
    let mut packet = write_report(ssrc, None, &[], cname);
    let fits = write_part(&mut packet, BYE, 1, ssrc, &[]);
    debug_assert!(fits, "a goodbye fits a packet");
    packet
}

/// What is wrong with an RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadRtcp {
    /// Fewer bytes than a header.
    #[error("rtcp packet is shorter than its header")]
    Short,
    /// Not version 2.
    #[error("rtcp version is not 2")]
    Version,
    /// A length runs past the end, or leaves no room for the source.
    #[error("rtcp length does not fit")]
    Length,
    /// Padding is zero, longer than its packet, or not in the last packet.
    #[error("rtcp padding does not fit")]
    Padding,
}

struct Raw<'a> {
    count: u8,
    kind: u8,
    body: &'a [u8],
}

fn cut(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), BadRtcp> {
    let ([flags, kind, w0, w1], rest) = split::<4>(bytes).ok_or(BadRtcp::Short)?;
    if flags >> 6 != 2 {
        return Err(BadRtcp::Version);
    }
    let body_bytes = usize::from(u16::from_be_bytes([w0, w1])).saturating_mul(4);
    let (mut body, after) = rest.split_at_checked(body_bytes).ok_or(BadRtcp::Length)?;
    // Everything but an empty goodbye or description names a source at least.
    let is_empty_by_right = flags & 0x1f == 0 && matches!(kind, DESCRIPTION | BYE);
    if body.is_empty() && !is_empty_by_right {
        return Err(BadRtcp::Length);
    }
    if flags & 0x20 != 0 {
        let padding = usize::from(*body.last().ok_or(BadRtcp::Padding)?);
        let kept = body.len().checked_sub(padding).ok_or(BadRtcp::Padding)?;
        if padding == 0 || !after.is_empty() {
            return Err(BadRtcp::Padding);
        }
        body = body.get(..kept).unwrap_or_default();
    }
    Ok((Raw { count: flags & 0x1f, kind, body }, after))
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = split::<4>(bytes)?;
    Some((u32::from_be_bytes(head), rest))
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(slot) = out.get_mut(at..at.saturating_add(bytes.len())) {
        slot.copy_from_slice(bytes);
    }
}

fn write_part(packet: &mut Packet, kind: u8, count: u8, ssrc: u32, body: &[u8]) -> bool {
    // The length counts words after the first: the source is one of them.
    let words = u16::try_from((body.len() / 4).saturating_add(1)).unwrap_or(u16::MAX);
    let [w0, w1] = words.to_be_bytes();
    packet.extend(&[0x80 | (count & 0x1f), kind, w0, w1]) && packet.extend(&ssrc.to_be_bytes()) && packet.extend(body)
}

fn write_cname(packet: &mut Packet, ssrc: u32, cname: &str) -> bool {
    let text = cname.as_bytes().get(..cname.len().min(CNAME_BYTES_MAX)).unwrap_or_default();
    let mut chunk = Packet::new();
    let len = u8::try_from(text.len()).unwrap_or(0);
    // RFC 3550 §6.5: the item list ends in at least one null byte and is filled to a word.
    let mut fits = chunk.extend(&[CNAME_ITEM, len]) && chunk.extend(text) && chunk.extend(&[0]);
    while fits && !chunk.len().is_multiple_of(4) {
        fits = chunk.extend(&[0]);
    }
    fits && write_part(packet, DESCRIPTION, 1, ssrc, chunk.as_slice())
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME_ITEM: u8 = 1;
const BLOCK_BYTES: usize = 24;
const BLOCKS_MAX: usize = 2;
const CNAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 9,
        fraction_lost: 12,
        cumulative_lost: -3,
        highest_sequence: 70_000,
        jitter_ticks: 44,
        last_sr: 5,
        delay_since_last_sr: 6,
    };

    #[test]
    fn a_written_report_reads_back() {
        let sent = SenderInfo { ntp: 0x0102_0304_0506_0708, rtp_timestamp: 1, packets: 2, payload_bytes: 3 };
        let packet = write_report(7, Some(&sent), &[BLOCK], "leg");
        assert_eq!(packet.len() % 4, 0);
        let parts: Vec<Part<'_>> = Compound::parse(packet.as_slice()).unwrap().iter().collect();
        let [Part::Sender { ssrc: 7, sent: read, blocks }, Part::Description] = parts[..] else { panic!("{parts:?}") };
        assert_eq!(read, sent);
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [BLOCK]);
    }

    #[test]
    fn a_goodbye_is_a_whole_compound() {
        let packet = write_bye(7, "a cname of more than sixty-four bytes is cut, not refused: it is only a label ....");
        let parts: Vec<Part<'_>> = Compound::parse(packet.as_slice()).unwrap().iter().collect();
        assert!(matches!(parts[..], [Part::Receiver { ssrc: 7, .. }, Part::Description, Part::Bye { ssrc: Some(7) }]));
    }

    #[test]
    fn the_feedback_packet_that_panics_others_is_only_another_part() {
        let bytes = hex::decode("a1cd0001ff345678").unwrap();
        assert_eq!(Compound::parse(&bytes).unwrap_err(), BadRtcp::Padding);
        let bytes = hex::decode("81cd000100020001").unwrap();
        let parts: Vec<Part<'_>> = Compound::parse(&bytes).unwrap().iter().collect();
        assert!(matches!(parts[..], [Part::Other(205)]));
    }

    #[test]
    fn a_report_that_promises_more_blocks_than_it_holds_is_only_another_part() {
        let bytes = hex::decode("9fc9000100000007").unwrap();
        assert!(matches!(Compound::parse(&bytes).unwrap().iter().next(), Some(Part::Other(201))));
    }

    #[test]
    fn no_length_and_no_byte_panics() {
        for first in 0..=255u8 {
            for kind in 192..=223u8 {
                for len in 2..48usize {
                    let mut bytes = vec![0x5a; len];
                    bytes[0] = first;
                    bytes[1] = kind;
                    if len > 3 {
                        bytes[2] = 0;
                        bytes[3] = ((len / 4) - 1) as u8;
                    }
                    if let Ok(compound) = Compound::parse(&bytes) {
                        for part in compound.iter() {
                            if let Part::Sender { blocks, .. } | Part::Receiver { blocks, .. } = part {
                                assert!(blocks.iter().count() <= 31);
                            }
                        }
                    }
                }
            }
        }
    }
}
