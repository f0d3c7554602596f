//! Key presses as RFC 4733 telephone-events: a pure machine, one packet each 20 ms.

use std::collections::VecDeque;

/// The keys waiting to be sent, and the one that sounds.
#[derive(Debug, Default)]
pub struct Keys {
    waiting: VecDeque<u8>,
    state: State,
}

/// One telephone-event packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPacket {
    /// Event, E bit and volume, duration in 8 kHz units.
    pub payload: [u8; 4],
    /// Set on the first packet of an event.
    pub marker: bool,
    /// Whether this packet begins an event: the sender keeps its RTP timestamp for the rest of it.
    pub begins: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// `sent` packets of the event are out.
    Sounding { event: u8, sent: u16 },
    /// `left` repetitions of the end packet are due.
    Ending { event: u8, left: u8 },
    /// Slots of silence before the next key.
    Pause { left: u8 },
}

impl Keys {
    /// Queues keys; what is none is left out, and so is what does not fit.
    pub fn press(&mut self, digits: &str) {
        let room = KEYS_MAX.saturating_sub(self.waiting.len());
        self.waiting.extend(digits.chars().filter_map(event_of).take(room));
    }

    /// Whether there is anything to send or to wait for.
    pub fn busy(&self) -> bool {
        self.state != State::Idle || !self.waiting.is_empty()
    }

    /// Whether the next slot belongs to a key and not to the voice.
    pub fn takes_slot(&self) -> bool {
        match self.state {
            State::Sounding { .. } | State::Ending { .. } => true,
            State::Idle => !self.waiting.is_empty(),
            State::Pause { .. } => false,
        }
    }

    /// The next 20 ms slot: a packet, or nothing (a pause, or no key).
    pub fn slot(&mut self) -> Option<KeyPacket> {
        match self.state {
            State::Idle => {
                let event = self.waiting.pop_front()?;
                self.state = State::Sounding { event, sent: 1 };
                Some(KeyPacket { payload: payload(event, false, SLOT_UNITS), marker: true, begins: true })
            }
            State::Sounding { event, sent } if sent < SOUNDING_SLOTS => {
                self.state = State::Sounding { event, sent: sent + 1 };
                Some(KeyPacket {
                    payload: payload(event, false, (sent + 1) * SLOT_UNITS),
                    marker: false,
                    begins: false,
                })
            }
            State::Sounding { event, .. } => {
                self.state = State::Ending { event, left: END_PACKETS - 1 };
                Some(end_packet(event))
            }
            State::Ending { event, left } if left > 0 => {
                self.state = State::Ending { event, left: left - 1 };
                Some(end_packet(event))
            }
            State::Ending { .. } => {
                self.state = State::Pause { left: PAUSE_SLOTS };
                None
            }
            State::Pause { left } if left > 0 => {
                self.state = State::Pause { left: left - 1 };
                None
            }
            State::Pause { .. } => {
                self.state = State::Idle;
                self.slot()
            }
        }
    }
}

// RFC 4733 §2.5.1.4: the last packet is sent three times, with the same timestamp and duration.
fn end_packet(event: u8) -> KeyPacket {
    KeyPacket { payload: payload(event, true, SOUNDING_SLOTS * SLOT_UNITS), marker: false, begins: false }
}

fn payload(event: u8, end: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [event, if end { 0x80 | VOLUME } else { VOLUME }, high, low]
}

fn event_of(key: char) -> Option<u8> {
    Some(match key {
        '0'..='9' => key as u8 - b'0',
        '*' => 10,
        '#' => 11,
        'A'..='D' => key as u8 - b'A' + 12,
        _ => return None,
    })
}

/// 20 ms in units of 1/8000 s.
const SLOT_UNITS: u16 = 160;
/// A key sounds 160 ms.
const SOUNDING_SLOTS: u16 = 8;
const END_PACKETS: u8 = 3;
const PAUSE_SLOTS: u8 = 4;
/// -10 dBm0.
const VOLUME: u8 = 10;
const KEYS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_eight_packets_and_three_ends_of_one_duration() {
        let mut keys = Keys::default();
        keys.press("5#");
        let mut packets = Vec::new();
        while keys.busy() {
            packets.extend(keys.slot());
        }
        assert_eq!(packets.len(), 22);
        let (five, hash) = packets.split_at(11);
        assert!(five[0].begins && five[0].marker && five[1..].iter().all(|p| !p.begins && !p.marker));
        let durations: Vec<u16> = five.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280, 1280]);
        let ends: Vec<bool> = five.iter().map(|p| p.payload[1] & 0x80 != 0).collect();
        assert_eq!(ends, [false, false, false, false, false, false, false, false, true, true, true]);
        assert!(hash.iter().all(|p| p.payload[0] == 11) && hash[0].begins);
    }
}
