//! One lane of a recording: brings whatever arrives to one 20 ms packet a slot.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::recode::Recoder;
use super::{LOST_IN_A_ROW_MAX, Slot};
use crate::limits::FRAME_SAMPLES;
use crate::toc::{self, CELT_SILENCE, Packet};
use std::collections::VecDeque;

/// What happened to a lane's packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Slots with sound.
    pub sound: u64,
    /// Slots in which nothing came (or nothing but an empty frame).
    pub lost: u64,
    /// Slots silent by order.
    pub silent: u64,
    /// Packets that had to be decoded and encoded again.
    pub recoded: u64,
    /// Packets that broke a rule of RFC 6716, written as lost.
    pub malformed: u64,
    /// 20 ms frames dropped because more sound came than slots.
    pub overrun: u64,
}

/// The lane's state.
#[derive(Debug)]
pub(super) struct Lane {
    /// Frames that came in a long packet, for the slots after it.
    owed: VecDeque<Vec<u8>>,
    /// The 20 ms TOC of its last sound.
    toc: u8,
    lost_in_a_row: u32,
    recoder: Recoder,
    counts: Counts,
}

impl Default for Lane {
    fn default() -> Self {
        Lane {
            owed: VecDeque::new(),
            toc: toc::at_20_ms(SILK_WB),
            // A late start is silence, not a loss.
            lost_in_a_row: LOST_IN_A_ROW_MAX,
            recoder: Recoder::default(),
            counts: Counts::default(),
        }
    }
}

impl Lane {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The packet of this slot: always one of exactly 20 ms, never empty.
    pub(super) fn next(&mut self, slot: Slot<'_>) -> Vec<u8> {
        match slot {
            Slot::Silent => {
                self.owed.clear();
                self.lost_in_a_row = LOST_IN_A_ROW_MAX;
                self.counts.silent = self.counts.silent.saturating_add(1);
                return CELT_SILENCE.to_vec();
            }
            Slot::Sound(packet) => self.take(&[packet]),
            Slot::Halves(None, None) | Slot::Lost => {}
            Slot::Halves(Some(first), Some(second)) => self.take(&[first, second]),
            Slot::Halves(Some(first), None) => self.take_half(first, true),
            Slot::Halves(None, Some(second)) => self.take_half(second, false),
        }
        match self.owed.pop_front() {
            Some(packet) if packet.len() > 1 => self.sound(packet),
            // DTX: an empty frame makes the player do what it does for a lost one.
            Some(_) | None => self.lost(),
        }
    }

    fn sound(&mut self, packet: Vec<u8>) -> Vec<u8> {
        self.toc = packet.first().map_or(self.toc, |&b0| toc::at_20_ms(b0));
        self.lost_in_a_row = 0;
        self.counts.sound = self.counts.sound.saturating_add(1);
        packet
    }

    fn lost(&mut self) -> Vec<u8> {
        self.counts.lost = self.counts.lost.saturating_add(1);
        if self.lost_in_a_row >= LOST_IN_A_ROW_MAX {
            return CELT_SILENCE.to_vec();
        }
        self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
        vec![self.toc]
    }

    /// Packets that begin in this slot, one after the other.
    fn take(&mut self, packets: &[&[u8]]) {
        if packets.iter().any(|packet| Packet::parse(packet).is_none()) {
            self.counts.malformed = self.counts.malformed.saturating_add(1);
            return;
        }
        let whole = match packets {
            [one] if is_plain_20_ms(one) => Some(vec![one.to_vec()]),
            many => toc::join_20_ms(many),
        };
        let packets = match whole {
            Some(packets) => packets,
            None => {
                self.counts.recoded = self.counts.recoded.saturating_add(1);
                self.recoder.recode(packets, 0)
            }
        };
        self.owe(packets);
    }

    /// A 10 ms packet whose neighbour is lost: an empty frame stands for that one.
    fn take_half(&mut self, bytes: &[u8], first: bool) {
        let Some(packet) = Packet::parse(bytes) else { return self.take(&[bytes]) };
        match packet.frames() {
            &[frame] if packet.samples().saturating_mul(2) == FRAME_SAMPLES => {
                let pair: [&[u8]; 2] = if first { [frame, &[]] } else { [&[], frame] };
                self.owe(toc::regroup(packet.toc, &pair).unwrap_or_default());
            }
            _ if first || packet.samples() >= FRAME_SAMPLES => self.take(&[bytes]),
            _ => {
                self.counts.recoded = self.counts.recoded.saturating_add(1);
                let late = FRAME_SAMPLES.saturating_sub(packet.samples());
                let packets = self.recoder.recode(&[bytes], late);
                self.owe(packets);
            }
        }
    }

    fn owe(&mut self, packets: Vec<Vec<u8>>) {
        self.owed.extend(packets);
        while self.owed.len() > OWED_MAX {
            self.owed.pop_front();
            self.counts.overrun = self.counts.overrun.saturating_add(1);
        }
    }
}

/// One frame of 20 ms and nothing else: the common case, copied as it is.
fn is_plain_20_ms(packet: &[u8]) -> bool {
    packet.first().is_some_and(|&b0| b0 & 3 == 0 && toc::frame_samples(b0) == FRAME_SAMPLES)
}

/// A 120 ms packet fills this slot and owes five more.
const OWED_MAX: usize = 6;
/// What a lane is taken for before it says anything: SILK, wideband.
const SILK_WB: u8 = 0x48;
