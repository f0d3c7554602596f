//! One Ogg page at a time (RFC 3533 §6): found, checked, and closed as the last of its stream.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// A whole page whose checksum holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// All its bytes.
    pub bytes: &'a [u8],
    /// The position of its last completed packet; `u64::MAX` when none is completed in it.
    pub granule: u64,
    /// Which stream.
    pub serial: u32,
    /// Its number in that stream.
    pub sequence: u32,
    /// Its first packet began on the page before.
    pub continued: bool,
    /// First of its stream.
    pub begins: bool,
    /// Last of its stream.
    pub ends: bool,
    /// Its last packet goes on on the next page.
    pub open: bool,
}

impl<'a> Page<'a> {
    /// The page that `bytes` begins with. `None` if there is none, it is not whole, or its checksum is wrong.
    pub fn first_of(bytes: &'a [u8]) -> Option<Page<'a>> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let &[
            b'O',
            b'g',
            b'g',
            b'S',
            0,
            flags,
            g0,
            g1,
            g2,
            g3,
            g4,
            g5,
            g6,
            g7,
            s0,
            s1,
            s2,
            s3,
            n0,
            n1,
            n2,
            n3,
            c0,
            c1,
            c2,
            c3,
            segments,
        ] = head
        else {
            return None;
        };
        let lacing = rest.get(..usize::from(segments))?;
        let body: usize = lacing.iter().map(|&l| usize::from(l)).sum();
        let length = HEAD_BYTES.checked_add(lacing.len())?.checked_add(body)?;
        let whole = bytes.get(..length)?;
        (checksum(whole) == u32::from_le_bytes([c0, c1, c2, c3])).then(|| Page {
            bytes: whole,
            granule: u64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]),
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            sequence: u32::from_le_bytes([n0, n1, n2, n3]),
            continued: flags & CONTINUED != 0,
            begins: flags & BEGINS != 0,
            ends: flags & ENDS != 0,
            open: lacing.last() == Some(&255),
        })
    }

    /// The packets on this page, pieces of continued ones included.
    pub fn packets(&self) -> Vec<&'a [u8]> {
        let segments = self.bytes.get(SEGMENTS_AT).map_or(0, |&n| usize::from(n));
        let Some((lacing, mut body)) = self.bytes.get(HEAD_BYTES..).and_then(|rest| rest.split_at_checked(segments))
        else {
            return Vec::new();
        };
        let mut packets = Vec::new();
        let mut length = 0usize;
        for (at, &lace) in lacing.iter().enumerate() {
            length = length.saturating_add(usize::from(lace));
            if lace < 255 || at.saturating_add(1) == lacing.len() {
                let Some((packet, after)) = body.split_at_checked(length) else { break };
                packets.push(packet);
                (body, length) = (after, 0);
            }
        }
        packets
    }

    /// The same page as the last of its stream.
    pub fn as_last(&self) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        if let Some(flags) = bytes.get_mut(FLAGS_AT) {
            *flags |= ENDS;
        }
        let sum = checksum(&bytes).to_le_bytes();
        if let Some(place) = bytes.get_mut(CHECKSUM_AT..SEGMENTS_AT) {
            place.copy_from_slice(&sum);
        }
        bytes
    }
}

/// The pages at the front of `bytes`, as far as they are whole and right.
pub fn pages(bytes: &[u8]) -> impl Iterator<Item = Page<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let page = Page::first_of(rest)?;
        rest = rest.get(page.bytes.len()..)?;
        Some(page)
    })
}

/// The checksum of a page as if its own field were zero: CRC-32, polynomial 0x04C11DB7, not reflected.
fn checksum(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0u32, |crc, (at, &byte)| {
        let byte = if (CHECKSUM_AT..SEGMENTS_AT).contains(&at) { 0 } else { byte };
        let slot = usize::from((crc >> 24) as u8 ^ byte);
        (crc << 8) ^ TABLE.get(slot).copied().unwrap_or(0)
    })
}

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler")]
const fn table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut slot = 0;
    while slot < 256 {
        let mut crc = (slot as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 != 0 { (crc << 1) ^ 0x04C1_1DB7 } else { crc << 1 };
            bit += 1;
        }
        table[slot] = crc;
        slot += 1;
    }
    table
}

static TABLE: [u32; 256] = table();
const HEAD_BYTES: usize = 27;
const FLAGS_AT: usize = 5;
const CHECKSUM_AT: usize = 22;
const SEGMENTS_AT: usize = 26;
const CONTINUED: u8 = 1;
const BEGINS: u8 = 2;
const ENDS: u8 = 4;
