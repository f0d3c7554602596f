//! The one RTP stream a leg sends for life: sources supply payloads, the sender numbers them.
//!
//! *Within* a forwarded source gaps and order stay visible, so loss counts and FEC still mean something at the far end.
//! *At a switch* the numbers go on by one and the time by what has passed, and one of the two packets that meet is CELT:
//! that is the difference between a clean splice and a click.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use audio::toc;
use protocol::limits::{FRAME_MS, FRAME_TICKS, OPUS_CLOCK_HZ};

/// Numbers every packet of one leg.
#[derive(Debug)]
pub struct Sender {
    ssrc: u32,
    /// Sequence numbers and timestamps are kept unwrapped; the wire gets their low bits.
    last: Last,
    /// Which of the [`WINDOW`] indexes up to `last.index` were sealed: bit 0 is `last.index` itself.
    sealed: u128,
    /// Nothing that maps at or below these is sent any more: the last packet before the last switch.
    floor: Floor,
    mode: Mode,
    live: Option<Live>,
    /// How far our timeline is ahead of the wall, in ticks: a switch in mid-frame puts it there, the next takes it
    /// back. Without it, every splice would add to the far end's delay.
    lead_ticks: i64,
    rule_one: bool,
}

/// Where one packet stands in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The SRTP packet index (RFC 3711 §3.3.1); its low 16 bits are the sequence number.
    pub index: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
}

/// What a 20 ms slot is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// On [`toc::CELT_SILENCE`]. A clip keeps its frame for the next slot; a live packet is lost.
    Silence(Stamp),
    /// On the source's packet.
    Sound(Stamp),
}

/// A stream of someone else: the same name as long as sequence numbers and timestamps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceId {
    /// The leg it comes from, as its table numbers it.
    pub leg: u64,
    /// Its SSRC.
    pub ssrc: u32,
}

/// The packet maps where nothing may be sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the packet came too late to be sent in order")]
pub struct TooLate;

#[derive(Debug, Clone, Copy)]
struct Last {
    index: u64,
    ticks: u64,
    /// When the slot of `ticks` was sent; `None` before the first packet.
    at: Option<Instant>,
    toc: u8,
}

#[derive(Debug, Clone, Copy)]
struct Floor {
    index: u64,
    ticks: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Frames of our own, one a slot, on the leg's phase.
    Own { next: Instant, starts: bool },
    /// Another leg's packets; our own frames only while none comes.
    Forward { fill_next: Instant },
}

#[derive(Debug)]
struct Live {
    id: SourceId,
    index_offset: i64,
    ticks_offset: i64,
    /// Others have used indexes since its last packet.
    interrupted: bool,
    highest: u64,
    /// Slots still to be spent on silence before its own packets go out.
    silences: u8,
    skipped: Skipped,
}

impl Sender {
    /// A stream that will begin at `sequence` (its high bit is dropped, so the first roll-over is far) and `timestamp`.
    pub fn new(now: Instant, ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        let index = u64::from(sequence & 0x7fff) + 1;
        // One whole turn above zero, so that no offset runs below it.
        let ticks = u64::from(timestamp) + (1 << 32);
        Self {
            ssrc,
            last: Last { index: index - 1, ticks, at: None, toc: toc::CELT_SILENCE[0] },
            sealed: 0,
            floor: Floor { index: index - 1, ticks: 0 },
            mode: Mode::Own { next: now, starts: true },
            live: None,
            lead_ticks: 0,
            rule_one: true,
        }
    }

    /// The SSRC of the stream.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The RTP timestamp of `now` on our timeline, for sender reports.
    pub fn timestamp_at(&self, now: Instant) -> Option<u32> {
        let since = i64::try_from(ticks(now.saturating_duration_since(self.last.at?))).unwrap_or(i64::MAX);
        Some(self.last.ticks.wrapping_add_signed(since) as u32)
    }

    /// From now on the leg hears frames of its own. The first is due one frame after the last packet, or at once.
    pub fn hear_own(&mut self, now: Instant) {
        let next = match self.mode {
            Mode::Own { next, .. } => next,
            Mode::Forward { .. } => self.last.at.map_or(now, |at| (at + FRAME).max(now)),
        };
        self.mode = Mode::Own { next, starts: true };
    }

    /// From now on the leg hears another leg; frames of its own fill in until that one speaks, and when it is silent.
    pub fn hear_other(&mut self) {
        if let Mode::Own { next, .. } = self.mode {
            self.mode = Mode::Forward { fill_next: next };
        }
    }

    /// When the leg wants a frame of its own.
    pub fn due(&self) -> Instant {
        match self.mode {
            Mode::Own { next, .. } => next,
            Mode::Forward { fill_next } => fill_next,
        }
    }

    /// Gives a slot to a frame of our own whose first byte is `toc`, if one is due at `now`.
    ///
    /// Times come from the schedule, not from `now`: a loop that was late catches up in a burst. Only when it is later
    /// than [`CATCH_UP`] the missed slots are left out, as a gap.
    pub fn frame(&mut self, now: Instant, toc: u8) -> Option<Spent> {
        let due = self.due();
        if due > now {
            return None;
        }
        let at = if now.saturating_duration_since(due) > CATCH_UP { now } else { due };
        let (starts, forward) = match self.mode {
            Mode::Own { starts, .. } => (starts, false),
            Mode::Forward { .. } => (self.live.as_ref().is_some_and(|live| !live.interrupted), true),
        };
        let silence =
            starts && self.rule_one && self.last.at.is_some() && toc::needs_silence_between(self.last.toc, toc);
        let stamp = self.step(at);
        self.last.toc = if silence { toc::CELT_SILENCE[0] } else { toc };
        self.interrupt();
        self.mode = if forward {
            Mode::Forward { fill_next: at + FRAME }
        } else {
            Mode::Own { next: at + FRAME, starts: false }
        };
        Some(if silence { Spent::Silence(stamp) } else { Spent::Sound(stamp) })
    }

    /// Tells that the frames of our own come from another clip from now on, so that the two meet at a switch.
    pub fn new_clip(&mut self) {
        if let Mode::Own { starts, .. } = &mut self.mode {
            *starts = true;
        }
    }

    /// Gives a slot to another leg's packet. `index` and `ticks` are its unwrapped sequence number and timestamp.
    ///
    /// # Errors
    /// [`TooLate`] when it maps at or below the last switch, or where a packet was sent already.
    pub fn forward(&mut self, now: Instant, id: SourceId, index: u64, ticks: u64, toc: u8) -> Result<Spent, TooLate> {
        let mapped = self.live.as_mut().filter(|live| live.id == id).and_then(|live| live.map(index, ticks, self.last));
        let stamp = match mapped.map(|mapped| self.go_on(mapped, toc)) {
            Some(Ok(stamp)) => stamp,
            Some(Err(why)) => {
                self.let_catch_up(now);
                return Err(why);
            }
            None => self.switch(now, id, index, ticks, toc),
        };
        self.mode = Mode::Forward { fill_next: now + FILL_AFTER };
        let newest = stamp.index == self.last.index;
        let Some(live) = self.live.as_mut() else { return Ok(Spent::Sound(stamp)) };
        live.highest = live.highest.max(index);
        let silence = live.silences > 0;
        live.silences = live.silences.saturating_sub(1);
        if newest {
            self.last.toc = if silence { toc::CELT_SILENCE[0] } else { toc };
            self.last.at = Some(now);
        }
        Ok(if silence { Spent::Silence(stamp) } else { Spent::Sound(stamp) })
    }

    /// A packet of the source is not for this stream (a key press, say): it leaves no hole in our numbers.
    pub fn skip(&mut self, id: SourceId, index: u64) {
        if let Some(live) = self.live.as_mut().filter(|live| live.id == id && index > live.highest) {
            live.skipped.add(index);
        }
    }

    /// Gives the next index to a packet of a key press that began at `began`; `marker` for its first.
    pub fn key(&mut self, began: Instant, marker: bool) -> Stamp {
        if marker {
            let stamp = self.step(began);
            self.interrupt();
            return Stamp { marker: true, ..stamp };
        }
        self.last.index += 1;
        self.sealed = (self.sealed << 1) | 1;
        self.interrupt();
        Stamp { index: self.last.index, timestamp: self.last.ticks as u32, marker: false }
    }

    /// Moves the leg's own phase past a key press that lasts until `until`.
    pub fn rest_until(&mut self, until: Instant) {
        match &mut self.mode {
            Mode::Own { next, .. } => *next = (*next).max(until),
            Mode::Forward { fill_next } => *fill_next = (*fill_next).max(until),
        }
    }

    /// The negative control of the splice tests: switches without the silence that keeps them clean.
    #[cfg(test)]
    pub fn break_rule_one(&mut self) {
        self.rule_one = false;
    }

    /// A source that has come back is behind our frames: were we to go on filling, it would stay behind for ever.
    fn let_catch_up(&mut self, now: Instant) {
        if let Mode::Forward { fill_next } = &mut self.mode
            && self.live.as_ref().is_some_and(|live| live.interrupted)
        {
            *fill_next = (*fill_next).max(now + 2 * FRAME);
        }
    }

    /// Another source, or the same one with new numbers.
    fn switch(&mut self, now: Instant, id: SourceId, index: u64, ticks: u64, toc: u8) -> Stamp {
        let from_live = self.live.as_ref().is_some_and(|live| !live.interrupted);
        let needed = self.rule_one && self.last.at.is_some() && toc::needs_silence_between(self.last.toc, toc);
        let silences = match (needed, from_live) {
            (false, _) => 0,
            (true, false) => 1,
            // A lost silence would bring the click back, and a live stream cannot be asked to start clean.
            (true, true) => 2,
        };
        let before = Floor { index: self.last.index, ticks: self.last.ticks };
        let stamp = self.step(now);
        self.floor = before;
        self.live = Some(Live {
            id,
            index_offset: stamp.index as i64 - index as i64,
            ticks_offset: self.last.ticks as i64 - ticks as i64,
            interrupted: false,
            highest: index,
            silences,
            skipped: Skipped::default(),
        });
        stamp
    }

    /// A packet of the running source, at its place.
    fn go_on(&mut self, mapped: Mapped, toc: u8) -> Result<Stamp, TooLate> {
        let Mapped { index, ticks, returns } = mapped;
        if index <= self.floor.index || ticks <= self.floor.ticks {
            return Err(TooLate);
        }
        if returns {
            self.floor = Floor { index: self.last.index, ticks: self.last.ticks };
            let needed = self.rule_one && toc::needs_silence_between(self.last.toc, toc);
            if let Some(live) = self.live.as_mut() {
                live.silences = u8::from(needed);
            }
        }
        if index > self.last.index {
            let ahead = index - self.last.index;
            self.sealed = if ahead >= WINDOW { 1 } else { (self.sealed << ahead) | 1 };
            self.last.index = index;
            self.last.ticks = self.last.ticks.max(ticks);
        } else {
            let behind = self.last.index - index;
            if behind >= WINDOW || self.sealed & (1 << behind) != 0 {
                return Err(TooLate);
            }
            self.sealed |= 1 << behind;
        }
        Ok(Stamp { index, timestamp: ticks as u32, marker: returns })
    }

    /// The next index, and the time that has passed in whole frames, one at least.
    fn step(&mut self, at: Instant) -> Stamp {
        let Some(before) = self.last.at.replace(at) else {
            self.last.index += 1;
            self.sealed = 1;
            return Stamp { index: self.last.index, timestamp: self.last.ticks as u32, marker: true };
        };
        let frame = i64::from(FRAME_TICKS);
        let elapsed = i64::try_from(ticks(at.saturating_duration_since(before))).unwrap_or(i64::MAX / 2);
        let behind = elapsed - self.lead_ticks;
        let frames = (behind + frame / 2).div_euclid(frame).max(1);
        self.lead_ticks = frames * frame - behind;
        self.last.ticks += frames.unsigned_abs() * u64::from(FRAME_TICKS);
        self.last.index += 1;
        self.sealed = (self.sealed << 1) | 1;
        Stamp { index: self.last.index, timestamp: self.last.ticks as u32, marker: frames > 1 }
    }

    /// Whoever comes back after this finds the indexes taken.
    fn interrupt(&mut self) {
        if let Some(live) = self.live.as_mut() {
            live.interrupted = true;
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Mapped {
    index: u64,
    ticks: u64,
    returns: bool,
}

impl Live {
    /// Where a packet of this source belongs. `None` when its numbers have jumped and it must be spliced in anew.
    fn map(&mut self, index: u64, ticks: u64, last: Last) -> Option<Mapped> {
        let skipped = self.skipped.before(index);
        let mut out = index.checked_add_signed(self.index_offset)?.checked_sub(skipped)?;
        let out_ticks = ticks.checked_add_signed(self.ticks_offset)?;
        if out_ticks.abs_diff(last.ticks) > JUMP_TICKS || out.abs_diff(last.index) > JUMP_PACKETS {
            return None;
        }
        if !self.interrupted {
            return Some(Mapped { index: out, ticks: out_ticks, returns: false });
        }
        if out_ticks <= last.ticks {
            // Its clock stood still while we filled: waiting for it to catch up would be a silence as long again.
            let stood_still = last.ticks - out_ticks > STOOD_STILL_TICKS && index > self.highest;
            return (!stood_still).then_some(Mapped { index: 0, ticks: 0, returns: false });
        }
        if out <= last.index {
            let shift = last.index + 1 - out;
            self.index_offset += shift as i64;
            out += shift;
        }
        self.interrupted = false;
        Some(Mapped { index: out, ticks: out_ticks, returns: true })
    }
}

/// Which of a source's packets were not forwarded, so that the rest closes up.
#[derive(Debug, Default)]
struct Skipped {
    recent: VecDeque<u64>,
    /// How many are no longer in `recent`.
    older: u64,
}

impl Skipped {
    fn add(&mut self, index: u64) {
        let at = self.recent.partition_point(|have| *have < index);
        if self.recent.get(at) == Some(&index) {
            return;
        }
        self.recent.insert(at, index);
        if self.recent.len() > SKIPPED_MAX {
            self.recent.pop_front();
            self.older += 1;
        }
    }

    fn before(&self, index: u64) -> u64 {
        self.older + self.recent.partition_point(|have| *have < index) as u64
    }
}

fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_micros() * u128::from(OPUS_CLOCK_HZ) / 1_000_000).unwrap_or(u64::MAX)
}

/// One slot.
pub const FRAME: Duration = Duration::from_millis(FRAME_MS);
/// A leg that hears another is filled for after this long without a packet.
pub const FILL_AFTER: Duration = Duration::from_millis(500);
/// How late the loop may be before slots are left out.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Indexes we remember, to seal none twice.
const WINDOW: u64 = 128;
/// A source that jumps further than this has new numbers: 10 s.
const JUMP_TICKS: u64 = 10 * OPUS_CLOCK_HZ as u64;
/// See [`JUMP_TICKS`].
const JUMP_PACKETS: u64 = 3_000;
/// A source that returns this far behind did not count the pause, or its way has become longer: it is spliced in anew.
/// 60 ms.
const STOOD_STILL_TICKS: u64 = 3 * FRAME_TICKS as u64;
const SKIPPED_MAX: usize = 64;
