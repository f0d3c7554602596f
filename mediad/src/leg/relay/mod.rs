//! How a leg is reached from outside: what STUN servers say of its socket, and an address on a TURN server.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod plan;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use plan::{LoginKind, Plan, TurnServer};

use super::turn::{Inner, Loss, Turn, TurnEvent};
use crate::base::count::DropReason;
use crate::base::outbox::{Outbox, Path};
use crate::base::packet::Packet;
use crate::wire::stun::turn::where_am_i;
use crate::wire::stun::{Class, Message, Transaction};

/// The leg's addresses beyond its own sockets. It asks the servers of its plan in turn until one grants an address,
/// and goes on to the next when that one is lost.
#[derive(Debug)]
pub struct Relay {
    plan: Plan,
    /// The server that is asked, used, or asked next.
    at: usize,
    turn: Option<Box<Turn>>,
    /// Addresses that were ours: nothing leaves by them any more.
    gone: VecDeque<SocketAddr>,
    /// Servers that failed since one last granted an address.
    failures: usize,
    last_loss: Option<Loss>,
    /// When the engine is to be asked for a port to the next server.
    want_at: Option<Instant>,
    /// It was never granted, or media goes straight: the leg can do without.
    is_spare: bool,
    queries: Vec<Query>,
    keeps_open: bool,
    mapped: Vec<SocketAddr>,
    /// Until when a description waits for addresses.
    gather_until: Option<Instant>,
    rng: StdRng,
    news: VecDeque<RelayNews>,
    outgoing: VecDeque<(Path, Packet)>,
}

/// A question to a STUN server.
#[derive(Debug)]
struct Query {
    path: Path,
    transaction: Transaction,
    sends: u32,
    next_at: Option<Instant>,
    /// When it is asked again so that a NAT does not forget us.
    again_at: Option<Instant>,
}

/// What the leg and the engine must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayNews {
    /// A port towards this server is wanted: [`Relay::begin`].
    Wanted(TurnServer),
    /// This address is ours.
    Up {
        /// On the server.
        relayed: SocketAddr,
        /// It replaces one that was lost.
        again: bool,
        /// The server's name and address.
        server: String,
    },
    /// The server is lost, or refused. Its port is free again.
    Lost {
        /// The address that was ours, if there was one.
        relayed: Option<SocketAddr>,
        /// The server's name and address.
        server: String,
        /// Why.
        why: Loss,
    },
    /// All there is to be known is known: a description may be written.
    Gathered,
}

/// What a datagram is to the leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// A peer's, straight.
    Direct,
    /// A peer's, through the relay: the path it seems to have come.
    Relayed(Path),
    /// A server's own words.
    Server,
}

impl Relay {
    /// Begins to ask. `hosts` are the leg's own sockets, best first.
    pub fn new(now: Instant, mut plan: Plan, hosts: &[SocketAddr], seed: u64) -> Self {
        plan.stun.truncate(SERVERS_MAX);
        plan.turn.truncate(SERVERS_MAX);
        let mut rng = StdRng::seed_from_u64(seed);
        let queries = match plan.only {
            true => Vec::new(),
            false => queries(now, &plan.stun, hosts, &mut rng),
        };
        let patience = if plan.only { PATIENCE_ONLY } else { PATIENCE };
        let want_at = Some(now).filter(|_| !plan.turn.is_empty());
        let mut relay = Relay {
            plan,
            at: 0,
            turn: None,
            gone: VecDeque::new(),
            failures: 0,
            last_loss: None,
            want_at,
            is_spare: true,
            queries,
            keeps_open: false,
            mapped: Vec::new(),
            gather_until: now.checked_add(patience),
            rng,
            news: VecDeque::new(),
            outgoing: VecDeque::new(),
        };
        relay.wake(now);
        relay
    }

    /// The engine's answer to [`RelayNews::Wanted`]: by which path the server is to be spoken to. Nothing: no port is free.
    pub fn begin(&mut self, now: Instant, path: Option<Path>, wall_secs: u64) {
        let Some(server) = self.plan.turn.get(self.at) else { return };
        match path {
            Some(path) => {
                let (account, seed) = (server.login.account(wall_secs), self.rng.random());
                self.turn = Some(Box::new(Turn::new(now, path, server.transport, account, seed)));
            }
            None => self.fail(now),
        }
        self.settle(now);
    }

    /// Takes a datagram that was routed to the leg.
    ///
    /// # Errors
    /// Why it is dropped.
    pub fn take(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Result<Came, DropReason> {
        // The same server may be asked by the same socket for both.
        if self.is_answer(now, path, packet) {
            self.settle(now);
            return Ok(Came::Server);
        }
        let is_server =
            |turn: &&mut Box<Turn>| turn.path().remote == path.remote && turn.path().local.port() == path.local.port();
        if let Some(turn) = self.turn.as_mut().filter(is_server) {
            let inner = turn.take(now, packet).map_err(|_| DropReason::TurnRefused)?;
            let relayed = turn.relayed();
            self.settle(now);
            return match (inner, relayed) {
                (Inner::Peer(remote), Some(local)) => Ok(Came::Relayed(Path { local, remote })),
                (Inner::Peer(_), None) => Err(DropReason::TurnRefused),
                (Inner::Server, _) => Ok(Came::Server),
            };
        }
        if self.plan.only { Err(DropReason::NotRelayed) } else { Ok(Came::Direct) }
    }

    /// The stream to a server broke.
    pub fn disconnected(&mut self, now: Instant, path: Path) {
        if let Some(turn) = self.turn.as_mut().filter(|turn| turn.path() == path) {
            turn.disconnected();
            self.settle(now);
        }
    }

    /// Makes what the leg has just written fit the way it goes: through the relay, straight, or not at all.
    pub fn wrap(&mut self, now: Instant, out: &mut Outbox, from: usize) -> u64 {
        let (turn, gone, only) = (&mut self.turn, &self.gone, self.plan.only);
        let relayed = turn.as_ref().and_then(|turn| turn.relayed());
        let servers: Option<Path> = turn.as_ref().map(|turn| turn.path());
        let mut leaks = 0u64;
        out.retain_from(from, |path, packet| {
            if servers == Some(*path) {
                return true;
            }
            if Some(path.local) == relayed {
                let Some(turn) = turn.as_mut() else { return false };
                let fits = turn.wrap(now, path.remote, packet);
                *path = turn.path();
                return fits;
            }
            let stale = gone.contains(&path.local);
            leaks = leaks.saturating_add(u64::from(only && !stale));
            !only && !stale
        });
        // What waited for a permission asks for it now.
        self.settle(now);
        leaks
    }

    /// Media goes from `local` to `remote` from now on.
    pub fn selected(&mut self, now: Instant, way: Path) {
        let relayed = self.relayed() == Some(way.local);
        self.is_spare = !relayed;
        if let Some(turn) = self.turn.as_mut().filter(|_| relayed) {
            turn.bind(now, way.remote);
        }
        self.settle(now);
    }

    /// Whether the peer is still to be told of us, so that what NATs remember must be kept up meanwhile.
    pub fn keep_open(&mut self, keeps_open: bool) {
        self.keeps_open = keeps_open;
        if !keeps_open {
            self.queries.iter_mut().for_each(|query| query.again_at = None);
        }
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Instant) {
        if let Some(turn) = self.turn.as_mut() {
            turn.wake(now);
        }
        for query in self.queries.iter_mut().filter(|query| query.next_at.is_some_and(|at| now >= at)) {
            query.sends = query.sends.saturating_add(1);
            query.next_at = now.checked_add(RESEND).filter(|_| query.sends <= SENDS_MAX);
            if query.sends <= SENDS_MAX {
                self.outgoing.push_back((query.path, where_am_i(query.transaction)));
            }
        }
        for query in self.queries.iter_mut().filter(|query| query.again_at.is_some_and(|at| now >= at)) {
            query.again_at = now.checked_add(KEEP_OPEN).filter(|_| self.keeps_open);
            self.outgoing.push_back((query.path, where_am_i(query.transaction)));
        }
        if self.want_at.is_some_and(|at| now >= at) {
            self.want_at = None;
            self.news.extend(self.plan.turn.get(self.at).cloned().map(RelayNews::Wanted));
        }
        self.settle(now);
    }

    /// When [`Relay::wake`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        let queries = self.queries.iter().flat_map(|query| [query.next_at, query.again_at]).flatten().min();
        let turn = self.turn.as_ref().and_then(|turn| turn.due());
        [queries, turn, self.want_at, self.gather_until].into_iter().flatten().min()
    }

    /// The next datagram for a server.
    pub fn give(&mut self) -> Option<(Path, Packet)> {
        if let Some(sent) = self.outgoing.pop_front() {
            return Some(sent);
        }
        let turn = self.turn.as_mut()?;
        turn.give().map(|packet| (turn.path(), packet))
    }

    /// The next thing that happened.
    pub fn news(&mut self) -> Option<RelayNews> {
        self.news.pop_front()
    }

    /// Gives the address back.
    pub fn close(&mut self, now: Instant) {
        if let Some(turn) = self.turn.as_mut() {
            turn.close(now);
        }
        self.want_at = None;
        self.queries.clear();
    }

    /// Whether a description still waits for addresses.
    pub fn is_gathering(&self) -> bool {
        self.gather_until.is_some()
    }

    /// Nothing may go straight.
    pub fn only(&self) -> bool {
        self.plan.only
    }

    /// The servers.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Our addresses on relays.
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.turn.as_ref()?.relayed()
    }

    /// Our own sockets as servers see them.
    pub fn mapped(&self) -> &[SocketAddr] {
        &self.mapped
    }

    /// Why there is no address, if there is none.
    pub fn last_loss(&self) -> Option<Loss> {
        self.last_loss
    }

    /// The server under way.
    pub fn server(&self) -> Option<&TurnServer> {
        self.plan.turn.get(self.at)
    }

    fn is_answer(&mut self, now: Instant, path: Path, packet: &Packet) -> bool {
        let Some(query) = self.queries.iter_mut().find(|query| query.path.remote == path.remote) else { return false };
        let Ok(message) = Message::parse(packet.as_slice()) else { return false };
        let answers = matches!(message.class(), Some(Class::Success | Class::Error));
        if !answers || query.transaction != message.transaction() {
            return false;
        }
        query.next_at = None;
        query.again_at = now.checked_add(KEEP_OPEN).filter(|_| self.keeps_open);
        if let Some(mapped) = message.mapped()
            && !self.mapped.contains(&mapped)
            && self.mapped.len() < SERVERS_MAX
        {
            self.mapped.push(mapped);
        }
        true
    }

    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.turn.as_mut().and_then(|turn| turn.take_event()) {
            match event {
                TurnEvent::Up { relayed, .. } => self.come_up(relayed),
                TurnEvent::Dead(why) => self.lose(now, why),
            }
        }
        let Some(until) = self.gather_until else { return };
        let asked = self.queries.iter().all(|query| query.next_at.is_none());
        let count = self.plan.turn.len();
        let relays = count == 0 || self.relayed().is_some() || self.failures >= count;
        if now >= until || (asked && relays) {
            self.gather_until = None;
            if self.relayed().is_none() && !self.plan.only {
                // A leg that can do without is not kept waiting for the next server.
                self.want_at = None;
            }
            self.news.push_back(RelayNews::Gathered);
        }
    }

    fn come_up(&mut self, relayed: SocketAddr) {
        let again = self.last_loss.is_some() && !self.is_gathering();
        self.gone.retain(|gone| *gone != relayed);
        self.failures = 0;
        self.is_spare = false;
        let server = self.server().map(named).unwrap_or_default();
        self.news.push_back(RelayNews::Up { relayed, again, server });
    }

    fn lose(&mut self, now: Instant, why: Loss) {
        let server = self.server().map(named).unwrap_or_default();
        let relayed = self.gone_address();
        self.last_loss = Some(why);
        self.turn = None;
        self.news.push_back(RelayNews::Lost { relayed, server, why });
        self.fail(now);
    }

    /// The address that an `Up` named and that is no more.
    fn gone_address(&mut self) -> Option<SocketAddr> {
        let relayed = self.turn.as_ref()?.was_relayed()?;
        self.gone.push_back(relayed);
        if self.gone.len() > GONE_MAX {
            self.gone.pop_front();
        }
        Some(relayed)
    }

    /// The next server, after a pause when all have failed.
    fn fail(&mut self, now: Instant) {
        let count = self.plan.turn.len().max(1);
        self.failures = self.failures.saturating_add(1);
        self.at = self.at.saturating_add(1).checked_rem(count).unwrap_or(0);
        let wanted = self.is_gathering() || self.plan.only || !self.is_spare;
        let round = self.failures.checked_rem(count) == Some(0);
        let pause = if round { PAUSE } else { Duration::ZERO };
        self.want_at = now.checked_add(pause).filter(|_| wanted);
    }
}

fn queries(now: Instant, servers: &[SocketAddr], hosts: &[SocketAddr], rng: &mut StdRng) -> Vec<Query> {
    let to = |server: &SocketAddr| {
        let local = hosts.iter().copied().find(|host| host.is_ipv4() == server.is_ipv4())?;
        let (path, transaction) = (Path { local, remote: *server }, Transaction(rng.random()));
        Some(Query { path, transaction, sends: 0, next_at: Some(now), again_at: None })
    };
    servers.iter().filter_map(to).collect()
}

fn named(server: &TurnServer) -> String {
    format!("{} ({})", server.name, server.addr)
}

/// Servers of one kind for one leg.
pub const SERVERS_MAX: usize = 4;
/// How long a description waits for addresses it can do without, and for the one it cannot.
const PATIENCE: Duration = Duration::from_millis(2_500);
const PATIENCE_ONLY: Duration = Duration::from_millis(4_500);
/// Between two rounds over servers that all fail.
const PAUSE: Duration = Duration::from_secs(5);
/// Shorter than any NAT forgets.
const KEEP_OPEN: Duration = Duration::from_secs(15);
const RESEND: Duration = Duration::from_millis(300);
const SENDS_MAX: u32 = 4;
const GONE_MAX: usize = 8;

#[cfg(test)]
mod tests;
