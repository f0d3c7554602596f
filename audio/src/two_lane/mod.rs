//! Recordings: what a caller says (left) and hears (right) as one two-stream Ogg Opus file, without transcoding.
//!
//! Each 20 ms pair of Opus frames becomes one packet of two mono streams (RFC 7845 mapping family 1, 2 channels, 2 streams,
//! 0 coupled, map 0 1); the first is self-delimited (RFC 6716 appendix B). Both lanes of a packet must last the same, else
//! players refuse the whole file, so here everything is brought to 20 ms:
//!
//! - packets of several frames are split, and 10 ms frames joined, without touching a bit of them;
//! - a single 40 or 60 ms SILK frame (and a mix that cannot be joined) is decoded and encoded again, and counted. That is
//!   the one thing here that costs more than a copy (about 0.1 ms per 20 ms): run the machine on the writer's thread;
//! - a frame that was lost is its lane's own TOC byte alone, [`LOST_IN_A_ROW_MAX`] times at most; then, as for hold, mute
//!   and a late start, [`CELT_SILENCE`](crate::toc::CELT_SILENCE).
//!
//! What is *not* here: the clock. Which packet belongs into which 20 ms slot (a lane's offset is the least arrival − RTP
//! time over 10 s, corrected by one frame at a time, so that two crystals cannot drift apart) is decided by the recorder
//! in `mediad`, which calls [`TwoLane::push`] once a slot.

mod lane;
mod recode;
mod salvage;

pub use lane::Counts;
pub use salvage::{Salvaged, salvage};

use crate::limits::FRAME_SAMPLES;
use crate::ogg_opus::{OpusHead, OpusTags, Writer};
use crate::toc;
use lane::Lane;

/// What a lane has for one 20 ms slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot<'a> {
    /// An Opus packet that begins in this slot. One that lasts longer than 20 ms covers the slots after it too: say
    /// [`Slot::Lost`] for those, as nothing arrives for them.
    Sound(&'a [u8]),
    /// 10 ms packets: the one that begins with the slot and the one in its middle.
    Halves(Option<&'a [u8]>, Option<&'a [u8]>),
    /// Nothing came though something should have.
    Lost,
    /// Hold, mute, nobody there yet: digital silence, and nothing kept of what was before.
    Silent,
}

/// A recording in the making. Pure: packets in, pages out.
#[derive(Debug)]
pub struct TwoLane {
    writer: Writer,
    left: Lane,
    right: Lane,
    slots: u64,
}

impl TwoLane {
    /// Begins a recording; the bytes are its header pages. `serial` is a random number; `remarks` go into the file's tags
    /// (`CALL=…`), so put nothing there that a listener may not know.
    pub fn new(serial: u32, remarks: &[(&str, &str)]) -> (TwoLane, Vec<u8>) {
        let (writer, headers) =
            Writer::new(&OpusHead::two_lane(PRE_SKIP_SAMPLES), &OpusTags::ours(remarks), serial, PAGE_MS);
        (TwoLane { writer, left: Lane::default(), right: Lane::default(), slots: 0 }, headers)
    }

    /// One 20 ms slot. Gives a page every [`PAGE_MS`].
    pub fn push(&mut self, left: Slot<'_>, right: Slot<'_>) -> Option<Vec<u8>> {
        let left = self.left.next(left);
        let right = self.right.next(right);
        self.slots += 1;
        self.writer.push(join(&left, &right), FRAME_SAMPLES)
    }

    /// Ends the recording; the bytes are its last page. A recording without a single slot gets one of silence: a file
    /// without sound is refused by players.
    pub fn finish(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.slots == 0 {
            out.extend(self.push(Slot::Silent, Slot::Silent).unwrap_or_default());
        }
        out.extend(self.writer.finish(0));
        out
    }

    /// Slots pushed so far.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// How long the recording plays, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        (self.slots * FRAME_SAMPLES as u64).saturating_sub(u64::from(PRE_SKIP_SAMPLES)) / 48
    }

    /// What happened to the left lane's packets.
    pub fn left_counts(&self) -> Counts {
        self.left.counts()
    }

    /// What happened to the right lane's packets.
    pub fn right_counts(&self) -> Counts {
        self.right.counts()
    }
}

/// A two-stream packet taken apart: the left lane's packet in plain form, and the right one's. `None` if it is neither.
pub fn lanes(packet: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (left, right) = toc::Packet::parse_delimited(packet)?;
    toc::Packet::parse(right)?;
    let mut plain = Vec::new();
    left.write(&mut plain);
    Some((plain, right))
}

/// Two packets of 20 ms as one of two streams. Both were made or checked by a lane.
fn join(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(left.len() + right.len() + 3);
    let silence = toc::Packet::of(toc::CELT_SILENCE[0], &[&toc::CELT_SILENCE[1..]]);
    if let Some(packet) = toc::Packet::parse(left).or(silence) {
        packet.write_delimited(&mut out);
    }
    out.extend_from_slice(right);
    out
}

/// A page is written every 500 ms: what a crash can lose.
pub const PAGE_MS: u32 = 500;
/// The most [`Slot::Lost`] in a row that are left to the player's concealment; from then on it would drone.
pub const LOST_IN_A_ROW_MAX: u32 = 5;
/// What SILK looks ahead, 6.5 ms: a decoder's first samples are its start-up, not sound. (Players and `opusinfo` distrust a
/// file that skips nothing.)
pub const PRE_SKIP_SAMPLES: u16 = 312;
