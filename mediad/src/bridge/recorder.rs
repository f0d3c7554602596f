//! Records a conversation: two lanes on one 20 ms clock, handed out in batches for the writer's thread.

use std::time::{Duration, Instant};

use audio::two_lane;
use protocol::RecordingId;
use protocol::limits::FRAME_MS;

use crate::base::slots::Slot as SeatSlot;
use crate::bridge::lane::{Lane, Slot};
use crate::leg::sender::SourceId;

/// One recording in the making.
#[derive(Debug)]
pub struct Recorder {
    /// Its name.
    pub id: RecordingId,
    /// The caller's seat.
    pub seat: SeatSlot,
    left: Lane,
    right: Lane,
    taken: u64,
    next: Instant,
    start: Instant,
    paused: bool,
}

/// Which voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What the caller says.
    Left,
    /// What the caller is sent by the one at the desk.
    Right,
}

impl Recorder {
    /// Begins at `now`.
    pub fn new(now: Instant, id: RecordingId, seat: SeatSlot) -> Self {
        Self {
            id,
            seat,
            left: Lane::new(now),
            right: Lane::new(now),
            taken: 0,
            next: now + BATCH_EVERY,
            start: now,
            paused: false,
        }
    }

    /// A packet of one voice. Key presses are never handed in: they may be PINs.
    pub fn hear(&mut self, now: Instant, side: Side, id: SourceId, ticks: u64, payload: &[u8]) {
        if self.paused {
            return;
        }
        match side {
            Side::Left => self.left.hear(now, id, ticks, payload),
            Side::Right => self.right.hear(now, id, ticks, payload),
        }
    }

    /// Records silence from `now` on, or no longer.
    pub fn pause(&mut self, now: Instant, paused: bool) {
        if paused {
            self.hush(now);
        }
        self.paused = paused;
    }

    /// Whether silence is recorded by command.
    pub fn paused(&self) -> bool {
        self.paused
    }

    /// Hold: neither voice is recorded from `now` on, until it is heard again.
    pub fn hush(&mut self, now: Instant) {
        self.left.hush(now);
        self.right.hush(now);
    }

    /// What the caller is sent is not recorded from `now` on, until it is heard again.
    pub fn hush_right(&mut self, now: Instant) {
        self.right.hush(now);
    }

    /// When the next batch is due.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// The slots that nothing more is waited for, if a batch is due.
    pub fn wake(&mut self, now: Instant) -> Option<Batch> {
        if now < self.next {
            return None;
        }
        while self.next <= now {
            self.next += BATCH_EVERY;
        }
        let ripe = self.left.slot_at(now).saturating_sub(WAIT_SLOTS);
        self.batch(ripe)
    }

    /// Everything up to `now`: the recording ends.
    pub fn finish(&mut self, now: Instant) -> Option<Batch> {
        self.batch(self.left.slot_at(now))
    }

    /// How long it is, in milliseconds.
    pub fn duration_ms(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }

    fn batch(&mut self, until: u64) -> Option<Batch> {
        let count = until.saturating_sub(self.taken);
        if count == 0 {
            return None;
        }
        let mut batch = Batch::with_room(count);
        for _ in 0..count {
            batch.put(self.left.take());
            batch.put(self.right.take());
        }
        self.taken = until;
        Some(batch)
    }
}

/// Pairs of slots, left before right, in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    slots: u64,
}

impl Batch {
    /// `count` pairs of silence, in place of pairs that were lost on their way to the disk.
    pub fn silent(count: u64) -> Self {
        let mut batch = Self::with_room(count);
        for _ in 0..count {
            batch.put(Slot::Silent);
            batch.put(Slot::Silent);
        }
        batch
    }

    /// How many pairs.
    pub fn slots(&self) -> u64 {
        self.slots / 2
    }

    /// Hands the pairs to a recording, and each page it gives to `page`.
    pub fn write(&self, recording: &mut two_lane::TwoLane, mut page: impl FnMut(Vec<u8>)) {
        let mut rest = self.bytes.as_slice();
        while let (Some(left), Some(right)) = (read(&mut rest), read(&mut rest)) {
            if let Some(bytes) = recording.push(left, right) {
                page(bytes);
            }
        }
    }

    fn with_room(count: u64) -> Self {
        let bytes = usize::try_from(count.min(BATCH_SLOTS_MAX)).unwrap_or(0) * 2 * TYPICAL_BYTES;
        Self { bytes: Vec::with_capacity(bytes), slots: 0 }
    }

    fn put(&mut self, slot: Slot<'_>) {
        self.slots += 1;
        match slot {
            Slot::Silent => self.bytes.push(SILENT),
            Slot::Lost => self.bytes.push(LOST),
            Slot::Sound(packet) => {
                self.bytes.push(SOUND);
                self.put_bytes(packet);
            }
            Slot::Halves(first, second) => {
                self.bytes.push(HALVES);
                self.put_bytes(first.unwrap_or_default());
                self.put_bytes(second.unwrap_or_default());
            }
        }
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        let len = u16::try_from(bytes.len()).unwrap_or(0);
        self.bytes.extend_from_slice(&len.to_be_bytes());
        self.bytes.extend_from_slice(&bytes[..usize::from(len)]);
    }
}

fn read<'a>(rest: &mut &'a [u8]) -> Option<two_lane::Slot<'a>> {
    let (kind, after) = rest.split_first()?;
    *rest = after;
    Some(match *kind {
        SILENT => two_lane::Slot::Silent,
        LOST => two_lane::Slot::Lost,
        SOUND => two_lane::Slot::Sound(read_bytes(rest)?),
        _ => {
            let (first, second) = (read_bytes(rest)?, read_bytes(rest)?);
            let some = |bytes: &'a [u8]| (!bytes.is_empty()).then_some(bytes);
            two_lane::Slot::Halves(some(first), some(second))
        }
    })
}

fn read_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_first_chunk::<2>()?;
    let (bytes, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    *rest = after;
    Some(bytes)
}

const SILENT: u8 = 0;
const LOST: u8 = 1;
const SOUND: u8 = 2;
const HALVES: u8 = 3;
/// A batch leaves five times in the half second that a page holds.
const BATCH_EVERY: Duration = Duration::from_millis(100);
/// How long a packet is waited for: 160 ms. With a page of 500 ms and a batch of 100, a crash costs 760 ms at most.
const WAIT_SLOTS: u64 = 160 / FRAME_MS;
const BATCH_SLOTS_MAX: u64 = 64;
const TYPICAL_BYTES: usize = 64;

const _: () = assert!(WAIT_SLOTS * FRAME_MS + 100 + two_lane::PAGE_MS as u64 <= 1_000);
