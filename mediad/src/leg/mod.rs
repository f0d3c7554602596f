//! One peer: datagrams in, voice and key presses out; one RTP stream towards it. It knows no other leg.

pub mod dtls;
pub mod e_model;
pub mod gate;
pub mod ice;
pub mod keypad;
pub mod news;
pub mod open;
mod reach;
pub mod relay;
pub mod reports;
pub mod sender;
pub mod srtp;
pub mod stream;
pub mod tones;
pub mod turn;
pub mod voice;
pub mod watchdog;

use std::collections::VecDeque;
use std::time::Instant;

use protocol::{CallId, Digit, LegEnd, LegId, LegState, Peer};

use crate::base::count::{DropReason, Drops};
use crate::base::outbox::{Outbox, Path};
use crate::base::packet::Packet;
use crate::wire::demux::{Kind, demux};
use crate::wire::sdp;
use dtls::{Certificate, Dtls, DtlsEvent, DtlsFailure, Role};
use gate::{Gate, Toll};
use ice::{Ice, IceEvent};
use keypad::{Keypad, Presser};
use news::News;
use relay::Relay;
use reports::Reports;
use sender::Sender;
use srtp::{Keys, Opener, Profile, Sealer};
use stream::Streams;
use tones::Tones;
pub use voice::{Heard, Taken};
use watchdog::{Change, Sight, Watchdog};

/// One peer of a call.
pub struct Leg {
    /// Its name.
    pub id: LegId,
    /// The call it belongs to.
    pub call: CallId,
    /// What is at the other end.
    pub peer: Peer,
    ice: Ice,
    relay: Option<Box<Relay>>,
    dtls: Option<Box<Dtls>>,
    certificate: Certificate,
    ours: sdp::Local,
    remote: Option<sdp::Remote>,
    role: Option<Role>,
    /// Where media goes, while there is somewhere.
    way: Option<Path>,
    crypto: Option<Box<Crypto>>,
    gate: Gate,
    toll: Toll,
    sender: Sender,
    keypad: Keypad,
    presser: Presser,
    /// While keys are to be heard as sound.
    tones: Option<Box<Tones>>,
    /// When a key last came as an event.
    keyed_at: Option<Instant>,
    reports: Reports,
    streams: Streams,
    drops: Drops,
    sent_packets: u64,
    received_packets: u64,
    last_voice: Option<Instant>,
    /// When the peer last said something louder than silence.
    loud_at: Option<Instant>,
    watchdog: Watchdog,
    /// Someone is to hear the peer.
    expected: bool,
    /// The loss that the one who hears this peer reports, in 256ths.
    onward_loss: Option<u8>,
    /// Answers to be told when the leg is up, the first time and after each restart.
    announce: bool,
    news: VecDeque<News>,
    #[cfg(test)]
    broken: bool,
}

struct Crypto {
    sealer: Sealer,
    opener: Opener,
    profile: Profile,
}

impl Leg {
    /// Takes a datagram that was routed to this leg. What it means for others is the answer; what it means for the leg
    /// itself is in [`Leg::news`]; what must be sent is in `out`.
    pub fn take(&mut self, now: Instant, path: Path, packet: &mut Packet, out: &mut Outbox) -> Taken {
        #[cfg(test)]
        assert!(!self.broken, "a defect, as a test ordered it");
        let path = match self.unwrap(now, path, packet) {
            Ok(Some(path)) => path,
            Ok(None) => {
                self.settle(now, None, out);
                return Taken::Nothing;
            }
            Err(reason) => {
                self.drops.add(reason);
                return Taken::Nothing;
            }
        };
        let taken = match demux(packet.as_slice()) {
            Some(Kind::Stun) => self.take_stun(now, path, packet),
            Some(Kind::Rtp) => return self.take_rtp(now, path, packet),
            Some(Kind::Rtcp) => return self.take_rtcp(now, path, packet),
            Some(Kind::Dtls) => self.take_dtls(now, path, packet),
            None => Err(DropReason::UnknownKind),
        };
        match taken {
            Ok(()) => self.settle(now, Some(path), out),
            Err(reason) => self.drops.add(reason),
        }
        Taken::Nothing
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Instant, out: &mut Outbox) {
        self.ice.wake(now);
        if let Some(relay) = self.relay.as_mut() {
            relay.wake(now);
        }
        if let Some(dtls) = self.dtls.as_mut() {
            dtls.wake(now);
        }
        self.settle(now, None, out);
        if self.ready() {
            self.press_keys(now, out);
            self.report(now, out);
        }
        self.watch(now);
    }

    /// Someone is to hear the peer from now on, or nobody.
    pub fn expect_voice(&mut self, expected: bool) {
        self.expected = expected;
    }

    fn watch(&mut self, now: Instant) {
        let sight = self.sight();
        if self.watched(sight)
            && let Some(change) = self.watchdog.look(now, sight)
        {
            self.news.push_back(match change {
                Change::Broken(hop) => News::Broken(hop),
                Change::Mended(hop) => News::Mended(hop),
            });
        }
    }

    fn sight(&self) -> Sight {
        Sight {
            described: self.remote.is_some() && !self.is_gathering(),
            way: self.way.is_some(),
            keys: self.crypto.is_some(),
            expected: self.expected || (self.peer == Peer::Meta && self.gate == Gate::Open),
            received: self.received_packets,
            refused: self.drops.of(DropReason::AuthFailed),
            loud_at: self.loud_at,
        }
    }

    /// Whether there is anything to watch for: a standing leg that is up is left alone.
    fn watched(&self, sight: Sight) -> bool {
        sight.described && (!sight.way || !sight.keys || sight.expected || self.watchdog.has_told())
    }

    /// When [`Leg::wake`] or, for the leg's next frame, [`Leg::say`] wants to be called.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let watch = self.watched(self.sight()).then(|| self.watchdog.due());
        let relay = self.relay.as_ref().and_then(|relay| relay.due());
        let quiet = [self.ice.due(), relay, self.dtls.as_ref().and_then(|dtls| dtls.due()), watch];
        let loud = match self.ready() {
            true => [self.presser.due(now), Some(self.reports.due()), self.frame_due()],
            false => [None; 3],
        };
        quiet.into_iter().chain(loud).flatten().min()
    }

    /// What has become of the leg.
    pub fn news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Lets RTP and reports out.
    pub fn open_gate(&mut self) {
        self.gate = Gate::Open;
    }

    /// Whether RTP may leave and has somewhere to go.
    pub fn ready(&self) -> bool {
        self.gate == Gate::Open && self.way.is_some() && self.crypto.is_some()
    }

    /// Whether the handshake is behind it.
    pub fn has_keys(&self) -> bool {
        self.crypto.is_some()
    }

    /// RTP packets received and authenticated.
    pub fn received(&self) -> u64 {
        self.received_packets
    }

    /// When voice last came from the peer.
    pub fn last_voice(&self) -> Option<Instant> {
        self.last_voice
    }

    /// Hears keys as sound from now on, or no longer. False if no decoder can be had.
    pub fn listen_for_tones(&mut self, on: bool) -> bool {
        if on && self.tones.is_none() {
            self.tones = Tones::new().map(Box::new);
        }
        if !on {
            self.tones = None;
        }
        on == self.tones.is_some()
    }

    /// Queues key presses. False if too many are waiting.
    pub fn press(&mut self, digits: &[Digit], tone_ms: u16) -> bool {
        self.presser.press(digits, tone_ms)
    }

    /// Says goodbye as far as there is someone to say it to.
    pub fn close(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(dtls) = self.dtls.as_mut() {
            dtls.close(now);
        }
        if let Some(relay) = self.relay.as_mut() {
            relay.close(now);
        }
        self.settle(now, None, out);
    }

    fn take_stun(&mut self, now: Instant, path: Path, packet: &Packet) -> Result<(), DropReason> {
        let taken = self.ice.take(now, path.local, path.remote, packet.as_slice());
        taken.map_err(|_| DropReason::StunRefused)
    }

    fn take_dtls(&mut self, now: Instant, path: Path, packet: &Packet) -> Result<(), DropReason> {
        if !self.trusts(path) {
            return Err(DropReason::NotValidated);
        }
        self.begin_dtls(now);
        let Some(dtls) = self.dtls.as_mut() else { return Err(DropReason::DtlsRefused) };
        dtls.take(now, packet.as_slice()).map_err(|_| DropReason::DtlsRefused)
    }

    /// Design D16: only an address that has proven itself by ICE is listened to.
    pub fn trusts(&self, path: Path) -> bool {
        self.way.is_some_and(|way| way.remote == path.remote) || self.ice.is_valid_source(path.remote)
    }

    fn begin_dtls(&mut self, now: Instant) {
        if self.dtls.is_none()
            && let (Some(remote), Some(role)) = (&self.remote, self.role)
        {
            self.dtls = Some(Box::new(Dtls::new(role, &self.certificate, remote.fingerprint, now)));
        }
    }

    /// Moves what ICE and DTLS have to say to where it belongs. `came` is the way the datagram came by that moved them:
    /// before a pair is selected, DTLS answers along it.
    fn settle(&mut self, now: Instant, came: Option<Path>, out: &mut Outbox) {
        self.settle_relay(now, out);
        while let Some(event) = self.ice.take_event() {
            self.on_ice(now, event);
        }
        self.settle_relay(now, out);
        while let Some(transmit) = self.ice.give() {
            let path = Path { local: transmit.local, remote: transmit.to };
            if !out.next(path).extend(transmit.packet.as_slice()) {
                out.take_back();
            }
        }
        let Some(dtls) = self.dtls.as_mut() else { return };
        if let Some(way) = self.way.or(came) {
            while let Some(packet) = dtls.give() {
                if !out.next(way).extend(packet.as_slice()) {
                    out.take_back();
                }
            }
        }
        while let Some(event) = self.dtls.as_mut().and_then(|dtls| dtls.event()) {
            self.on_dtls(event);
        }
    }

    fn on_ice(&mut self, now: Instant, event: IceEvent) {
        match event {
            IceEvent::Selected(pair) => {
                let way = Path { local: pair.local, remote: pair.remote };
                self.way = Some(way);
                if let Some(relay) = self.relay.as_mut() {
                    relay.selected(now, way);
                }
                self.begin_dtls(now);
                self.announce_if_up();
            }
            IceEvent::Unselected => self.way = None,
            IceEvent::Failed => self.end(LegEnd::IceFailed),
            IceEvent::ConsentLost => self.end(LegEnd::ConsentLost),
        }
    }

    fn on_dtls(&mut self, event: DtlsEvent) {
        match event {
            DtlsEvent::Connected(keys) => self.use_keys(&keys),
            DtlsEvent::PeerClosed => self.end(LegEnd::PeerClosed),
            DtlsEvent::Failed(DtlsFailure::Fingerprint) => self.end(LegEnd::WrongFingerprint),
            DtlsEvent::Failed(_) => self.end(LegEnd::DtlsFailed),
        }
    }

    fn use_keys(&mut self, keys: &Keys) {
        let (sealer, opener) = (Sealer::new(&keys.ours, self.sender.ssrc()), Opener::new(&keys.theirs));
        let (Some(sealer), Some(opener)) = (sealer, opener) else { return self.end(LegEnd::DtlsFailed) };
        self.crypto = Some(Box::new(Crypto { sealer, opener, profile: keys.profile() }));
        self.streams = Streams::default();
        self.announce_if_up();
    }

    fn announce_if_up(&mut self) {
        if self.announce && self.way.is_some() && self.crypto.is_some() {
            self.announce = false;
            self.news.push_back(News::Connected);
        }
    }

    fn end(&mut self, why: LegEnd) {
        self.way = None;
        self.news.push_back(News::Ended(why));
    }

    /// How far the leg has come.
    pub fn state(&self) -> LegState {
        match (&self.remote, self.way, &self.crypto) {
            (None, ..) => LegState::Offered,
            (_, None, _) => LegState::Checking,
            (_, _, None) => LegState::Handshaking,
            (_, Some(_), Some(_)) => LegState::Connected,
        }
    }
}
