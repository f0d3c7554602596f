//! A key press inside RTP: the four bytes of RFC 4733 §2.3.

use super::split;

/// One telephone-event payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code: 0–9 digits, 10 star, 11 pound, 12–15 A–D.
    pub code: u8,
    /// The key was released; such packets are sent three times.
    pub end: bool,
    /// Power below 0 dBm0, in dB, 0..=63.
    pub volume_db: u8,
    /// Duration so far in ticks of the payload's own clock.
    pub duration_ticks: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload; nothing if it is shorter than four bytes.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let ([code, flags, high, low], _) = split::<4>(payload)?;
        Some(TelephoneEvent {
            code,
            end: flags & 0x80 != 0,
            volume_db: flags & 0x3f,
            duration_ticks: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload's bytes.
    pub fn write(&self) -> [u8; 4] {
        let [high, low] = self.duration_ticks.to_be_bytes();
        [self.code, (u8::from(self.end) << 7) | (self.volume_db & 0x3f), high, low]
    }

    /// The key, if the event is one of a keypad: `0`–`9`, `*`, `#`, `A`–`D`.
    pub fn key(&self) -> Option<char> {
        KEYS.chars().nth(usize::from(self.code))
    }

    /// The event code of a key.
    pub fn code_of(key: char) -> Option<u8> {
        KEYS.chars().position(|k| k == key.to_ascii_uppercase()).and_then(|at| u8::try_from(at).ok())
    }
}

/// Keys in the order of their event codes (RFC 4733 §3.2).
const KEYS: &str = "0123456789*#ABCD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_keeps_its_bytes() {
        let event = TelephoneEvent { code: 11, end: true, volume_db: 10, duration_ticks: 1920 };
        assert_eq!(event.write(), [11, 0x8a, 0x07, 0x80]);
        assert_eq!(TelephoneEvent::parse(&event.write()), Some(event));
        assert_eq!(event.key(), Some('#'));
        assert_eq!(TelephoneEvent::code_of('#'), Some(11));
        assert_eq!(TelephoneEvent::code_of('x'), None);
    }

    #[test]
    fn a_short_payload_is_no_event() {
        for len in 0..4 {
            assert_eq!(TelephoneEvent::parse(&[0; 4][..len]), None);
        }
        assert_eq!(TelephoneEvent { code: 16, end: false, volume_db: 0, duration_ticks: 0 }.key(), None);
    }
}
