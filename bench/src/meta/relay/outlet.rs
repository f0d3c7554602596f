//! One outgoing stream: sequence numbers and timestamps that never go back, whatever feeds it.

use std::sync::Arc;
use std::time::Instant;

use rand::RngExt as _;
use str0m::rtp::RtpPacket;

use super::keys::KeyPacket;
use super::peer::Write;

/// The numbers of one SSRC.
pub struct Outlet {
    seq: u64,
    /// The timestamp of the next slot.
    timestamp: u32,
    last: Option<Instant>,
    key_timestamp: u32,
    fed: Option<Fed>,
    silent: bool,
}

/// How a forwarded source's numbers map onto ours.
struct Fed {
    ssrc: u32,
    seq: u64,
    timestamp: u32,
    /// Added to the source's timestamps.
    offset: u32,
}

impl Outlet {
    /// Starts at random numbers, the sequence in the lower half so that its first wrap is far.
    pub fn new(rng: &mut impl rand::Rng) -> Outlet {
        Outlet {
            seq: rng.random_range(1..0x8000),
            timestamp: rng.random(),
            last: None,
            key_timestamp: 0,
            fed: None,
            silent: true,
        }
    }

    /// A frame of our own in the next slot.
    pub fn voice(&mut self, now: Instant, payload_type: u8, payload: Arc<[u8]>) -> Write {
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(SLOT_SAMPLES);
        let marker = std::mem::take(&mut self.silent);
        self.last = Some(now);
        Write { payload_type, seq: self.next(), timestamp, marker, payload }
    }

    /// A slot in which nothing is sent.
    pub fn skip(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(SLOT_SAMPLES);
        self.silent = true;
    }

    /// A key's packet: it shares SSRC, sequence numbers and timestamp base with the voice (RFC 4733 §2.1).
    pub fn key(&mut self, now: Instant, payload_type: u8, key: KeyPacket) -> Write {
        if key.begins {
            self.catch_up(now);
            self.key_timestamp = self.timestamp;
        }
        self.timestamp = self.timestamp.wrapping_add(SLOT_SAMPLES);
        self.last = Some(now);
        self.silent = true;
        Write {
            payload_type,
            seq: self.next(),
            timestamp: self.key_timestamp,
            marker: key.marker,
            payload: Arc::from(key.payload.as_slice()),
        }
    }

    /// A packet of another stream, its payload untouched. Gaps stay gaps; what comes late is dropped.
    pub fn forward(&mut self, now: Instant, payload_type: u8, packet: &RtpPacket) -> Option<Write> {
        let (ssrc, seq, timestamp) = (*packet.header.ssrc, *packet.seq_no, packet.header.timestamp);
        match &mut self.fed {
            Some(fed) if fed.ssrc == ssrc => {
                let ahead = seq.checked_sub(fed.seq).filter(|ahead| *ahead > 0)?;
                if ahead <= HOLE_MAX && !self.silent {
                    self.seq += ahead - 1;
                }
                (fed.seq, fed.timestamp) = (seq, timestamp);
            }
            _ => {
                self.catch_up(now);
                let offset = self.timestamp.wrapping_sub(timestamp);
                self.fed = Some(Fed { ssrc, seq, timestamp, offset });
            }
        }
        let offset = self.fed.as_ref().map_or(0, |fed| fed.offset);
        let mut mapped = timestamp.wrapping_add(offset);
        // After keys the source's clock may lie a little behind ours: never go back.
        if self.last.is_some() && (self.timestamp.wrapping_sub(mapped) as i32) > 0 {
            mapped = self.timestamp;
            if let Some(fed) = &mut self.fed {
                fed.offset = mapped.wrapping_sub(timestamp);
            }
        }
        self.timestamp = mapped.wrapping_add(SLOT_SAMPLES);
        self.last = Some(now);
        let marker = std::mem::take(&mut self.silent);
        Some(Write { payload_type, seq: self.next(), timestamp: mapped, marker, payload: Arc::clone(&packet.payload) })
    }

    /// A packet of another stream that is not forwarded: it leaves no hole.
    pub fn miss(&mut self, packet: &RtpPacket) {
        let (ssrc, seq) = (*packet.header.ssrc, *packet.seq_no);
        if let Some(fed) = self.fed.as_mut().filter(|fed| fed.ssrc == ssrc && fed.seq < seq) {
            fed.seq = seq;
        }
        self.silent = true;
    }

    /// Moves the timestamp on by the time in which nothing was sent.
    fn catch_up(&mut self, now: Instant) {
        let Some(last) = self.last else { return };
        let slots = u32::try_from(now.saturating_duration_since(last).as_millis() / 20).unwrap_or(u32::MAX);
        if slots > JITTER_SLOTS {
            self.timestamp = self.timestamp.wrapping_add(slots.wrapping_mul(SLOT_SAMPLES));
        }
    }

    fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}

const SLOT_SAMPLES: u32 = 960;
const HOLE_MAX: u64 = 50;
/// A source that pauses no longer than this has not stopped.
const JITTER_SLOTS: u32 = 10;
