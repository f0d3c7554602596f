//! Reads a stranger's Ogg Opus file into packets, within limits.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::head::{OpusHead, OpusTags};
use crate::limits::{CHAIN_LINKS_MAX, Limits};
use crate::toc;
use ogg::reading::{OggReadError, PacketReader};
use std::io::Cursor;

/// One link of the chain; most files have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// How to decode it.
    pub head: OpusHead,
    /// Its remarks.
    pub tags: OpusTags,
    /// Its packets, in order; multistream ones are whole.
    pub packets: Vec<Vec<u8>>,
    /// Samples of all packets together.
    pub samples: u64,
    /// Samples to play, after pre-skip and end trimming (RFC 7845 §4).
    pub playable: u64,
    /// The last page said that it is the last.
    pub ended: bool,
}

/// Reads every Opus stream of a file, one after the other. Streams of other codecs beside it are passed over. A file that is
/// cut off gives what is there; one that is damaged in the middle is refused.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Link>, ReadError> {
    if bytes.len() > limits.bytes_max {
        return Err(ReadError::TooManyBytes { bytes: bytes.len(), bytes_max: limits.bytes_max });
    }
    let mut reader = PacketReader::new(Cursor::new(bytes));
    let mut links: Vec<Open> = Vec::new();
    let mut samples_left = limits.samples_max;
    loop {
        let packet = match reader.read_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(OggReadError::ReadError(_)) => break, // cut off within a page
            Err(why) => return Err(ReadError::Damaged(why.to_string())),
        };
        if packet.first_in_stream() {
            if let Some(head) = OpusHead::parse(&packet.data) {
                if links.len() >= CHAIN_LINKS_MAX {
                    return Err(ReadError::TooManyLinks);
                }
                links.push(Open::new(packet.stream_serial(), head));
            } else if packet.data.starts_with(b"OpusHead") {
                return Err(ReadError::BadHead);
            }
            continue;
        }
        let Some(link) = links.last_mut().filter(|link| link.serial == packet.stream_serial()) else { continue };
        let closes_page = packet.last_in_page();
        let (granule, ends) = (packet.absgp_page(), packet.last_in_stream());
        link.take(packet.data, &mut samples_left, limits)?;
        if closes_page {
            link.page_ends(granule, ends);
        }
    }
    if links.is_empty() {
        return Err(ReadError::NotOpus);
    }
    links.into_iter().map(Open::close).collect()
}

/// A link while it is read.
struct Open {
    serial: u32,
    head: OpusHead,
    tags: Option<OpusTags>,
    packets: Vec<Vec<u8>>,
    samples: u64,
    /// Where the first page of sound begins on the granule scale.
    origin: Option<u64>,
    last_granule: u64,
    ended: bool,
}

impl Open {
    fn new(serial: u32, head: OpusHead) -> Open {
        Open { serial, head, tags: None, packets: Vec::new(), samples: 0, origin: None, last_granule: 0, ended: false }
    }

    fn take(&mut self, data: Vec<u8>, samples_left: &mut u64, limits: &Limits) -> Result<(), ReadError> {
        if self.tags.is_none() {
            self.tags = Some(OpusTags::parse(&data).ok_or(ReadError::BadTags)?);
            return Ok(());
        }
        let samples = first_stream_samples(&data, self.head.streams).ok_or(ReadError::BadPacket)?;
        *samples_left =
            samples_left.checked_sub(samples).ok_or(ReadError::TooLong { samples_max: limits.samples_max })?;
        self.samples = self.samples.saturating_add(samples);
        self.packets.push(data);
        Ok(())
    }

    fn page_ends(&mut self, granule: u64, ends: bool) {
        self.ended |= ends;
        if granule == u64::MAX || self.packets.is_empty() {
            return;
        }
        // RFC 7845 §4.5: a live capture may begin anywhere; the first page that ends says where. A first page that is also
        // the last may be trimmed, and then begins at zero.
        let begins = if ends { 0 } else { granule.saturating_sub(self.samples) };
        self.origin.get_or_insert(begins);
        self.last_granule = granule;
    }

    fn close(self) -> Result<Link, ReadError> {
        let said = self.last_granule.saturating_sub(self.origin.unwrap_or(0));
        let until = if self.ended { self.samples.min(said) } else { self.samples };
        Ok(Link {
            playable: until.saturating_sub(u64::from(self.head.pre_skip)),
            head: self.head,
            tags: self.tags.ok_or(ReadError::BadTags)?,
            packets: self.packets,
            samples: self.samples,
            ended: self.ended,
        })
    }
}

/// Samples of a packet of one or several streams: all streams of a packet last the same, so the first one tells.
fn first_stream_samples(packet: &[u8], streams: u8) -> Option<u64> {
    let samples =
        if streams > 1 { toc::Packet::parse_delimited(packet)?.0.samples() } else { toc::packet_samples(packet)? };
    u64::try_from(samples).ok()
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No Opus stream in it.
    #[error("not an Ogg Opus file")]
    NotOpus,
    /// Larger than allowed.
    #[error("the file has {bytes} bytes, more than the {bytes_max} that are allowed")]
    TooManyBytes {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// More sound than allowed.
    #[error("the file holds more than {} seconds of sound", samples_max / 48_000)]
    TooLong {
        /// The limit, in samples at 48 kHz.
        samples_max: u64,
    },
    /// More chained links than [`CHAIN_LINKS_MAX`].
    #[error("the file is a chain of more than {CHAIN_LINKS_MAX} files")]
    TooManyLinks,
    /// The first header breaks RFC 7845.
    #[error("the Opus header is not one we know")]
    BadHead,
    /// The second header is missing, broken or too long.
    #[error("the Opus remarks are missing, broken or longer than 64 KiB")]
    BadTags,
    /// A packet breaks RFC 6716.
    #[error("the file holds a broken Opus packet")]
    BadPacket,
    /// The container is broken.
    #[error("the Ogg container is damaged: {0}")]
    Damaged(String),
}
