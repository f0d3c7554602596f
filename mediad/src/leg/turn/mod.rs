//! One allocation on a TURN server: won, kept, used, given back, and its loss noticed (RFC 8656).
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod asking;
mod peers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::asking::Request;
use self::peers::Peers;
use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::wire::stun::turn::{Ask, Login, Method, send_indication};
use crate::wire::stun::{BadStun, Class, Message, Transaction};
use crate::wire::turn::{Transport, channel_head, read_channel_data};

/// The client's side of one allocation. It asks for nothing but an IPv4 address for UDP.
///
/// Bytes that are not the server's never get here: the engine routes by port and server address. What is inside a
/// relayed packet is as much to be believed as a datagram from its peer, which is not at all before ICE, DTLS and SRTP
/// have proven it.
#[derive(Debug)]
pub struct Turn {
    /// Our side and the server.
    path: Path,
    transport: Transport,
    account: Account,
    login: Option<Login>,
    phase: Phase,
    granted: Option<SocketAddr>,
    requests: Vec<Request>,
    peers: Peers,
    /// When the server last said anything.
    heard_at: Instant,
    refresh_at: Option<Instant>,
    rng: StdRng,
    outgoing: VecDeque<Packet>,
    events: VecDeque<TurnEvent>,
}

/// Who we are to a TURN server.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Long-term name, or `expiry:name` of a time-limited login.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.username)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Allocating,
    Up { relayed: SocketAddr },
    Dead,
}

/// What became of the allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEvent {
    /// It is there.
    Up {
        /// The address the server holds for us.
        relayed: SocketAddr,
        /// Our own address as the server sees it.
        mapped: Option<SocketAddr>,
    },
    /// It is gone or was never granted; nothing more comes from here.
    Dead(Loss),
}

/// Why there is no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Loss {
    /// The server does not answer.
    #[error("the turn server does not answer")]
    NoAnswer,
    /// The server refuses, with the error code it gave.
    #[error("the turn server refuses with {0}")]
    Refused(u16),
    /// The server answers without what an answer must hold.
    #[error("the turn server's answer makes no sense")]
    Senseless,
    /// Name or password hold characters that accounts may not have.
    #[error("the turn account holds characters it may not")]
    Account,
    /// The connection to the server broke.
    #[error("the connection to the turn server broke")]
    Disconnected,
}

/// What a datagram from the server was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inner {
    /// The server's own words.
    Server,
    /// A peer's datagram; the packet now holds it alone.
    Peer(SocketAddr),
}

/// Why a datagram from the server was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadTurn {
    /// It is no STUN message and no ChannelData.
    #[error("turn: {0}")]
    Stun(BadStun),
    /// A channel we bound to nobody.
    #[error("turn channel data of an unknown channel")]
    Channel,
    /// It answers nothing we asked.
    #[error("turn answer to no question of ours")]
    Unasked,
    /// Its integrity is missing or wrong.
    #[error("turn answer is not the server's")]
    Unproven,
    /// It is neither an answer nor a peer's data, or lacks an attribute.
    #[error("turn message makes no sense")]
    Senseless,
    /// The allocation is gone.
    #[error("turn message for a lost allocation")]
    Dead,
}

impl Turn {
    /// Begins to ask `path.remote` for an address. A stream is given its packets in the same way; it must not lose any.
    pub fn new(now: Instant, path: Path, transport: Transport, account: Account, seed: u64) -> Self {
        let mut turn = Turn {
            path,
            transport,
            account,
            login: None,
            phase: Phase::Allocating,
            granted: None,
            requests: Vec::new(),
            peers: Peers::default(),
            heard_at: now,
            refresh_at: None,
            rng: StdRng::seed_from_u64(seed),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        };
        turn.ask(now, Ask::Allocate);
        turn
    }

    /// Takes a datagram that came from the server. A peer's is unwrapped in place.
    ///
    /// # Errors
    /// Says why it was dropped; nothing has changed then.
    pub fn take(&mut self, now: Instant, packet: &mut Packet) -> Result<Inner, BadTurn> {
        if self.phase == Phase::Dead {
            return Err(BadTurn::Dead);
        }
        if packet.as_slice().first().is_some_and(|first| first >> 6 == 1) {
            let (number, data) = read_channel_data(packet.as_slice()).ok_or(BadTurn::Senseless)?;
            let peer = self.peers.of_channel(number).ok_or(BadTurn::Channel)?;
            self.heard_at = now;
            return keep(packet, data).map(|()| Inner::Peer(peer));
        }
        let message = Message::parse(packet.as_slice()).map_err(BadTurn::Stun)?;
        match message.about() {
            Some((Method::Data, Class::Indication)) => {
                let (peer, data) = message.peer().zip(message.data()).ok_or(BadTurn::Senseless)?;
                self.heard_at = now;
                keep(packet, data).map(|()| Inner::Peer(peer))
            }
            Some((method, class @ (Class::Success | Class::Error))) => {
                self.take_answer(now, method, class, &message)?;
                Ok(Inner::Server)
            }
            _ => Err(BadTurn::Senseless),
        }
    }

    /// Wraps a datagram for `peer` in place. False if it cannot leave: then it is dropped, or held until the server has
    /// permitted the peer.
    pub fn wrap(&mut self, now: Instant, peer: SocketAddr, packet: &mut Packet) -> bool {
        if !matches!(self.phase, Phase::Up { .. }) || !peer.is_ipv4() {
            return false;
        }
        if let Some(number) = self.peers.channel_of(peer) {
            return frame(number, packet);
        }
        match self.peers.is_permitted(peer.ip()) {
            Some(true) => {
                let Some(wrapped) = send_indication(self.fresh(), peer, packet.as_slice()) else { return false };
                packet.clear();
                packet.extend(wrapped.as_slice())
            }
            Some(false) => {
                self.peers.hold(peer, packet);
                false
            }
            None => {
                if self.peers.want(peer.ip()) {
                    self.peers.hold(peer, packet);
                    self.ask(now, Ask::Permit(peer.ip()));
                }
                false
            }
        }
    }

    /// Media goes to `peer` from now on: a channel makes it four bytes longer instead of thirty-six.
    pub fn bind(&mut self, now: Instant, peer: SocketAddr) {
        if !matches!(self.phase, Phase::Up { .. }) || !peer.is_ipv4() {
            return;
        }
        if let Some(number) = self.peers.want_channel(peer) {
            self.ask(now, Ask::Bind(number, peer));
        }
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Instant) {
        if self.phase == Phase::Dead {
            return;
        }
        self.resend(now);
        if !matches!(self.phase, Phase::Up { .. }) {
            return;
        }
        let is_asking = self.requests.iter().any(|request| matches!(request.ask, Ask::Refresh(_)));
        if !is_asking && (self.refresh_at.is_some_and(|at| now >= at) || now >= self.quiet_at()) {
            self.ask(now, Ask::Refresh(LIFETIME_SECS));
        }
        while let Some(ask) = self.peers.renew(now) {
            self.ask(now, ask);
        }
    }

    /// The next datagram for the server.
    pub fn give(&mut self) -> Option<Packet> {
        self.outgoing.pop_front()
    }

    /// When [`Turn::wake`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        let resend = self.requests.iter().map(Request::due).min();
        match self.phase {
            Phase::Dead => None,
            Phase::Allocating => resend,
            Phase::Up { .. } => {
                let is_asking = self.requests.iter().any(|request| matches!(request.ask, Ask::Refresh(_)));
                let refresh = self.refresh_at.map(|at| at.min(self.quiet_at())).filter(|_| !is_asking);
                [resend, refresh, self.peers.due()].into_iter().flatten().min()
            }
        }
    }

    /// The next thing that happened.
    pub fn take_event(&mut self) -> Option<TurnEvent> {
        self.events.pop_front()
    }

    /// The address the server holds for us.
    pub fn relayed(&self) -> Option<SocketAddr> {
        match self.phase {
            Phase::Up { relayed } => Some(relayed),
            Phase::Allocating | Phase::Dead => None,
        }
    }

    /// The address the server holds, or held, for us.
    pub fn was_relayed(&self) -> Option<SocketAddr> {
        self.granted
    }

    /// Our side and the server.
    pub fn path(&self) -> Path {
        self.path
    }

    /// How the server is spoken to.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The connection to the server broke.
    pub fn disconnected(&mut self) {
        self.die(Loss::Disconnected);
    }

    /// Gives the address back. One try: the server forgets by itself.
    pub fn close(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Up { .. }) {
            self.requests.clear();
            self.ask(now, Ask::Refresh(0));
        }
        self.phase = Phase::Dead;
        self.requests.clear();
    }

    /// When a server that has said nothing is asked whether it is still there.
    fn quiet_at(&self) -> Instant {
        let patience = if self.peers.has_channels() { QUIET_IN_USE } else { QUIET_AT_REST };
        self.heard_at.checked_add(patience).unwrap_or(self.heard_at)
    }

    fn come_up(&mut self, now: Instant, message: &Message<'_>) {
        let Some(relayed) = message.relayed().filter(|relayed| relayed.is_ipv4() && relayed.port() != 0) else {
            return self.die(Loss::Senseless);
        };
        self.phase = Phase::Up { relayed };
        self.granted = Some(relayed);
        self.refresh_after(now, message);
        self.tell(TurnEvent::Up { relayed, mapped: message.mapped() });
    }

    fn refresh_after(&mut self, now: Instant, message: &Message<'_>) {
        // A server that says 0 or a year is not let to decide how often we ask.
        let granted = message.lifetime_secs().unwrap_or(LIFETIME_SECS).clamp(LIFETIME_SECS_MIN, LIFETIME_SECS_MAX);
        let wait = Duration::from_secs(u64::from(granted.saturating_sub(MARGIN_SECS).max(granted / 2)));
        self.refresh_at = now.checked_add(wait);
    }

    fn die(&mut self, why: Loss) {
        if self.phase != Phase::Dead {
            self.phase = Phase::Dead;
            self.requests.clear();
            self.outgoing.clear();
            self.tell(TurnEvent::Dead(why));
        }
    }

    fn tell(&mut self, event: TurnEvent) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(event);
        }
    }

    fn send(&mut self, packet: Packet) {
        if self.outgoing.len() < OUTGOING_MAX {
            self.outgoing.push_back(packet);
        }
    }

    fn fresh(&mut self) -> Transaction {
        Transaction(self.rng.random())
    }
}

/// Leaves of the packet only what lies in `range`.
fn keep(packet: &mut Packet, range: std::ops::Range<usize>) -> Result<(), BadTurn> {
    let len = range.len();
    let bytes = packet.as_mut_slice();
    if range.end > bytes.len() || range.start > range.end {
        return Err(BadTurn::Senseless);
    }
    bytes.copy_within(range, 0);
    packet.truncate(len);
    Ok(())
}

/// Puts the head of a channel before the packet.
fn frame(number: u16, packet: &mut Packet) -> bool {
    let len = packet.len();
    let Some(head) = channel_head(number, len) else { return false };
    if packet.grow(head.len()).is_none() {
        return false;
    }
    let bytes = packet.as_mut_slice();
    bytes.copy_within(..len, head.len());
    if let Some(room) = bytes.first_chunk_mut::<4>() {
        *room = head;
    }
    true
}

/// What is asked for, in seconds (RFC 8656 §7.1), and what a server may make of it.
const LIFETIME_SECS: u32 = 600;
const LIFETIME_SECS_MIN: u32 = 60;
const LIFETIME_SECS_MAX: u32 = 3_600;
const MARGIN_SECS: u32 = 60;
/// A server through which media flows is never silent for long.
const QUIET_IN_USE: Duration = Duration::from_secs(3);
/// Shorter than any NAT forgets us.
const QUIET_AT_REST: Duration = Duration::from_secs(25);
const OUTGOING_MAX: usize = 32;
const EVENTS_MAX: usize = 8;

#[cfg(test)]
mod tests;
