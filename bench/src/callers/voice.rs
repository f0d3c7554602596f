//! The two halves of a talking leg: a mouth that seals its packets, an ear that follows what comes.

use std::net::SocketAddrV4;

use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::sound::Ring;
use super::srtp::{Cipher, HEADER_BYTES, Keys, Master, TAG_BYTES};
use super::sys::OUT_BYTES_MAX;

/// What a leg says.
pub struct Mouth {
    /// The socket it leaves by.
    pub socket: usize,
    /// Whom to.
    pub to: SocketAddrV4,
    cipher: Cipher,
    ssrc: u32,
    /// Packets said so far.
    pub said: u64,
    first_index: u64,
    first_tick: u32,
    /// Where in the ring it began.
    start: u64,
    sent_at: [u64; REMEMBERED],
}

impl Mouth {
    /// A mouth that has said nothing. `draw` makes it differ from others.
    pub fn new(socket: usize, to: SocketAddrV4, ssrc: u32, ours: &Master, draw: u64) -> Option<Self> {
        Some(Mouth {
            socket,
            to,
            cipher: Cipher::new(ours)?,
            ssrc,
            said: 0,
            // WHY: below half of the sequence numbers, so that no early packet is taken for one before a roll-over.
            first_index: draw & 0x3fff,
            first_tick: (draw >> 16) as u32,
            start: draw >> 32,
            sent_at: [0; REMEMBERED],
        })
    }

    /// Writes the next packet, sealed; gives its length.
    pub fn say(&mut self, room: &mut [u8; OUT_BYTES_MAX], ring: &Ring) -> usize {
        let payload = ring.packet(self.start + self.said);
        let len = HEADER_BYTES + payload.len();
        if len + TAG_BYTES > OUT_BYTES_MAX {
            return 0;
        }
        let index = self.first_index + self.said;
        let tick = self.first_tick.wrapping_add((self.said as u32).wrapping_mul(FRAME_TICKS));
        room[0] = 0x80;
        room[1] = OPUS | if self.said == 0 { MARKER } else { 0 };
        room[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        room[4..8].copy_from_slice(&tick.to_be_bytes());
        room[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        room[HEADER_BYTES..len].copy_from_slice(payload);
        self.said += 1;
        self.cipher.seal(room, len, self.ssrc, index)
    }

    /// Notes when packet `n` left, in nanoseconds of the wall clock.
    pub fn left(&mut self, n: u64, at_ns: u64) {
        self.sent_at[(n % REMEMBERED as u64) as usize] = at_ns;
    }

    /// When packet `n` left, if it is one of the last.
    pub fn left_at(&self, n: u64) -> Option<u64> {
        let is_recent = n < self.said && n + REMEMBERED as u64 > self.said;
        is_recent.then(|| self.sent_at[(n % REMEMBERED as u64) as usize]).filter(|at| *at > 0)
    }

    /// What packet `n` says.
    pub fn packet<'r>(&self, n: u64, ring: &'r Ring) -> &'r [u8] {
        ring.packet(self.start + n)
    }

    /// Which of the last packets says this, the newest first.
    pub fn find(&self, payload: &[u8], ring: &Ring) -> Option<u64> {
        let oldest = self.said.saturating_sub(REMEMBERED as u64 - 1);
        (oldest..self.said).rev().find(|n| self.packet(*n, ring) == payload)
    }
}

/// What a leg hears.
pub struct Ear {
    check: Context,
    ssrc: Option<u32>,
    /// The newest packet, its number counted on over roll-overs.
    newest: u64,
    /// Bit n: packet `newest - n` has come.
    seen: u64,
    /// Number heard minus number said, once it is known.
    offset: Option<i64>,
    last_at: u64,
    last_tick: u32,
    jitter_ns: f64,
    until_check: u32,
    /// Of the window: packets that came.
    pub came: u64,
    /// Of the window: the newest packet when it opened.
    pub newest_before: Option<u64>,
}

/// One packet, as far as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Came {
    /// Its number, counted on.
    pub number: u64,
    /// How it stands to those before.
    pub order: Order,
    /// Nanoseconds since the packet before it.
    pub gap_ns: Option<u64>,
}

/// How a packet stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newer than all.
    Newest,
    /// Late: others overtook it.
    Late,
    /// It has come before.
    Again,
}

/// What the other implementation says of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Not this one's turn.
    Skipped,
    /// Genuine, and it says this.
    Says(Vec<u8>),
    /// Not genuine.
    False,
}

impl Ear {
    /// An ear that has heard nothing.
    pub fn new(theirs: &Master) -> Option<Self> {
        let check = Context::new(&theirs.key, &theirs.salt, ProtectionProfile::AeadAes128Gcm, None, None).ok()?;
        Some(Ear {
            check,
            ssrc: None,
            newest: 0,
            seen: 0,
            offset: None,
            last_at: 0,
            last_tick: 0,
            jitter_ns: 0.0,
            until_check: 0,
            came: 0,
            newest_before: None,
        })
    }

    /// Takes the header of an RTP packet. Nothing if it is none, or of a source that is not the server's one.
    pub fn take(&mut self, bytes: &[u8], at_ns: u64) -> Option<Came> {
        let head = bytes.first_chunk::<HEADER_BYTES>()?;
        let [_, _, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *head;
        let ssrc = u32::from_be_bytes([c0, c1, c2, c3]);
        let (seq, tick) = (u16::from_be_bytes([s0, s1]), u32::from_be_bytes([t0, t1, t2, t3]));
        if *self.ssrc.get_or_insert(ssrc) != ssrc {
            return None;
        }
        if self.seen == 0 {
            (self.newest, self.seen) = (u64::from(seq) + 65_536, 1);
            (self.last_at, self.last_tick) = (at_ns, tick);
            return Some(Came { number: self.newest, order: Order::Newest, gap_ns: None });
        }
        let ahead = i64::from(seq.wrapping_sub(self.newest as u16) as i16);
        let number = self.newest.checked_add_signed(ahead)?;
        if ahead <= 0 {
            let bit = 1u64.checked_shl(ahead.unsigned_abs() as u32).unwrap_or(0);
            let order = if self.seen & bit != 0 { Order::Again } else { Order::Late };
            self.seen |= bit;
            return Some(Came { number, order, gap_ns: None });
        }
        self.seen = self.seen.checked_shl(ahead as u32).unwrap_or(0) | 1;
        self.newest = number;
        let gap_ns = at_ns.saturating_sub(self.last_at);
        // RFC 3550 §6.4.1, in nanoseconds.
        let should = f64::from(tick.wrapping_sub(self.last_tick)) * TICK_NS;
        self.jitter_ns += ((gap_ns as f64 - should).abs() - self.jitter_ns) / 16.0;
        (self.last_at, self.last_tick) = (at_ns, tick);
        Some(Came { number, order: Order::Newest, gap_ns: Some(gap_ns) })
    }

    /// The number its sender gave a packet.
    pub fn said_as(&self, number: u64) -> Option<u64> {
        u64::try_from(number as i64 - self.offset?).ok()
    }

    /// Learns by one packet how heard and said numbers are related. True if that was known to be otherwise.
    pub fn relate(&mut self, heard: u64, said: u64) -> bool {
        let offset = heard as i64 - said as i64;
        self.offset.replace(offset).is_some_and(|old| old != offset)
    }

    /// Every hundredth packet is opened by another implementation, and every one until the numbers are related.
    pub fn check(&mut self, bytes: &[u8]) -> Checked {
        if self.until_check > 0 {
            self.until_check -= 1;
            return Checked::Skipped;
        }
        self.until_check = if self.offset.is_some() { CHECKED_EVERY - 1 } else { CHECKED_EVERY_AT_FIRST - 1 };
        // WHY: the crate panics on extensions that lie about their length; the server sends none.
        if bytes.first() != Some(&0x80) || bytes.len() < HEADER_BYTES + TAG_BYTES {
            return Checked::False;
        }
        match self.check.decrypt_rtp(bytes) {
            Ok(plain) => Checked::Says(plain.get(HEADER_BYTES..).unwrap_or_default().to_vec()),
            Err(_) => Checked::False,
        }
    }

    /// A window opens.
    pub fn open_window(&mut self) {
        self.came = 0;
        self.newest_before = (self.seen != 0).then_some(self.newest);
        self.jitter_ns = 0.0;
    }

    /// The newest packet's number.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Interarrival jitter now, in nanoseconds.
    pub fn jitter_ns(&self) -> u64 {
        self.jitter_ns as u64
    }
}

/// Both halves.
pub struct Talker {
    /// What it says.
    pub mouth: Mouth,
    /// What it hears.
    pub ear: Ear,
    /// Whom it hears, if that is a leg of ours.
    pub hears: Option<usize>,
    /// The first packet of the window, and the last once it is closed.
    pub window: (u64, u64),
    /// Whether it was there when the window opened.
    pub counts: bool,
}

impl Talker {
    /// Nothing if a library refuses the keys.
    pub fn new(socket: usize, to: SocketAddrV4, ssrc: u32, keys: &Keys, draw: u64) -> Option<Self> {
        let mouth = Mouth::new(socket, to, ssrc, &keys.ours, draw)?;
        Some(Talker { mouth, ear: Ear::new(&keys.theirs)?, hears: None, window: (u64::MAX, 0), counts: false })
    }
}

/// Payload type of Opus in the callers' offers.
pub const OPUS: u8 = 111;
const MARKER: u8 = 0x80;
/// RTP ticks in 20 ms.
const FRAME_TICKS: u32 = 960;
/// A tick of 48 kHz.
const TICK_NS: f64 = 1_000_000_000.0 / 48_000.0;
/// Packets of which it is remembered when they left: 1.28 s.
const REMEMBERED: usize = 64;
const CHECKED_EVERY: u32 = 100;
const CHECKED_EVERY_AT_FIRST: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let master = Master { key: [3; 16], salt: [4; 12] };
        Keys { ours: master, theirs: master }
    }

    #[test]
    fn an_ear_counts_on_over_a_roll_over_and_knows_repeats_from_stragglers() {
        let ring = Ring::voice().unwrap();
        let mut talker = Talker::new(0, "127.0.0.1:1".parse().unwrap(), 5, &keys(), 0).unwrap();
        talker.mouth.first_index = 65_530;
        let packets: Vec<Vec<u8>> = (0..12)
            .map(|_| {
                let mut room = [0; OUT_BYTES_MAX];
                let length = talker.mouth.say(&mut room, &ring);
                room[..length].to_vec()
            })
            .collect();
        let mut orders = Vec::new();
        for n in [0, 1, 2, 4, 3, 5, 6, 7, 8, 9, 9, 11] {
            orders.push(talker.ear.take(&packets[n], 1_000 + n as u64 * 20_000_000).unwrap());
        }
        let kinds: Vec<Order> = orders.iter().map(|came| came.order).collect();
        assert_eq!((kinds[4], kinds[10]), (Order::Late, Order::Again));
        assert_eq!(kinds.iter().filter(|order| **order == Order::Newest).count(), 10);
        assert_eq!(orders[11].number - orders[0].number, 11);
        assert!(talker.ear.jitter_ns() < 20_000_000);
    }

    #[test]
    fn a_checked_packet_tells_which_one_was_said() {
        let ring = Ring::voice().unwrap();
        let mut talker = Talker::new(0, "127.0.0.1:1".parse().unwrap(), 5, &keys(), 1 << 40).unwrap();
        let mut room = [0; OUT_BYTES_MAX];
        talker.mouth.say(&mut room, &ring);
        let length = talker.mouth.say(&mut room, &ring);
        talker.mouth.left(1, 77);
        let came = talker.ear.take(&room[..length], 5).unwrap();
        let Checked::Says(said) = talker.ear.check(&room[..length]) else { panic!("not genuine") };
        let n = talker.mouth.find(&said, &ring).unwrap();
        assert_eq!(n, 1);
        assert!(!talker.ear.relate(came.number, n));
        assert_eq!(talker.ear.said_as(came.number + 3), Some(4));
        assert_eq!((talker.mouth.left_at(1), talker.mouth.left_at(0)), (Some(77), None));
        assert_eq!(talker.ear.check(&room[..length]), Checked::Skipped);
    }
}
