//! How a leg begins, begins anew, and describes itself.

use std::net::SocketAddr;
use std::time::Instant;

use protocol::{CallId, ClipName, LegDescription, LegId, LegSummary, Peer};
use rand::{Rng, RngExt};

use super::Leg;
use super::dtls::{Certificate, Role};
use super::gate::{Gate, Toll};
use super::ice::{Credentials, Ice};
use super::keypad::{Keypad, Presser};
use super::relay::{Plan, Relay};
use super::reports::Reports;
use super::sender::Sender;
use super::srtp::Profile;
use super::stream::Streams;
use super::watchdog::Watchdog;
use crate::base::count::{DropReason, Drops};
use crate::wire::sdp::{self, Setup};

/// Everything a leg is born with.
pub struct Birth<'a> {
    /// Its name.
    pub leg: LegId,
    /// Its call.
    pub call: CallId,
    /// What is at the other end.
    pub peer: Peer,
    /// Its sockets, best first.
    pub locals: &'a [SocketAddr],
    /// The servers it asks how it is reached, if there are any.
    pub plan: Option<Plan>,
    /// The process's certificate.
    pub certificate: &'a Certificate,
}

impl Leg {
    /// A leg that will answer a peer's offer: [`Leg::answer`], as soon as [`Leg::is_gathering`] says no.
    pub fn answering(now: Instant, birth: Birth<'_>, rng: &mut impl Rng, remote: sdp::Remote) -> Self {
        let mut leg = Self::born(now, birth, rng, false);
        leg.role = Some(Role::opposite(remote.setup));
        leg.remote = Some(remote);
        leg
    }

    /// A leg that will make an offer: [`Leg::offer`], as soon as [`Leg::is_gathering`] says no.
    pub fn offering(now: Instant, birth: Birth<'_>, rng: &mut impl Rng) -> Self {
        let mut leg = Self::born(now, birth, rng, true);
        if let Some(relay) = leg.relay.as_mut() {
            relay.keep_open(true);
        }
        leg
    }

    /// The answer to the peer's offer; checks begin. `shown` is what the peer is told to reach our sockets by.
    pub fn answer(&mut self, now: Instant, shown: &[SocketAddr]) -> String {
        self.describe_reach(shown);
        let Some(remote) = &self.remote else { return String::new() };
        self.ice.set_remote(now, remote);
        sdp::write_answer(&self.ours, remote)
    }

    /// Our offer. `shown` as for [`Leg::answer`].
    pub fn offer(&mut self, shown: &[SocketAddr]) -> String {
        self.describe_reach(shown);
        sdp::write_offer(&self.ours)
    }

    /// Whether an offer of ours waits for its answer.
    pub fn offered(&self) -> bool {
        self.remote.is_none()
    }

    /// Takes the answer to our offer. `locals` are the sockets the leg was placed on, now that its next hops are known.
    pub fn answered(&mut self, now: Instant, locals: &[SocketAddr], remote: sdp::Remote) {
        if let Some(relay) = self.relay.as_mut() {
            relay.keep_open(false);
        }
        self.ice.set_locals(now, self.open_sockets(locals));
        self.role = Some(Role::opposite(remote.setup));
        self.ice.set_remote(now, &remote);
        self.remote = Some(remote);
    }

    /// Takes a new offer for a leg that lives on, and gives the answer. The same certificate: the way is looked for anew
    /// (ICE restart). Another one: a new peer, with new keys. What the leg sends goes on in either case.
    pub fn restarted(
        &mut self,
        now: Instant,
        shown: &[SocketAddr],
        locals: &[SocketAddr],
        rng: &mut impl Rng,
        remote: sdp::Remote,
    ) -> String {
        let ours = Credentials::generate(rng);
        self.ours.ice_ufrag.clone_from(&ours.ufrag);
        self.ours.ice_pwd.clone_from(&ours.pwd);
        self.describe_reach(shown);
        self.ours.session_version += 1;
        let answer = sdp::write_answer(&self.ours, &remote);
        let same_peer = self.remote.as_ref().is_some_and(|old| old.fingerprint == remote.fingerprint);
        self.announce = true;
        let sockets = self.open_sockets(locals);
        if same_peer {
            self.ice.set_locals(now, sockets);
            self.ice.restart(now, ours, &remote);
        } else {
            self.ice = Ice::new(now, ours, sockets, false, rng.random());
            if let Some(relayed) = self.relay.as_ref().and_then(|relay| relay.relayed()) {
                self.ice.add_relayed(now, relayed);
            }
            self.ice.set_remote(now, &remote);
            self.role = Some(Role::opposite(remote.setup));
            self.dtls = None;
            self.crypto = None;
            self.way = None;
            self.keypad = Keypad::default();
        }
        self.remote = Some(remote);
        answer
    }

    /// Our user fragment, by which checks from unknown addresses find this leg.
    pub fn ufrag(&self) -> &str {
        self.ice.ufrag()
    }

    /// The user fragment before a restart, while its checks are still answered.
    pub fn ufrag_before(&self) -> Option<&str> {
        self.ice.ufrag_before()
    }

    /// One line of a snapshot. `clip` is what the leg hears; of bridges a leg knows nothing.
    pub fn summary(&self, clip: Option<&ClipName>) -> LegSummary {
        LegSummary {
            leg: self.id.clone(),
            call: self.call.clone(),
            peer: self.peer,
            state: self.state(),
            gate_open: self.gate == Gate::Open,
            clip: clip.cloned(),
            bridge: None,
            role: None,
        }
    }

    /// Everything about the leg, with its line of a snapshot.
    pub fn describe(&self, summary: LegSummary) -> LegDescription {
        LegDescription {
            bridge: summary.bridge.clone(),
            summary,
            pair: self.way.map(|way| (way.local.to_string(), way.remote.to_string())),
            srtp_profile: self.crypto.as_ref().map(|crypto| profile_name(crypto.profile).to_owned()),
            dtls_role: match self.role {
                Some(Role::Server) => "server".to_owned(),
                Some(Role::Client) | None => "client".to_owned(),
            },
            ssrc: self.sender.ssrc(),
            sent_packets: self.sent_packets,
            received_packets: self.received_packets,
            drops: self.drops.named(),
        }
    }

    /// Datagrams dropped so far, by reason.
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Counts a drop that was decided elsewhere.
    pub fn count(&mut self, why: DropReason) {
        self.drops.add(why);
    }

    fn born(now: Instant, birth: Birth<'_>, rng: &mut impl Rng, offering: bool) -> Self {
        let credentials = Credentials::generate(rng);
        let sender = Sender::new(now, rng.random(), rng.random(), rng.random());
        let ours = sdp::Local {
            ice_ufrag: credentials.ufrag.clone(),
            ice_pwd: credentials.pwd.clone(),
            candidates: Vec::new(),
            reflexive: Vec::new(),
            relayed: Vec::new(),
            fingerprint: birth.certificate.fingerprint(),
            // Meta answers either; a browser is left the choice.
            setup: if birth.peer == Peer::Meta { Setup::Active } else { Setup::Actpass },
            ssrc: sender.ssrc(),
            cname: format!("{:016x}", rng.random::<u64>()),
            // RFC 8866 §5.2: fits a signed 64-bit number.
            session_id: rng.random::<u64>() >> 2,
            session_version: 1,
        };
        let sockets = if birth.plan.as_ref().is_some_and(|plan| plan.only) { &[] } else { birth.locals };
        let ice = Ice::new(now, credentials, sockets, offering, rng.random());
        let relay = birth.plan.map(|plan| Box::new(Relay::new(now, plan, birth.locals, rng.random())));
        let phase = f64::from(rng.random::<u16>()) / f64::from(u16::MAX);
        Self {
            id: birth.leg,
            call: birth.call,
            peer: birth.peer,
            ice,
            relay,
            dtls: None,
            certificate: birth.certificate.clone(),
            ours,
            remote: None,
            role: None,
            way: None,
            crypto: None,
            gate: Gate::default(),
            toll: Toll::new(now),
            sender,
            keypad: Keypad::default(),
            presser: Presser::default(),
            tones: None,
            keyed_at: None,
            reports: Reports::new(now, phase),
            streams: Streams::default(),
            drops: Drops::default(),
            sent_packets: 0,
            received_packets: 0,
            last_voice: None,
            loud_at: None,
            watchdog: Watchdog::new(now),
            expected: false,
            onward_loss: None,
            announce: true,
            news: std::collections::VecDeque::new(),
            #[cfg(test)]
            broken: false,
        }
    }
}

fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::AesCm128HmacSha1_80 => "aes_cm_128_hmac_sha1_80",
        Profile::AeadAes128Gcm => "aead_aes_128_gcm",
        Profile::AeadAes256Gcm => "aead_aes_256_gcm",
    }
}

/// For the simulated world: a leg whose ICE and DTLS are taken as done.
#[cfg(test)]
impl Leg {
    /// Gives the leg a way and keys, and lets its ICE rest.
    pub(crate) fn connect_by_hand(&mut self, now: Instant, way: crate::base::outbox::Path, keys: &super::srtp::Keys) {
        let names = Credentials { ufrag: self.ours.ice_ufrag.clone(), pwd: self.ours.ice_pwd.clone() };
        self.ice = Ice::new(now, names, &[way.local], false, 1);
        self.way = Some(way);
        self.use_keys(keys);
    }

    /// Keys without a handshake, which is not made either; the way is still to be found.
    pub(crate) fn keys_by_hand(&mut self, keys: &super::srtp::Keys) {
        self.role = None;
        self.use_keys(keys);
    }

    /// Switches without the silence that keeps splices clean.
    pub(crate) fn break_rule_one(&mut self) {
        self.sender.break_rule_one();
    }

    /// From now on, whatever comes in is too much for the leg.
    pub(crate) fn break_down(&mut self) {
        self.broken = true;
    }
}
