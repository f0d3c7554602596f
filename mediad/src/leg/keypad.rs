//! Key presses inside RTP (RFC 4733): each press heard once, whatever the network did to its packets; and sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use protocol::Digit;
use protocol::limits::OPUS_CLOCK_HZ;

use crate::wire::telephone_event::TelephoneEvent;

/// Hears key presses. A press is named by its RTP timestamp: every packet of it carries the same one, so any single
/// packet is enough and all others are repeats (RFC 4733 §2.5.1).
#[derive(Debug, Default)]
pub struct Keypad {
    /// The presses heard last, newest timestamp last.
    heard: VecDeque<Press>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    ticks: u64,
    code: u8,
    duration_ticks: u16,
    ended: bool,
}

impl Keypad {
    /// Takes the payload of a telephone-event packet. `ticks` is its unwrapped RTP timestamp, `clock_hz` the event
    /// payload type's own clock. Gives the key if this packet is the first heard of its press.
    pub fn take(&mut self, ticks: u64, clock_hz: u32, payload: &[u8]) -> Option<Digit> {
        let event = TelephoneEvent::parse(payload)?;
        let digit = Digit::from_event(event.code)?;
        if let Some(press) = self.heard.iter_mut().rev().find(|press| press.ticks == ticks) {
            press.duration_ticks = press.duration_ticks.max(event.duration_ticks);
            press.ended |= event.end;
            return None;
        }
        let new = Press { ticks, code: event.code, duration_ticks: event.duration_ticks, ended: event.end };
        let Some(newest) = self.heard.back().copied() else {
            self.remember(new);
            return Some(digit);
        };
        if ticks < newest.ticks {
            return self.take_older(new, newest, digit);
        }
        self.remember(new);
        (!continues(newest, new, clock_hz)).then_some(digit)
    }

    /// A press older than the newest: one whose other packets were all lost, or a stray from long ago.
    fn take_older(&mut self, new: Press, newest: Press, digit: Digit) -> Option<Digit> {
        let oldest = self.heard.front().map_or(0, |press| press.ticks);
        if newest.ticks - new.ticks > LATE_TICKS || (self.heard.len() == HEARD_MAX && new.ticks < oldest) {
            return None;
        }
        let at = self.heard.partition_point(|press| press.ticks < new.ticks);
        self.heard.insert(at, new);
        self.trim();
        Some(digit)
    }

    fn remember(&mut self, press: Press) {
        self.heard.push_back(press);
        self.trim();
    }

    fn trim(&mut self) {
        while self.heard.len() > HEARD_MAX {
            self.heard.pop_front();
        }
    }
}

/// A key held longer than the duration field can say goes on in a new segment (RFC 4733 §2.5.1.3): no new press.
fn continues(before: Press, new: Press, clock_hz: u32) -> bool {
    let ratio = u64::from(OPUS_CLOCK_HZ.checked_div(clock_hz).unwrap_or(1).max(1));
    let segment = u64::from(before.duration_ticks) * ratio;
    before.code == new.code
        && !before.ended
        && before.duration_ticks >= SEGMENT_TICKS_MIN
        && (new.ticks - before.ticks).abs_diff(segment) <= u64::from(u16::MAX - SEGMENT_TICKS_MIN) * ratio
}

/// Presses keys at the far end, one after the other.
#[derive(Debug, Default)]
pub struct Presser {
    waiting: VecDeque<(Digit, u16)>,
    pressed: Option<Pressed>,
    /// No key begins before this: the pause that parts two presses.
    free_at: Option<Instant>,
}

#[derive(Debug)]
struct Pressed {
    digit: Digit,
    tone: Duration,
    began: Instant,
    next: Instant,
    ends_sent: u8,
}

/// One packet of a press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPacket {
    /// When its press began: all its packets carry the timestamp of that moment.
    pub began: Instant,
    /// Its first packet: marker bit, new timestamp.
    pub first: bool,
    /// Its payload.
    pub payload: [u8; 4],
}

impl Presser {
    /// Adds keys, each to be held for `tone_ms`. False, and nothing added, if too many are waiting.
    pub fn press(&mut self, digits: &[Digit], tone_ms: u16) -> bool {
        if self.waiting.len() + digits.len() > WAITING_MAX {
            return false;
        }
        self.waiting.extend(digits.iter().map(|digit| (*digit, tone_ms)));
        true
    }

    /// Whether a key is held now: other sound waits.
    pub fn busy(&self) -> bool {
        self.pressed.is_some()
    }

    /// When the next packet is due.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        match &self.pressed {
            Some(pressed) => Some(pressed.next),
            None => self.waiting.front().map(|_| self.free_at.unwrap_or(now)),
        }
    }

    /// The next packet, if one is due. `clock_hz` is the clock of the peer's telephone-event payload type.
    pub fn give(&mut self, now: Instant, clock_hz: u32) -> Option<KeyPacket> {
        let first = self.pressed.is_none();
        if first {
            if self.free_at.is_some_and(|at| at > now) {
                return None;
            }
            let (digit, tone_ms) = self.waiting.pop_front()?;
            let tone = Duration::from_millis(u64::from(tone_ms));
            self.pressed = Some(Pressed { digit, tone, began: now, next: now, ends_sent: 0 });
        }
        let pressed = self.pressed.as_mut()?;
        if pressed.next > now {
            return None;
        }
        // The first packet says what will have passed when the second is sent (RFC 4733 §2.5.1.2).
        let so_far = pressed.next.duration_since(pressed.began) + PACKET_EVERY;
        let end = so_far >= pressed.tone;
        let held = so_far.min(pressed.tone);
        let ticks = held.as_micros() * u128::from(clock_hz) / 1_000_000;
        let event = TelephoneEvent {
            code: pressed.digit.event(),
            end,
            volume_db: VOLUME_DB,
            duration_ticks: u16::try_from(ticks).unwrap_or(u16::MAX),
        };
        let packet = KeyPacket { began: pressed.began, first, payload: event.write() };
        pressed.next += PACKET_EVERY;
        pressed.ends_sent += u8::from(end);
        if pressed.ends_sent == ENDS {
            self.free_at = Some(pressed.next + PAUSE);
            self.pressed = None;
        }
        Some(packet)
    }
}

/// Presses remembered: at 80 ms a press more than the 4 s a stray may be late.
const HEARD_MAX: usize = 64;
/// How late a press may come after a newer one: 4 s.
const LATE_TICKS: u64 = 4 * OPUS_CLOCK_HZ as u64;
/// A segment shorter than this has not run out of duration.
const SEGMENT_TICKS_MIN: u16 = 0xf000;
const PACKET_EVERY: Duration = Duration::from_millis(20);
/// The last packet is sent three times (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;
/// Silence between two keys; Q.24 asks for 40 ms at least, and the repeats of the end take 40 already.
const PAUSE: Duration = Duration::from_millis(60);
const VOLUME_DB: u8 = 10;
/// Keys waiting at once.
const WAITING_MAX: usize = 2 * protocol::limits::DIGITS_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u8, end: bool, duration_ticks: u16) -> [u8; 4] {
        TelephoneEvent { code, end, volume_db: 10, duration_ticks }.write()
    }

    fn heard(keypad: &mut Keypad, ticks: u64, code: u8, end: bool) -> Option<char> {
        keypad.take(ticks, 8000, &packet(code, end, 160)).map(Digit::as_char)
    }

    #[test]
    fn any_single_packet_of_a_press_is_enough_and_repeats_are_silent() {
        for end in [false, true] {
            let mut keypad = Keypad::default();
            assert_eq!(heard(&mut keypad, 48_000, 5, end), Some('5'));
            assert_eq!(heard(&mut keypad, 48_000, 5, false), None);
            assert_eq!(heard(&mut keypad, 48_000, 5, true), None);
            assert_eq!(heard(&mut keypad, 60_000, 5, true), Some('5'));
            assert_eq!(heard(&mut keypad, 48_000, 5, true), None, "a late repeat of the first press");
        }
    }

    #[test]
    fn a_press_that_comes_after_its_successor_still_counts_once() {
        let mut keypad = Keypad::default();
        assert_eq!(heard(&mut keypad, 10_000, 1, true), Some('1'));
        assert_eq!(heard(&mut keypad, 30_000, 3, false), Some('3'));
        assert_eq!(heard(&mut keypad, 20_000, 2, true), Some('2'));
        assert_eq!(heard(&mut keypad, 20_000, 2, true), None);
        assert_eq!(heard(&mut keypad, 30_000 + LATE_TICKS + 20_001, 4, true), Some('4'));
        assert_eq!(heard(&mut keypad, 15_000, 9, true), None, "from another age");
    }

    #[test]
    fn a_key_held_for_twenty_seconds_is_one_press() {
        for (clock_hz, ratio) in [(8_000, 6), (48_000, 1)] {
            let mut keypad = Keypad::default();
            let mut digits = 0;
            for segment in 0..3u64 {
                let ticks = 7_000 + segment * 0xffff * ratio;
                for step in 1..=10u16 {
                    let duration = step * 6553;
                    digits += usize::from(keypad.take(ticks, clock_hz, &packet(1, false, duration)).is_some());
                }
            }
            assert_eq!(digits, 1, "{clock_hz}");
        }
    }

    #[test]
    fn events_that_are_no_keys_are_no_digits() {
        let mut keypad = Keypad::default();
        assert_eq!(heard(&mut keypad, 1, 16, true), None);
        assert_eq!(keypad.take(2, 8000, &[1, 2]), None);
    }

    #[test]
    fn a_pressed_key_lasts_as_long_as_asked_and_ends_three_times() {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        let start = Instant::now();
        for (tone_ms, clock_hz) in [(100u16, 8_000u32), (40, 48_000), (6_000, 8_000)] {
            let mut presser = Presser::default();
            let keys: Vec<Digit> = "1#".chars().map(|key| Digit::try_from(key).unwrap()).collect();
            assert!(presser.press(&keys, tone_ms));
            let (mut now, mut packets) = (start, Vec::new());
            while let Some(due) = presser.due(now) {
                now = due;
                packets.push(presser.give(now, clock_hz).unwrap());
            }
            for key in keys {
                let its: Vec<TelephoneEvent> = packets
                    .iter()
                    .map(|packet| TelephoneEvent::parse(&packet.payload).unwrap())
                    .filter(|event| event.code == key.event())
                    .collect();
                let ends: Vec<_> = its.iter().filter(|event| event.end).collect();
                assert_eq!(ends.len(), 3);
                assert!(ends.iter().all(|end| u32::from(end.duration_ticks) == u32::from(tone_ms) * clock_hz / 1000));
            }
            assert_eq!(packets.iter().filter(|packet| packet.first).count(), 2);
            let mut keypad = Keypad::default();
            let heard: String = packets
                .iter()
                .filter_map(|p| {
                    keypad.take(p.began.duration_since(start).as_millis() as u64 * 48, clock_hz, &p.payload)
                })
                .map(Digit::as_char)
                .collect();
            assert_eq!(heard, "1#");
        }
    }
}
