//! Holds one voice's packets until their turn, for a mix: in order, at the voice's own pace, never longer than it must.

use std::time::{Duration, Instant};

use audio::toc;
use protocol::limits::{FRAME_TICKS, OPUS_CLOCK_HZ};

use super::lane::Least;
use crate::leg::sender::SourceId;

/// One voice's packets. A packet is due a fixed time, the *wait*, after the earliest at which the network could have
/// brought it: the least transit of the last 10 s. The wait follows what the network does, by whole frames, between
/// [`WAIT_FRAMES_MIN`] and [`WAIT_FRAMES_MAX`]; the voice is moved by leaving a frame out or adding one, while it is
/// quiet if that can be waited for.
#[derive(Debug)]
pub struct Jitter {
    born: Instant,
    source: Option<SourceId>,
    /// By timestamp. Buffers come from `spare` and go back there.
    held: Vec<Held>,
    spare: Vec<Vec<u8>>,
    least: Least,
    late: Lateness,
    /// What is played next, in the voice's own ticks; `None` before its first packet.
    cursor: Option<u64>,
    playing: bool,
    /// A key is pressed: no voice is missing.
    keyed: bool,
    /// Packets in a row that came after their turn.
    missed_in_row: u8,
    heard_at: Instant,
    /// The packet that was handed out last.
    given: Vec<u8>,
}

/// A packet that waits for its turn.
#[derive(Debug)]
pub struct Held {
    /// Its unwrapped sequence number.
    pub index: u64,
    /// Its unwrapped RTP timestamp.
    pub ticks: u64,
    /// Its payload.
    pub payload: Vec<u8>,
    length: u64,
    after_key: bool,
}

/// What a voice says next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// This packet.
    Packet(&'a [u8]),
    /// A frame that did not come; the packet after it did, and may carry a copy (in-band FEC).
    Copy(&'a [u8]),
    /// A frame that did not come.
    Lost,
    /// Nothing: it has not begun, has ended, or a key is pressed.
    Nothing,
}

impl Jitter {
    /// An empty one.
    pub fn new(now: Instant) -> Self {
        Self {
            born: now,
            source: None,
            held: Vec::with_capacity(HELD_MAX),
            spare: Vec::with_capacity(HELD_MAX),
            least: Least::new(0, 0),
            late: Lateness::default(),
            cursor: None,
            playing: false,
            keyed: false,
            missed_in_row: 0,
            heard_at: now,
            given: Vec::new(),
        }
    }

    /// Takes a voice packet.
    pub fn hear(&mut self, now: Instant, id: SourceId, index: u64, ticks: u64, payload: &[u8]) {
        let Some(length) = toc::packet_samples(payload).map(|samples| samples as u64).filter(|len| *len > 0) else {
            return;
        };
        let (at_us, transit_us) = self.transit(now, ticks);
        if self.source != Some(id)
            || (transit_us - self.least.value()).abs() > JUMP_US
            || self.missed_in_row >= MISSED_MAX
        {
            self.begin(id, at_us, transit_us);
        }
        self.least.take(at_us, transit_us);
        self.late.take(transit_us - self.least.value());
        self.heard_at = now;
        let cursor = self.cursor.get_or_insert(ticks);
        if !self.playing {
            *cursor = (*cursor).min(ticks);
        } else if ticks + length <= *cursor {
            self.missed_in_row += 1;
            return;
        }
        self.missed_in_row = 0;
        let after_key = std::mem::take(&mut self.keyed);
        self.hold(Held { index, ticks, payload: Vec::new(), length, after_key }, payload);
    }

    /// A packet of a key press came: the voice rests.
    pub fn key(&mut self, now: Instant) {
        self.keyed = true;
        self.heard_at = now;
    }

    /// What is due at `now`, and how many ticks it fills. Ask until a frame is full. `quiet` says that the voice was
    /// silent just before: a good moment to move it.
    pub fn next(&mut self, now: Instant, quiet: bool) -> (Next<'_>, u64) {
        let frame = u64::from(FRAME_TICKS);
        let Some(mut cursor) = self.cursor else { return (Next::Nothing, frame) };
        let ahead = self.ahead_ticks(now, cursor);
        if !self.playing {
            if ahead < 0 {
                return (Next::Nothing, frame);
            }
            self.playing = true;
        }
        if self.held.is_empty() && now.saturating_duration_since(self.heard_at) > GONE_AFTER {
            (self.cursor, self.playing) = (None, false);
            return (Next::Nothing, frame);
        }
        let waits = if quiet || self.held.is_empty() { SLACK_TICKS } else { SLACK_TICKS + frame as i64 };
        if ahead < -waits {
            return (if quiet { Next::Nothing } else { Next::Lost }, frame);
        }
        let hurries = if quiet { frame as i64 + SLACK_TICKS } else { 2 * frame as i64 + SLACK_TICKS };
        if ahead > hurries {
            cursor += frame;
        }
        self.drop_before(cursor);
        self.give(cursor)
    }

    /// What still waits for its turn, oldest first, and of which source.
    pub fn waiting(&self) -> (Option<SourceId>, &[Held]) {
        (self.source, &self.held)
    }

    fn give(&mut self, cursor: u64) -> (Next<'_>, u64) {
        let frame = u64::from(FRAME_TICKS);
        if self.held.first().is_some_and(|first| first.ticks <= cursor) {
            let held = self.held.remove(0);
            self.cursor = Some(held.ticks + held.length);
            let used = std::mem::replace(&mut self.given, held.payload);
            self.spare.push(used);
            return (Next::Packet(&self.given), held.length);
        }
        let Some(first) = self.held.first() else {
            self.cursor = Some(cursor + frame);
            return (if self.keyed { Next::Nothing } else { Next::Lost }, frame);
        };
        let gap = (first.ticks - cursor).min(frame);
        self.cursor = Some(cursor + gap);
        let next = match (first.after_key, first.ticks - cursor == frame && first.length == frame) {
            (true, _) => Next::Nothing,
            (false, true) => Next::Copy(&first.payload),
            (false, false) => Next::Lost,
        };
        (next, gap)
    }

    /// By how much the voice is behind its time at `cursor`: below zero, the packet there is not yet due.
    fn ahead_ticks(&self, now: Instant, cursor: u64) -> i64 {
        let (_, transit_us) = self.transit(now, cursor);
        let wait_us = i64::from(self.late.frames()) * FRAME_US;
        us_ticks(transit_us - self.least.value() - wait_us)
    }

    fn transit(&self, now: Instant, ticks: u64) -> (i64, i64) {
        let at_us = i64::try_from(now.saturating_duration_since(self.born).as_micros()).unwrap_or(i64::MAX / 4);
        (at_us, at_us - ticks_us(ticks))
    }

    fn begin(&mut self, id: SourceId, at_us: i64, transit_us: i64) {
        self.source = Some(id);
        self.least = Least::new(at_us, transit_us);
        self.late = Lateness::default();
        (self.cursor, self.playing, self.missed_in_row) = (None, false, 0);
        self.drop_before(u64::MAX);
    }

    fn hold(&mut self, mut new: Held, payload: &[u8]) {
        let at = self.held.partition_point(|held| held.ticks < new.ticks);
        if self.held.get(at).is_some_and(|held| held.ticks == new.ticks) {
            return;
        }
        new.payload = self.spare.pop().unwrap_or_default();
        new.payload.clear();
        new.payload.extend_from_slice(payload);
        self.held.insert(at, new);
        if self.held.len() == HELD_MAX {
            let oldest = self.held.remove(0);
            self.spare.push(oldest.payload);
        }
    }

    fn drop_before(&mut self, cursor: u64) {
        while self.held.first().is_some_and(|held| held.ticks + held.length <= cursor) {
            let old = self.held.remove(0);
            self.spare.push(old.payload);
        }
    }
}

/// How late packets come, as shares that are slowly forgotten: by whole frames after the earliest.
#[derive(Debug, Default)]
struct Lateness {
    shares: [f32; BUCKETS],
}

impl Lateness {
    fn take(&mut self, late_us: i64) {
        let bucket = usize::try_from(late_us / FRAME_US).unwrap_or(0).min(BUCKETS - 1);
        for (at, share) in self.shares.iter_mut().enumerate() {
            *share = *share * FORGET + if at == bucket { 1.0 - FORGET } else { 0.0 };
        }
    }

    /// The wait that is enough for all but [`TOO_LATE_SHARE`] of them.
    fn frames(&self) -> u32 {
        let mut beyond: f32 = self.shares.iter().sum();
        for (bucket, share) in self.shares.iter().enumerate() {
            beyond -= share;
            if beyond <= TOO_LATE_SHARE {
                let frames = u32::try_from(bucket).unwrap_or(0) + 2;
                return frames.clamp(WAIT_FRAMES_MIN, WAIT_FRAMES_MAX);
            }
        }
        WAIT_FRAMES_MAX
    }
}

fn ticks_us(ticks: u64) -> i64 {
    i64::try_from(u128::from(ticks) * 1_000_000 / u128::from(OPUS_CLOCK_HZ)).unwrap_or(i64::MAX / 4)
}

fn us_ticks(us: i64) -> i64 {
    us * i64::from(OPUS_CLOCK_HZ) / 1_000_000
}

const FRAME_US: i64 = 20_000;
/// The wait on a steady network: 40 ms.
pub const WAIT_FRAMES_MIN: u32 = 2;
/// The wait on any network: 120 ms. What comes later is lost.
pub const WAIT_FRAMES_MAX: u32 = 6;
/// A voice may be this far from its time before it is moved: half a frame.
const SLACK_TICKS: i64 = FRAME_TICKS as i64 / 2;
/// Packets held: 640 ms of 20 ms packets, more than is ever waited for.
const HELD_MAX: usize = 32;
/// A transit this far from the least is another clock: 1 s.
const JUMP_US: i64 = 1_000_000;
/// So many packets after their turn, one behind the other: the way has become longer for good.
const MISSED_MAX: u8 = 10;
/// A voice without a packet for this long begins anew.
const GONE_AFTER: Duration = Duration::from_millis(500);
const BUCKETS: usize = 8;
/// The memory of lateness is 100 packets, 2 s.
const FORGET: f32 = 0.99;
const TOO_LATE_SHARE: f32 = 0.03;

const _: () = assert!(WAIT_FRAMES_MAX as usize <= BUCKETS + 1);

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    const VOICE: SourceId = SourceId { leg: 1, ssrc: 2 };

    /// Feeds packets by arrival (ms, number) and asks every 20 ms from `phase_ms` on. Gives when each number was played.
    fn play(arrivals: &[(u64, u64)], until_ms: u64, phase_ms: u64) -> Vec<(u64, Option<u64>)> {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        let begin = Instant::now();
        let mut jitter = Jitter::new(begin);
        let (mut at, mut played) = (0, Vec::new());
        for ask_ms in (phase_ms..until_ms).step_by(20) {
            while at < arrivals.len() && arrivals[at].0 <= ask_ms {
                let (ms, n) = arrivals[at];
                let payload = [&[0x48][..], &n.to_be_bytes(), &[1; 20]].concat();
                jitter.hear(begin + Duration::from_millis(ms), VOICE, n, 7_000 + n * 960, &payload);
                at += 1;
            }
            let said = match jitter.next(begin + Duration::from_millis(ask_ms), false) {
                (Next::Packet(packet), ticks) => {
                    assert_eq!(ticks, 960);
                    Some(u64::from_be_bytes(*packet[1..].first_chunk().unwrap()))
                }
                _ => None,
            };
            played.push((ask_ms, said));
        }
        played
    }

    #[test]
    fn on_a_steady_network_a_packet_waits_40_to_60_ms_and_none_is_missing() {
        for phase in 0..20 {
            let arrivals: Vec<(u64, u64)> = (0..500).map(|n| (n * 20 + 7, n)).collect();
            let played = play(&arrivals, 10_000, phase);
            let said: Vec<(u64, u64)> = played.iter().filter_map(|(at, n)| n.map(|n| (*at, n))).collect();
            assert!(said.windows(2).all(|two| two[1].1 == two[0].1 + 1), "phase {phase}");
            let waits: Vec<u64> = said.iter().map(|(at, n)| at - (n * 20 + 7)).collect();
            assert!(waits.iter().all(|wait| (40..=60).contains(wait)), "phase {phase}: {:?}", waits.iter().max());
        }
    }

    #[test]
    fn jitter_of_60_ms_is_bridged_and_the_wait_stays_bounded() {
        for seed in 0..20 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut arrivals: Vec<(u64, u64)> = (0..3_000).map(|n| (n * 20 + rng.random_range(0..60), n)).collect();
            arrivals.sort_unstable();
            let played = play(&arrivals, 60_000, 3);
            let said: Vec<(u64, u64)> = played.iter().filter_map(|(at, n)| n.map(|n| (*at, n))).collect();
            let worst = said.iter().map(|(at, n)| at.saturating_sub(n * 20)).max().unwrap();
            assert!(worst <= 150, "seed {seed}: {worst} ms");
            assert!(said.windows(2).all(|two| two[1].1 > two[0].1));
            assert!(said.len() >= 2_940, "seed {seed}: {} of 3000", said.len());
        }
    }

    #[test]
    fn an_hour_of_a_crystal_100_ppm_off_costs_a_frame_now_and_then_and_no_delay() {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        let begin = Instant::now();
        for ppm in [-100i64, 100] {
            let mut jitter = Jitter::new(begin);
            let (mut next, mut missing, mut worst) = (0u64, 0, 0);
            let arrives_us = |n: u64| (n as i64 * 20_000 * (1_000_000 + ppm) / 1_000_000) as u64;
            for ask in 0..180_000u64 {
                let now_us = ask * 20_000 + 11_000;
                while arrives_us(next) <= now_us {
                    let payload = [&[0x48][..], &next.to_be_bytes(), &[1; 20]].concat();
                    let at = begin + Duration::from_micros(arrives_us(next));
                    jitter.hear(at, VOICE, next, 7_000 + next * 960, &payload);
                    next += 1;
                }
                match jitter.next(begin + Duration::from_micros(now_us), true) {
                    (Next::Packet(packet), _) => {
                        let n = u64::from_be_bytes(*packet[1..].first_chunk().unwrap());
                        worst = worst.max(now_us - arrives_us(n));
                    }
                    _ => missing += 1,
                }
            }
            // An hour at 100 ppm is 18 frames.
            assert!(missing <= 18 + 4, "{missing} frames missing at {ppm} ppm");
            assert!(worst <= 90_000, "{worst} us at {ppm} ppm");
        }
    }

    #[test]
    fn a_way_that_becomes_300_ms_longer_costs_half_a_second() {
        let arrivals: Vec<(u64, u64)> = (0..500).map(|n| (if n < 250 { n * 20 } else { n * 20 + 300 }, n)).collect();
        let played = play(&arrivals, 10_300, 3);
        let back = played.iter().find(|(at, n)| *at > 5_300 && n.is_some()).unwrap().0;
        assert!(back <= 5_900, "{back}");
        let late = played.iter().filter_map(|(at, n)| n.map(|n| at - n * 20)).max().unwrap();
        assert!(late <= 300 + 150, "{late}");
    }

    #[test]
    fn a_lost_packet_is_asked_of_the_next_and_a_key_press_is_silence() {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        let begin = Instant::now();
        let mut jitter = Jitter::new(begin);
        let at = |n: u64| begin + Duration::from_millis(n * 20);
        let mut said = Vec::new();
        for n in 0..24u64 {
            match n {
                4 => {}
                8..12 => jitter.key(at(n)),
                _ => jitter.hear(at(n), VOICE, n, n * 960, &[&[0x48, n as u8][..], &[1; 20]].concat()),
            }
            said.push(match jitter.next(at(n) + Duration::from_millis(1), false).0 {
                Next::Packet(packet) => char::from(b'a' + packet[1]),
                Next::Copy(packet) => char::from(b'A' + packet[1]),
                Next::Lost => '-',
                Next::Nothing => ' ',
            });
        }
        let said: String = said.into_iter().collect();
        assert_eq!(said.trim_start(), "abcdFfgh    mnopqrstuv");
    }
}
