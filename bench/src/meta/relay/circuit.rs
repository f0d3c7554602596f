//! One call's media: the business on one side, a phone (scripted or a browser) on the other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use str0m::rtp::RtpPacket;

use super::Open;
use super::heard::Heard;
use super::keys::Keys;
use super::outlet::Outlet;
use super::peer::{Peer, Said};
use super::source::Frames;
use super::stun;
use super::tally::Counts;
use crate::meta::answer::Remote;
use crate::meta::exchange::lock;

/// Which of a call's two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// At the relay's address.
    Business,
    /// At the phones' address.
    Browser,
}

/// A datagram to send.
pub struct Datagram {
    /// From which of the two sockets.
    pub side: Side,
    /// Where to.
    pub to: SocketAddr,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The far end of the media.
pub enum Far {
    /// Plays, and keeps what it hears.
    Scripted {
        /// What it says.
        frames: Frames,
        /// What it hears.
        heard: Arc<Mutex<Heard>>,
    },
    /// A browser, with the payload type it gave to Opus.
    Browser {
        /// Its end.
        peer: Box<Peer>,
        /// What we send it.
        outlet: Outlet,
        /// Its Opus.
        opus: u8,
    },
}

/// A call's media.
pub struct Circuit {
    business: Peer,
    far: Far,
    outlet: Outlet,
    keys: Keys,
    /// Payload types of Opus and of telephone-events.
    types: [u8; 2],
    counts: Arc<Mutex<Counts>>,
    accepted: bool,
    waits_for_rtp: bool,
    loss_percent: u8,
    rng: StdRng,
    slot: Option<Instant>,
    turn: usize,
    heard_first: Option<(u32, u32)>,
    seq_max: u64,
}

impl Circuit {
    /// A circuit whose business has not answered yet.
    pub fn new(business: Peer, far: Far, counts: Arc<Mutex<Counts>>, open: &Open) -> Circuit {
        let mut rng = StdRng::seed_from_u64(open.seed);
        if matches!(far, Far::Browser { .. }) {
            lock(&counts).browser = Some((false, 0, 0));
        }
        Circuit {
            business,
            far,
            outlet: Outlet::new(&mut rng),
            keys: Keys::default(),
            types: open.payload_types,
            counts,
            accepted: false,
            waits_for_rtp: open.waits_for_rtp,
            loss_percent: open.loss_percent,
            rng,
            slot: None,
            turn: 0,
            heard_first: None,
            seq_max: 0,
        }
    }

    /// Another phone takes the call.
    pub fn attach(&mut self, far: Far) {
        if matches!(far, Far::Browser { .. }) {
            lock(&self.counts).browser = Some((false, 0, 0));
        }
        self.far = far;
    }

    /// The business's SDP: ICE and DTLS may come up. `client` is our DTLS role.
    pub fn answer(&mut self, now: Instant, remote: &Remote, client: bool) {
        let outcome = self.business.answer(remote, client).and_then(|()| self.business.wake(now));
        self.note(outcome);
    }

    /// `accept`: media may flow.
    pub fn accept(&mut self, now: Instant) {
        self.accepted = true;
        if let Far::Scripted { heard, .. } = &self.far {
            lock(heard).open(now);
            self.slot = Some(now);
        }
    }

    /// Keys of the caller.
    pub fn press(&mut self, now: Instant, digits: &str) {
        if self.accepted {
            self.keys.press(digits);
            lock(&self.counts).keys_out += digits.len() as u64;
            self.slot.get_or_insert(now);
        }
    }

    /// Whether a check from an unknown address is for this end.
    pub fn accepts(&self, now: Instant, side: Side, from: SocketAddr, bytes: &[u8]) -> bool {
        match (side, &self.far) {
            (Side::Business, _) => self.business.accepts(now, from, bytes),
            (Side::Browser, Far::Browser { peer, .. }) => peer.accepts(now, from, bytes),
            (Side::Browser, Far::Scripted { .. }) => false,
        }
    }

    /// A datagram for this call.
    pub fn take(&mut self, now: Instant, side: Side, from: SocketAddr, bytes: &[u8], out: &mut Vec<Datagram>) {
        let outcome = match (side, &mut self.far) {
            (Side::Business, _) => {
                self.look(bytes);
                self.business.take(now, from, bytes)
            }
            (Side::Browser, Far::Browser { peer, .. }) => peer.take(now, from, bytes),
            (Side::Browser, Far::Scripted { .. }) => Ok(()),
        };
        self.note(outcome);
        self.pump(now, out);
    }

    /// Time passed.
    pub fn wake(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        let mut outcome = Ok(());
        if self.business.due() <= now {
            outcome = self.business.wake(now);
        }
        if let Far::Browser { peer, .. } = &mut self.far
            && peer.due() <= now
        {
            outcome = outcome.and(peer.wake(now));
        }
        self.note(outcome);
        while let Some(slot) = self.slot.filter(|slot| *slot <= now) {
            self.slot = self.send_slot(now).then(|| slot + SLOT);
            // WHY: a machine that slept must not burst a second of sound at once.
            if self.slot.is_some_and(|next| next + BURST_MAX < now) {
                self.slot = Some(now + SLOT);
                self.outlet.skip();
            }
        }
        self.pump(now, out);
    }

    /// When it wants to be woken.
    pub fn due(&self) -> Instant {
        let mut due = self.business.due();
        if let Far::Browser { peer, .. } = &self.far {
            due = due.min(peer.due());
        }
        self.slot.map_or(due, |slot| due.min(slot))
    }

    /// The counters it shares with the exchange.
    pub fn counts(&self) -> &Arc<Mutex<Counts>> {
        &self.counts
    }

    /// Sends what is due in one 20 ms slot. False when no further slot is needed.
    fn send_slot(&mut self, now: Instant) -> bool {
        let scripted = matches!(self.far, Far::Scripted { .. });
        let ready = self.ready();
        if self.keys.busy()
            && ready
            && let Some(key) = self.keys.slot()
        {
            let write = self.outlet.key(now, self.types[1], key);
            self.send(now, write);
            return true;
        }
        if let Far::Scripted { frames, .. } = &self.far {
            let packet = frames.packet(self.turn);
            self.turn += 1;
            if let Some(packet) = packet.filter(|_| ready) {
                let write = self.outlet.voice(now, self.types[0], packet);
                self.send(now, write);
            } else {
                self.outlet.skip();
            }
        }
        scripted || self.keys.busy()
    }

    fn ready(&self) -> bool {
        let counts = lock(&self.counts);
        self.accepted && counts.dtls.is_some() && (!self.waits_for_rtp || counts.rtp_in > counts.early)
    }

    fn send(&mut self, now: Instant, write: super::peer::Write) {
        if self.loss_percent > 0 && self.rng.random_range(0..100) < self.loss_percent {
            return;
        }
        lock(&self.counts).rtp_out += 1;
        self.business.write(now, write);
        let outcome = self.business.wake(now);
        self.note(outcome);
    }

    fn pump(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        loop {
            let mut quiet = true;
            while let Some(said) = self.business.give() {
                quiet = false;
                match said {
                    Said::Send { to, bytes } => out.push(Datagram { side: Side::Business, to, bytes }),
                    said => self.hear_business(now, said),
                }
            }
            while let Far::Browser { peer, .. } = &mut self.far
                && let Some(said) = peer.give()
            {
                quiet = false;
                match said {
                    Said::Send { to, bytes } => out.push(Datagram { side: Side::Browser, to, bytes }),
                    said => self.hear_browser(now, said),
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn hear_business(&mut self, now: Instant, said: Said) {
        match said {
            Said::Rtp(packet) => self.hear_rtp(now, &packet),
            Said::Rtcp => {
                let mut counts = lock(&self.counts);
                counts.rtcp_in += 1;
                counts.life = Some(now);
            }
            Said::Connected => lock(&self.counts).dtls = Some(now),
            Said::Broken(why) => lock(&self.counts).trouble = Some(why),
            Said::Send { .. } => {}
        }
    }

    fn hear_rtp(&mut self, now: Instant, packet: &RtpPacket) {
        let ssrc = *packet.header.ssrc;
        let key = *packet.header.payload_type == self.types[1];
        self.count(now, packet, ssrc, key);
        if !self.accepted || key {
            return;
        }
        match &mut self.far {
            Far::Scripted { heard, .. } => {
                let (first_ssrc, first_timestamp) = *self.heard_first.get_or_insert((ssrc, packet.header.timestamp));
                let since = packet.header.timestamp.wrapping_sub(first_timestamp);
                if first_ssrc == ssrc && since < i32::MAX as u32 {
                    lock(heard).take(now, u64::from(since), &packet.payload);
                }
            }
            Far::Browser { peer, outlet, opus } => {
                let Some(write) = outlet.forward(now, *opus, packet) else { return };
                peer.write(now, write);
                let outcome = peer.wake(now);
                if let Some(browser) = &mut lock(&self.counts).browser {
                    browser.2 += 1;
                }
                self.note(outcome);
            }
        }
    }

    fn count(&mut self, now: Instant, packet: &RtpPacket, ssrc: u32, key: bool) {
        let mut counts = lock(&self.counts);
        counts.rtp_in += 1;
        counts.early += u64::from(!self.accepted);
        counts.keys_in += u64::from(key);
        if !counts.ssrcs.contains(&ssrc) {
            counts.ssrcs.push(ssrc);
        }
        if counts.ssrcs.first() == Some(&ssrc) {
            let seq = *packet.seq_no;
            if self.seq_max != 0 && seq > self.seq_max {
                counts.lost += seq - self.seq_max - 1;
            } else if self.seq_max != 0 {
                counts.lost = counts.lost.saturating_sub(1);
            }
            self.seq_max = self.seq_max.max(seq);
        }
        if let Some(last) = counts.last_rtp {
            let gap_ms = u64::try_from(now.saturating_duration_since(last).as_millis()).unwrap_or(u64::MAX);
            counts.gap_ms_max = counts.gap_ms_max.max(gap_ms);
        }
        counts.first_rtp.get_or_insert(now);
        counts.last_rtp = Some(now);
        counts.life = Some(now);
    }

    fn hear_browser(&mut self, now: Instant, said: Said) {
        match said {
            Said::Rtp(packet) => {
                if let Some(browser) = &mut lock(&self.counts).browser {
                    browser.1 += 1;
                }
                if !self.ready() || self.keys.takes_slot() {
                    self.outlet.miss(&packet);
                } else if let Some(write) = self.outlet.forward(now, self.types[0], &packet) {
                    self.send(now, write);
                }
            }
            Said::Connected => {
                if let Some(browser) = &mut lock(&self.counts).browser {
                    browser.0 = true;
                }
            }
            Said::Broken(why) => lock(&self.counts).trouble = Some(format!("browser: {why}")),
            Said::Rtcp | Said::Send { .. } => {}
        }
    }

    /// What can be said about a datagram of the business before it is opened.
    fn look(&self, bytes: &[u8]) {
        let Some((payload_type, _)) = stun::rtp_head(bytes) else { return };
        let mut counts = lock(&self.counts);
        counts.seen += 1;
        let strange = !self.types.contains(&payload_type);
        if strange && !counts.strange_types.contains(&payload_type) {
            counts.strange_types.push(payload_type);
        }
    }

    fn note(&self, outcome: Result<(), String>) {
        if let Err(why) = outcome {
            lock(&self.counts).trouble = Some(why);
        }
    }
}

/// Meta's payload type of Opus.
pub const OPUS: u8 = 111;
/// Meta's payload type of telephone-event/8000.
pub const TELEPHONE_EVENT: u8 = 126;
const SLOT: Duration = Duration::from_millis(20);
const BURST_MAX: Duration = Duration::from_millis(200);
