//! One lane of a recording: which packet of a peer belongs into which 20 ms slot of our own clock (design D7).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use audio::toc;
use protocol::limits::{FRAME_MS, FRAME_TICKS, OPUS_CLOCK_HZ};

use crate::leg::sender::SourceId;

/// Sorts packets into slots. A packet's place is its RTP time, moved by the least (arrival − RTP time) of the last 10 s:
/// network delay only ever adds, so the least is the truest. Two crystals drift apart, and then the lane is moved by one
/// slot, in silence if there is any.
#[derive(Debug)]
pub struct Lane {
    start: Instant,
    /// The next slot that will be taken out.
    next: u64,
    ring: Vec<Entry>,
    source: Option<Source>,
    /// Slots that carry a voice, oldest first: from, and up to. What lies in none of them is silence by order.
    spoken: VecDeque<(u64, Option<u64>)>,
}

/// What a lane has for one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot<'a> {
    /// A packet.
    Sound(&'a [u8]),
    /// 10 ms packets: the first and the second half.
    Halves(Option<&'a [u8]>, Option<&'a [u8]>),
    /// Nothing came though the peer speaks.
    Lost,
    /// Hold, mute, not there yet.
    Silent,
}

#[derive(Debug, Default, Clone)]
struct Entry {
    slot: u64,
    kind: Kind,
    first: Vec<u8>,
    second: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Empty,
    Whole,
    Halves {
        first: bool,
        second: bool,
    },
}

#[derive(Debug)]
struct Source {
    id: SourceId,
    /// The RTP time the slots are counted from.
    origin: u64,
    /// The slot of `origin`.
    slot: i64,
    least: Least,
}

impl Lane {
    /// A lane whose slot 0 begins at `start`.
    pub fn new(start: Instant) -> Self {
        Self { start, next: 0, ring: vec![Entry::default(); RING], source: None, spoken: VecDeque::new() }
    }

    /// Takes a packet of the voice. `ticks` is its unwrapped RTP timestamp.
    pub fn hear(&mut self, now: Instant, id: SourceId, ticks: u64, payload: &[u8]) {
        let arrival_us = micros(now.saturating_duration_since(self.start));
        let transit_us = arrival_us - ticks_us(ticks);
        if self.source.as_ref().is_none_or(|source| source.id != id || source.jumped(transit_us)) {
            let slot = arrival_us.div_euclid(FRAME_US);
            self.source = Some(Source { id, origin: ticks, slot, least: Least::new(arrival_us, transit_us) });
        }
        let Some(source) = self.source.as_mut() else { return };
        source.least.take(arrival_us, transit_us);
        source.correct(ticks, payload.len() <= QUIET_BYTES);
        let from_origin = ticks as i64 - source.origin as i64;
        let slot = source.slot + from_origin.div_euclid(i64::from(FRAME_TICKS));
        let second = from_origin.rem_euclid(i64::from(FRAME_TICKS)) >= i64::from(FRAME_TICKS / 2);
        let Ok(slot) = u64::try_from(slot) else { return };
        if slot < self.next || slot >= self.next + RING as u64 {
            return;
        }
        self.put(slot, second, payload);
        if self.spoken.back().is_none_or(|(_, to)| to.is_some()) {
            let after = self.spoken.back().and_then(|(_, to)| *to).unwrap_or(0);
            self.spoken.push_back((slot.max(after), None));
        }
    }

    /// From now on the voice is not to be recorded, until it is heard again.
    pub fn hush(&mut self, now: Instant) {
        let slot = self.slot_at(now);
        if let Some((from, to @ None)) = self.spoken.back_mut() {
            *to = Some(slot.max(*from));
        }
        for entry in self.ring.iter_mut().filter(|entry| entry.slot >= slot) {
            entry.kind = Kind::Empty;
        }
    }

    /// The slot that contains `now`.
    pub fn slot_at(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX) / FRAME_MS
    }

    /// The next slot. Once taken, what belongs into it comes too late.
    pub fn take(&mut self) -> Slot<'_> {
        let slot = self.next;
        self.next += 1;
        while self.spoken.front().is_some_and(|(_, to)| to.is_some_and(|to| to <= slot)) {
            self.spoken.pop_front();
        }
        let spoken = self.spoken.iter().any(|(from, to)| *from <= slot && to.is_none_or(|to| slot < to));
        let entry = &mut self.ring[slot as usize % RING];
        if !spoken {
            entry.kind = Kind::Empty;
            return Slot::Silent;
        }
        let kind = std::mem::take(&mut entry.kind);
        if entry.slot != slot {
            return Slot::Lost;
        }
        match kind {
            Kind::Empty => Slot::Lost,
            Kind::Whole => Slot::Sound(&entry.first),
            Kind::Halves { first, second } => {
                Slot::Halves(first.then_some(&entry.first[..]), second.then_some(&entry.second[..]))
            }
        }
    }

    fn put(&mut self, slot: u64, second: bool, payload: &[u8]) {
        let entry = &mut self.ring[slot as usize % RING];
        if entry.slot != slot || entry.kind == Kind::Empty {
            entry.slot = slot;
            entry.kind = Kind::Empty;
        }
        let short = toc::packet_samples(payload).is_some_and(|samples| samples < FRAME_TICKS as usize);
        let (had_first, had_second) = match entry.kind {
            Kind::Empty => (false, false),
            Kind::Whole => return,
            Kind::Halves { first, second } => (first, second),
        };
        let into = if short && second { &mut entry.second } else { &mut entry.first };
        into.clear();
        into.extend_from_slice(payload);
        entry.kind = match short {
            true => Kind::Halves { first: had_first || !second, second: had_second || second },
            false => Kind::Whole,
        };
    }
}

impl Source {
    /// Its clock has been set anew, or it paused without counting.
    fn jumped(&self, transit_us: i64) -> bool {
        (transit_us - self.least.value()).abs() > JUMP_US
    }

    /// Moves the lane towards its true place by one slot, if it is off by more than one (more than two while someone
    /// speaks).
    fn correct(&mut self, ticks: u64, quiet: bool) {
        let true_us = ticks_us(ticks) + self.least.value();
        let slot_us = self.slot * FRAME_US + ticks_us(ticks) - ticks_us(self.origin);
        // A packet may lie anywhere in its slot: half a slot of play on either side before it is moved.
        let off = true_us - slot_us - FRAME_US / 2;
        let tolerance = if quiet { FRAME_US * 3 / 4 } else { FRAME_US * 3 / 2 };
        if off > tolerance {
            self.slot += 1;
        } else if off < -tolerance {
            self.slot -= 1;
        }
    }
}

/// The least value of the last 10 s, by the second.
#[derive(Debug)]
pub struct Least {
    seconds: VecDeque<(i64, i64)>,
}

impl Least {
    /// Begins with one value.
    pub fn new(at_us: i64, value: i64) -> Self {
        Self { seconds: VecDeque::from([(at_us / SECOND_US, value)]) }
    }

    /// Takes a value of the moment `at_us`.
    pub fn take(&mut self, at_us: i64, value: i64) {
        let second = at_us / SECOND_US;
        match self.seconds.back_mut() {
            Some((last, least)) if *last == second => *least = (*least).min(value),
            _ => self.seconds.push_back((second, value)),
        }
        while self.seconds.front().is_some_and(|(at, _)| second - at >= LEAST_OVER_SECS) && self.seconds.len() > 1 {
            self.seconds.pop_front();
        }
    }

    /// The least.
    pub fn value(&self) -> i64 {
        self.seconds.iter().map(|(_, least)| *least).min().unwrap_or(0)
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

fn ticks_us(ticks: u64) -> i64 {
    i64::try_from(u128::from(ticks) * 1_000_000 / u128::from(OPUS_CLOCK_HZ)).unwrap_or(i64::MAX / 4)
}

/// Slots in hand: 1.28 s, more than any packet is waited for.
const RING: usize = 64;
const FRAME_US: i64 = FRAME_MS as i64 * 1000;
const SECOND_US: i64 = 1_000_000;
/// The window of the least transit.
const LEAST_OVER_SECS: i64 = 10;
/// A transit this far from the least is another clock.
const JUMP_US: i64 = 1_000_000;
/// An Opus packet of at most this many bytes holds silence.
const QUIET_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: SourceId = SourceId { leg: 1, ssrc: 2 };

    fn start() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        Instant::now()
    }

    fn packet(n: u64) -> Vec<u8> {
        let mut packet = vec![0x48];
        packet.extend_from_slice(&n.to_be_bytes());
        packet.extend_from_slice(&[7; 20]);
        packet
    }

    fn number(slot: Slot<'_>) -> Option<u64> {
        match slot {
            Slot::Sound(packet) => Some(u64::from_be_bytes(packet[1..9].try_into().unwrap())),
            _ => None,
        }
    }

    #[test]
    fn a_late_start_is_silence_a_gap_is_loss_and_hold_is_silence() {
        let begin = start();
        let mut lane = Lane::new(begin);
        for n in (10..20).chain(23..30) {
            lane.hear(begin + Duration::from_millis(n * 20 + 3), VOICE, 5_000 + n * 960, &packet(n));
        }
        lane.hush(begin + Duration::from_millis(30 * 20 + 3));
        lane.hear(begin + Duration::from_millis(40 * 20 + 3), VOICE, 5_000 + 40 * 960, &packet(40));
        let slots: Vec<String> = (0..42)
            .map(|_| match lane.take() {
                Slot::Silent => ".".to_owned(),
                Slot::Lost => "x".to_owned(),
                _ => "v".to_owned(),
            })
            .collect();
        assert_eq!(slots.concat(), "..........vvvvvvvvvvxxxvvvvvvv..........vx");
    }

    #[test]
    fn jitter_and_reorder_do_not_move_a_packet_from_its_slot() {
        let begin = start();
        let mut lane = Lane::new(begin);
        let mut arrivals: Vec<(u64, u64)> = (0..200u64).map(|n| (n * 20 + 5 + (n * 7919) % 90, n)).collect();
        arrivals.sort_unstable();
        let (mut heard, mut taken) = (Vec::new(), 0);
        for (at_ms, n) in arrivals {
            while (taken + 8) * 20 < at_ms {
                heard.push(number(lane.take()));
                taken += 1;
            }
            lane.hear(begin + Duration::from_millis(at_ms), VOICE, 77 + n * 960, &packet(n));
        }
        let got: Vec<u64> = heard.iter().flatten().copied().collect();
        assert!(got.len() >= heard.len() - 4, "{} of {}", got.len(), heard.len());
        assert!(got.windows(2).all(|pair| pair[0] < pair[1]));
        let drift = heard.iter().enumerate().filter_map(|(slot, n)| n.map(|n| slot as i64 - n as i64));
        assert!(drift.clone().max().unwrap() - drift.min().unwrap() <= 4);
    }

    #[test]
    fn a_crystal_100_ppm_off_stays_within_two_frames_over_an_hour() {
        for ppm in [-100i64, 100] {
            let begin = start();
            let mut lane = Lane::new(begin);
            let (mut worst, mut lost) = (0i64, 0);
            for n in 0..180_000u64 {
                let at_us = (n as i64 * 20_000 * (1_000_000 + ppm) / 1_000_000) as u64 + 4_000;
                let now = begin + Duration::from_micros(at_us);
                lane.hear(now, VOICE, 9 + n * 960, &packet(n));
                while lane.next + 8 < at_us / 20_000 {
                    let slot = lane.next;
                    match lane.take() {
                        Slot::Sound(found) => {
                            let n = u64::from_be_bytes(found[1..9].try_into().unwrap());
                            let said_us = (n as i64) * 20_000 * (1_000_000 + ppm) / 1_000_000;
                            worst = worst.max((slot as i64 * 20_000 - said_us).abs());
                        }
                        _ => lost += 1,
                    }
                }
            }
            assert!(worst <= 40_000, "{worst} us at {ppm} ppm");
            assert!(lost <= 20 + 1, "{lost} slots without sound at {ppm} ppm");
        }
    }

    #[test]
    fn two_packets_of_10_ms_share_a_slot() {
        let begin = start();
        let mut lane = Lane::new(begin);
        for n in 0..4u64 {
            lane.hear(begin + Duration::from_millis(n * 10), VOICE, n * 480, &[0x40, n as u8]);
        }
        assert_eq!(lane.take(), Slot::Halves(Some(&[0x40, 0]), Some(&[0x40, 1])));
        assert_eq!(lane.take(), Slot::Halves(Some(&[0x40, 2]), Some(&[0x40, 3])));
    }
}
