//! Finds the way to the peer, keeps the proof that it still wants our packets, and follows when it moves.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::net::SocketAddr;
use std::time::Instant;

use crate::base::packet::Packet;
use crate::wire::sdp;
use crate::wire::stun::{BadStun, Unproven};

/// The ICE agent of one leg: one component, host and peer-reflexive candidates (RFC 8445), consent (RFC 7675).
///
/// `local` addresses are opaque to it: whatever names the socket a datagram came in by, and must leave by. An answer
/// leaves by the `local` its question came to.
#[derive(Debug)]
pub struct Ice {
    outgoing: std::collections::VecDeque<Transmit>,
}

impl Ice {
    /// An agent that knows only itself. It answers checks at once, and makes its own from [`Ice::set_remote`] on.
    ///
    /// `controlling`: true for who offers, false for who answers (RFC 8445 §6.1.1); toward an ICE-lite peer it is
    /// always true, whatever is said here.
    /// `seed` yields tie breaker, transaction ids and consent jitter.
    pub fn new(now: Instant, ours: Credentials, locals: &[SocketAddr], controlling: bool, seed: u64) -> Self {
        let _ = (now, ours, locals, controlling, seed);
        Ice { outgoing: Default::default() }
    }

    /// Says by which sockets checks may leave, best first: the leg was placed (again).
    pub fn set_locals(&mut self, now: Instant, locals: &[SocketAddr]) {
        let _ = (now, locals);
    }

    /// Takes the peer's credentials and candidates; checks begin at once. [`IceEvent::Failed`] after 20 s without a
    /// pair.
    pub fn set_remote(&mut self, now: Instant, remote: &sdp::Remote) {
        let _ = (now, remote);
    }

    /// ICE restart (RFC 8445 §9): new credentials on both sides, everything checked anew. The selected pair stays
    /// selected until another is; only its consent is no longer asked for.
    pub fn restart(&mut self, now: Instant, ours: Credentials, remote: &sdp::Remote) {
        let _ = (now, ours, remote);
    }

    /// Takes a datagram that demux called STUN.
    ///
    /// # Errors
    /// Says why it was dropped; nothing is then sent, and nothing has changed.
    pub fn take(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, bytes: &[u8]) -> Result<(), BadCheck> {
        let _ = (now, local, from, bytes);
        Ok(())
    }

    /// Time has passed: the next check, consent, or the end of patience.
    pub fn wake(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next datagram to be sent.
    pub fn give(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    /// When [`Ice::wake`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        None
    }

    /// The pair media goes by. Nothing before the first is nominated, and after consent was lost.
    pub fn selected(&self) -> Option<Pair> {
        None
    }

    /// Whether a check with good integrity came from `from`, or it answered one of ours (design D16).
    pub fn is_valid_source(&self, from: SocketAddr) -> bool {
        let _ = from;
        false
    }

    /// The next thing that happened.
    pub fn take_event(&mut self) -> Option<IceEvent> {
        None
    }

    /// Our user fragment, by which a check from an unknown address is routed to this leg.
    pub fn ufrag(&self) -> &str {
        ""
    }
}

/// Our user fragment and password of one generation.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// 24 characters.
    pub ufrag: String,
    /// 32 characters.
    pub pwd: String,
}

impl Credentials {
    /// Fresh ones: 144 and 192 bits of what `rng` gives, which must be unpredictable.
    pub fn generate(rng: &mut impl rand::Rng) -> Self {
        let _ = rng;
        Credentials { ufrag: String::new(), pwd: String::new() }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.ufrag)
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
