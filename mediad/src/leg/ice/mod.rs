//! Finds the way to the peer, keeps the proof that it still wants our packets, and follows when it moves.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod answering;
mod asking;
mod consent;
mod credentials;
mod pulse;
mod ways;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use credentials::Credentials;

use self::consent::Consent;
use self::credentials::{Ours, Theirs};
use self::pulse::Pulse;
use self::ways::Ways;
use crate::base::packet::Packet;
use crate::wire::sdp;
use crate::wire::stun::{BadStun, Class, Key, Message, Unproven};

/// The ICE agent of one leg: one component, host and peer-reflexive candidates (RFC 8445), consent (RFC 7675).
///
/// `local` addresses are opaque to it: whatever names the socket a datagram came in by, and must leave by. An answer
/// leaves by the `local` its question came to. Nothing is ever sent in answer to bytes whose integrity is not proven.
#[derive(Debug)]
pub struct Ice {
    phase: Phase,
    controlling: bool,
    tie: u64,
    ours: Ours,
    /// The generation before a restart: its checks are answered until the new one has a pair.
    before: Option<Ours>,
    theirs: Option<Theirs>,
    locals: Vec<Local>,
    /// The candidates of the peer's description with their priorities.
    candidates: Vec<(SocketAddr, u32)>,
    ways: Ways,
    selected: Option<Pair>,
    /// The pair we, being in control, are nominating.
    nominating: Option<Pair>,
    /// Until when a better pair may still answer before the best one that did is nominated.
    better_until: Option<Instant>,
    consent: Consent,
    pulse: Pulse,
    /// Counts the peer's nominations, so that the newest wins.
    nominations: u64,
    /// When the last check left; the next leaves no sooner than [`PACING`] later.
    asked_at: Option<Instant>,
    rng: StdRng,
    due: Option<Instant>,
    outgoing: VecDeque<Transmit>,
    events: VecDeque<IceEvent>,
}

impl Ice {
    /// An agent that knows only itself. It answers checks at once, and makes its own from [`Ice::set_remote`] on.
    ///
    /// `controlling`: true for who offers, false for who answers (RFC 8445 §6.1.1); toward an ICE-lite peer it is
    /// always true, whatever is said here. `seed` yields tie breaker, transaction ids and consent jitter.
    pub fn new(now: Instant, ours: Credentials, locals: &[SocketAddr], controlling: bool, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        Ice {
            phase: Phase::Alone,
            controlling,
            tie: rng.random(),
            ours: ours.into(),
            before: None,
            theirs: None,
            locals: Local::hosts(locals),
            candidates: Vec::new(),
            ways: Ways::default(),
            selected: None,
            nominating: None,
            better_until: None,
            consent: Consent::fresh(now, &mut rng),
            pulse: Pulse::default(),
            nominations: 0,
            asked_at: None,
            rng,
            due: None,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Says by which sockets checks may leave, best first: the leg was placed (again). Eight at most count.
    pub fn set_locals(&mut self, now: Instant, locals: &[SocketAddr]) {
        self.locals.retain(|local| local.relayed);
        self.locals.extend(Local::hosts(locals));
        self.ways.keep_locals(&self.locals);
        self.pair_up();
        self.reckon(now);
    }

    /// An address on a relay is ours from now on. If the selected pair is gone, the new ones are asked at once.
    pub fn add_relayed(&mut self, now: Instant, relayed: SocketAddr) {
        let order = self.locals.iter().filter(|local| local.relayed).count();
        if order >= RELAYED_MAX || self.locals.iter().any(|local| local.addr == relayed) {
            return;
        }
        self.locals.push(Local { addr: relayed, priority: sdp::relayed_priority(order), relayed: true });
        self.pair_up();
        if self.phase == Phase::Connected && self.pulse.is_dead() {
            self.ways.all.iter_mut().filter(|way| way.pair.local == relayed).for_each(|way| way.triggered = true);
        }
        self.reckon(now);
    }

    /// An address on a relay is no longer ours. If the selected pair went by it, another is looked for.
    pub fn drop_relayed(&mut self, now: Instant, relayed: SocketAddr) {
        self.locals.retain(|local| !local.relayed || local.addr != relayed);
        self.ways.all.retain(|way| way.pair.local != relayed);
        if self.phase == Phase::Connected && self.selected.is_some_and(|pair| pair.local == relayed) {
            self.pulse.give_up(now);
            self.leave_dead_pair(now);
        }
        self.nominating = self.nominating.filter(|pair| pair.local != relayed);
        self.reckon(now);
    }

    /// Takes the peer's credentials and candidates; checks begin at once. [`IceEvent::Failed`] after 20 s without a
    /// pair.
    pub fn set_remote(&mut self, now: Instant, remote: &sdp::Remote) {
        self.controlling |= remote.ice_lite;
        self.theirs = Some(Theirs {
            key: Key::new(remote.ice_pwd.as_bytes()),
            username: format!("{}:{}", remote.ice_ufrag, self.ours.ufrag),
            lite: remote.ice_lite,
        });
        self.phase = Phase::Checking { give_up_at: now.checked_add(PATIENCE).unwrap_or(now) };
        self.candidates = remote.candidates.iter().map(|candidate| (candidate.addr, candidate.priority)).collect();
        self.candidates.truncate(sdp::CANDIDATES_MAX);
        self.pair_up();
        self.reckon(now);
    }

    /// ICE restart (RFC 8445 §9): new credentials on both sides, everything checked anew. The selected pair stays
    /// selected until another is, or until its consent, which is no longer asked for, expires.
    pub fn restart(&mut self, now: Instant, ours: Credentials, remote: &sdp::Remote) {
        let before = std::mem::replace(&mut self.ours, ours.into());
        self.before = Some(before).filter(|_| self.selected.is_some());
        self.ways = Ways::default();
        self.nominating = None;
        self.better_until = None;
        self.asked_at = None;
        self.set_remote(now, remote);
    }

    /// Takes a datagram that demux called STUN.
    ///
    /// # Errors
    /// Says why it was dropped; nothing is then sent, and nothing has changed.
    pub fn take(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, bytes: &[u8]) -> Result<(), BadCheck> {
        if self.phase == Phase::Silent {
            return Err(BadCheck::Silent);
        }
        let message = Message::parse(bytes).map_err(BadCheck::Stun)?;
        if message.fingerprint() == Some(false) {
            return Err(BadCheck::Fingerprint);
        }
        let taken = match message.class() {
            Some(Class::Request) => self.answer(now, Pair { local, remote: from }, &message),
            Some(Class::Success) => self.answered(now, from, &message),
            Some(Class::Error) => self.refused(now, from, &message),
            // RFC 8445 §11: an indication keeps a NAT open and says nothing.
            Some(Class::Indication) | None => Err(BadCheck::Class),
        };
        self.reckon(now);
        taken
    }

    /// Time has passed: the next check, consent, or the end of patience.
    pub fn wake(&mut self, now: Instant) {
        match self.phase {
            Phase::Checking { give_up_at } if now >= give_up_at => self.fall_silent(IceEvent::Failed),
            Phase::Connected if self.consent.is_lost(now) => self.fall_silent(IceEvent::ConsentLost),
            Phase::Checking { .. } => {
                if self.consent.is_lost(now) && self.selected.take().is_some() {
                    self.tell(IceEvent::Unselected);
                }
                self.ask_next(now);
            }
            Phase::Connected => {
                self.ask_next(now);
                self.ask_consent(now);
                self.feel_pulse(now);
            }
            Phase::Alone | Phase::Silent => {}
        }
        self.reckon(now);
    }

    /// Authentic media came by the selected pair.
    pub fn hear(&mut self, now: Instant) {
        if self.pulse.beat(now) {
            self.reckon(now);
        }
    }

    /// The next datagram to be sent.
    pub fn give(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    /// When [`Ice::wake`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The pair media goes by. Nothing before the first is nominated, and after consent was lost.
    pub fn selected(&self) -> Option<Pair> {
        self.selected
    }

    /// Whether a check with good integrity came from `from`, or it answered one of ours (design D16).
    pub fn is_valid_source(&self, from: SocketAddr) -> bool {
        let is_selected = self.selected.is_some_and(|pair| pair.remote == from);
        is_selected || (self.phase != Phase::Silent && self.ways.has_heard(from))
    }

    /// The next thing that happened.
    pub fn take_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    /// Our user fragment, by which a check from an unknown address is routed to this leg.
    pub fn ufrag(&self) -> &str {
        &self.ours.ufrag
    }

    /// The user fragment before a restart, as long as its checks are still answered.
    pub fn ufrag_before(&self) -> Option<&str> {
        self.before.as_ref().map(|ours| ours.ufrag.as_str())
    }

    fn pair_up(&mut self) {
        for &(addr, priority) in &self.candidates {
            self.ways.pair_up(&self.locals, addr, priority, self.controlling);
        }
    }

    fn select(&mut self, now: Instant, pair: Pair) {
        if let Some(way) = self.ways.find(pair) {
            way.wanted = false;
        }
        self.nominating = None;
        self.better_until = None;
        self.before = None;
        self.phase = Phase::Connected;
        self.consent = Consent::fresh(now, &mut self.rng);
        self.pulse = Pulse::default();
        self.ways.all.iter_mut().for_each(|way| way.insisted = 0);
        if self.controlling {
            // RFC 8445 §8.1.2: once one is nominated the others are asked no more.
            for way in self.ways.all.iter_mut().filter(|way| way.pair != pair) {
                way.check = None;
                way.triggered = false;
            }
        }
        self.selected = Some(pair);
        self.tell(IceEvent::Selected(pair));
    }

    fn fall_silent(&mut self, why: IceEvent) {
        self.phase = Phase::Silent;
        self.selected = None;
        self.before = None;
        self.outgoing.clear();
        self.tell(why);
    }

    fn tell(&mut self, event: IceEvent) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(event);
        }
    }

    fn send(&mut self, pair: Pair, packet: Packet) {
        if self.outgoing.len() < OUTGOING_MAX {
            self.outgoing.push_back(Transmit { local: pair.local, to: pair.remote, packet });
        }
    }

    /// Finds out when to be woken, after anything has changed.
    fn reckon(&mut self, now: Instant) {
        self.due = match self.phase {
            Phase::Alone | Phase::Silent => None,
            Phase::Checking { give_up_at } => {
                let lost_at = self.selected.and_then(|_| self.consent.lost_at());
                [self.next_ask(now), lost_at, Some(give_up_at)].into_iter().flatten().min()
            }
            Phase::Connected => {
                [self.next_ask(now), self.pulse.due(), Some(self.consent.due())].into_iter().flatten().min()
            }
        };
    }
}

/// An address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Local {
    addr: SocketAddr,
    /// Of the candidate we tell the peer of it.
    priority: u32,
    /// On a relay, not on a socket of this machine.
    relayed: bool,
}

impl Local {
    fn hosts(addrs: &[SocketAddr]) -> Vec<Local> {
        let host = |(order, addr): (usize, &SocketAddr)| Local {
            addr: *addr,
            priority: sdp::host_priority(order),
            relayed: false,
        };
        addrs.iter().take(LOCALS_MAX).enumerate().map(host).collect()
    }
}

/// A way: by which socket, to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The socket, as the caller names it.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The socket it leaves by.
    pub local: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// What it says.
    pub packet: Packet,
}

/// What became of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceEvent {
    /// Media goes by this pair from now on: the first time, or after the peer moved.
    Selected(Pair),
    /// The pair from before a restart has lost its consent while no other is found: nothing goes by it any more.
    Unselected,
    /// No pair in 20 s. The agent is silent from now on, until a restart.
    Failed,
    /// The peer has not renewed its consent for 30 s. The agent is silent from now on, until a restart.
    ConsentLost,
}

/// Why a STUN message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadCheck {
    /// It is not a well-formed message.
    #[error("ice check: {0}")]
    Stun(BadStun),
    /// Its integrity is missing or wrong.
    #[error("ice check: {0}")]
    Unproven(Unproven),
    /// Its FINGERPRINT is wrong.
    #[error("ice check has a wrong fingerprint")]
    Fingerprint,
    /// It is for another user fragment.
    #[error("ice check is for another agent")]
    Username,
    /// It is neither a binding request nor an answer.
    #[error("stun message is no ice check")]
    Class,
    /// It answers nothing we asked.
    #[error("stun answer to no question of ours")]
    Unasked,
    /// It answers our question from another address (RFC 8445 §7.2.5.2.1).
    #[error("stun answer from another address")]
    Source,
    /// PRIORITY or the role is missing in a request.
    #[error("ice check lacks priority or role")]
    Incomplete,
    /// The agent has failed or lost consent.
    #[error("ice agent is silent")]
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer's description is not known yet.
    Alone,
    Checking {
        give_up_at: Instant,
    },
    Connected,
    Silent,
}

/// How long a pair is looked for.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Ta of RFC 8445 §14.2.
pub const PACING: Duration = Duration::from_millis(50);
/// How long an answered check proves that the peer is there.
const PROVEN_FOR: Duration = Duration::from_secs(5);
const LOCALS_MAX: usize = 8;
const RELAYED_MAX: usize = 2;
/// The engine drains after every call, so more than a few never wait.
const OUTGOING_MAX: usize = 32;
const EVENTS_MAX: usize = 8;

#[cfg(test)]
mod tests;
