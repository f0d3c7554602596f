//! Makes a recording that was cut off anywhere into a file that ends as it should.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::TwoLane;
use crate::ogg_opus::page::{Page, pages};
use crate::ogg_opus::{OpusHead, OpusTags};
use crate::toc;

/// How to mend a file: keep its first `keep_bytes` bytes, and write `tail` after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Bytes at the front that stay as they are.
    pub keep_bytes: usize,
    /// What belongs after them: the last whole page again, now marked as the last one. Empty if the file was complete.
    pub tail: Vec<u8>,
    /// How long the mended file plays, in milliseconds.
    pub duration_ms: u64,
    /// Bytes of the old file that are given up: a page that was not whole, or wrong.
    pub lost_bytes: usize,
    /// The file was complete; nothing is to be done.
    pub complete: bool,
    /// Nothing of the recording was left; `tail` is a file of 20 ms of silence.
    pub empty: bool,
}

impl Salvaged {
    /// The mended file.
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.get(..self.keep_bytes).unwrap_or(bytes).to_vec();
        out.extend_from_slice(&self.tail);
        out
    }
}

/// Looks at a recording of ours (its first bytes, up to wherever it was cut or torn) and says how to mend it. Never fails:
/// of a file without one whole page of sound an empty recording is made.
pub fn salvage(bytes: &[u8]) -> Salvaged {
    let mut walk = Walk::default();
    for page in pages(bytes) {
        if walk.take(page).is_none() || page.ends {
            break;
        }
    }
    let lost = |kept: usize| bytes.len().saturating_sub(kept);
    let Some(last) = walk.last_whole else {
        return nothing(&walk, lost(walk.headers_bytes));
    };
    let end = last.at.saturating_add(last.page.bytes.len());
    Salvaged {
        keep_bytes: if last.page.ends { end } else { last.at },
        tail: if last.page.ends { Vec::new() } else { last.page.as_last() },
        duration_ms: last.page.granule.saturating_sub(walk.pre_skip) / 48,
        lost_bytes: lost(end),
        complete: last.page.ends && lost(end) == 0,
        empty: false,
    }
}

#[derive(Clone, Copy)]
struct Found<'a> {
    at: usize,
    page: Page<'a>,
}

/// The pages so far.
#[derive(Default)]
struct Walk<'a> {
    at: usize,
    pages: u32,
    serial: u32,
    pre_skip: u64,
    granule: u64,
    /// Where the header pages end; 0 until both are read.
    headers_bytes: usize,
    last_whole: Option<Found<'a>>,
}

impl<'a> Walk<'a> {
    /// `None` if the page does not belong where it stands.
    fn take(&mut self, page: Page<'a>) -> Option<()> {
        let at = self.at;
        self.at = at.checked_add(page.bytes.len())?;
        if page.sequence != self.pages {
            return None;
        }
        self.pages = self.pages.checked_add(1)?;
        match page.sequence {
            0 => {
                let head = OpusHead::parse(page.packets().first()?)?;
                (self.serial, self.pre_skip) = (page.serial, u64::from(head.pre_skip));
                return (head.streams == 2 && page.begins).then_some(());
            }
            1 => {
                OpusTags::parse(page.packets().first()?)?;
                self.headers_bytes = self.at;
            }
            _ => {
                let stays = page.granule >= self.granule && !page.open && !page.continued;
                let sound = page.packets().iter().all(|packet| is_pair(packet));
                if !stays || !sound {
                    return None;
                }
                self.granule = page.granule;
                self.last_whole = Some(Found { at, page });
            }
        }
        (page.serial == self.serial).then_some(())
    }
}

fn is_pair(packet: &[u8]) -> bool {
    toc::Packet::parse_delimited(packet)
        .and_then(|(left, right)| Some((left.samples(), toc::packet_samples(right)?)))
        .is_some_and(|(left, right)| left == right)
}

/// A recording of which no sound is left: its headers (or new ones) and one slot of silence.
fn nothing(walk: &Walk<'_>, lost_bytes: usize) -> Salvaged {
    let keeps_headers = walk.headers_bytes > 0;
    let (machine, headers) = TwoLane::new(if keeps_headers { walk.serial } else { EMPTY_SERIAL }, &[]);
    let silence = machine.finish();
    let mut tail = if keeps_headers { Vec::new() } else { headers };
    tail.extend(silence);
    Salvaged { keep_bytes: walk.headers_bytes, tail, duration_ms: EMPTY_MS, lost_bytes, complete: false, empty: true }
}

/// The stream number of a recording whose own is not known.
const EMPTY_SERIAL: u32 = 1;
/// One slot less the pre-skip, in whole milliseconds.
const EMPTY_MS: u64 = 13;
