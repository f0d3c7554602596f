//! The candidate pairs of one generation, bounded and ordered.

use std::net::SocketAddr;
use std::time::Instant;

use super::{Local, Pair};
use crate::wire::stun::Transaction;

/// One candidate pair and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) pair: Pair,
    /// RFC 8445 §6.1.2.3; higher is tried first.
    pub(super) priority: u64,
    remote_priority: u32,
    local_priority: u32,
    /// Learnt from a check, not from the description.
    reflexive: bool,
    pub(super) state: WayState,
    /// When a proven check last came from its remote end, or one of ours was answered.
    pub(super) heard_at: Option<Instant>,
    pub(super) check: Option<Check>,
    /// A check is to be made before its turn.
    pub(super) triggered: bool,
    /// When the peer, being in control, last nominated it, as a running number.
    pub(super) nominated: Option<u64>,
    /// Nominated again and again while the selected pair was not.
    pub(super) insisted: u32,
    /// To be selected when its check succeeds.
    pub(super) wanted: bool,
}

/// How far a pair's check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WayState {
    /// Not asked yet.
    Waiting,
    /// Asked, not answered.
    Asked,
    /// It answered at this time.
    Good(Instant),
    /// Given up.
    Bad,
}

/// A question under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub(super) transaction: Transaction,
    pub(super) nominate: bool,
    pub(super) sends: u32,
    pub(super) resend_at: Instant,
}

/// All pairs, at most [`PAIRS_MAX`], of at most [`REMOTES_MAX`] remote addresses.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub(super) all: Vec<Way>,
}

impl Ways {
    /// Pairs a remote candidate of the description with every local address of its family.
    pub(super) fn pair_up(&mut self, locals: &[Local], remote: SocketAddr, remote_priority: u32, controlling: bool) {
        for local in locals {
            let pair = Pair { local: local.addr, remote };
            if let Some(way) = self.find(pair) {
                way.reflexive = false;
                way.remote_priority = remote_priority;
                way.prioritise(controlling);
            } else if local.addr.is_ipv4() == remote.is_ipv4() && self.has_room(remote) {
                let mut way = Way::new(pair, local.priority, remote_priority, false);
                way.prioritise(controlling);
                self.all.push(way);
            }
        }
    }

    /// The pair of a proven check; a new one takes the place of the one that was silent longest if need be. Nothing if
    /// all places are taken by better ones.
    pub(super) fn learn(
        &mut self,
        pair: Pair,
        (local_priority, remote_priority): (u32, u32),
        controlling: bool,
        keep: Option<Pair>,
    ) -> Option<&mut Way> {
        if let Some(at) = self.all.iter().position(|way| way.pair == pair) {
            return self.all.get_mut(at);
        }
        if !self.has_room(pair.remote) {
            let silent = |way: &&Way| way.reflexive && Some(way.pair) != keep;
            let gone = self.all.iter().filter(silent).min_by_key(|way| way.heard_at)?.pair;
            self.all.retain(|way| way.pair.remote != gone.remote || !way.reflexive || Some(way.pair) == keep);
        }
        if !self.has_room(pair.remote) {
            return None;
        }
        let mut way = Way::new(pair, local_priority, remote_priority, true);
        way.prioritise(controlling);
        self.all.push(way);
        self.all.last_mut()
    }

    pub(super) fn find(&mut self, pair: Pair) -> Option<&mut Way> {
        self.all.iter_mut().find(|way| way.pair == pair)
    }

    pub(super) fn asked_by(&self, transaction: Transaction) -> Option<&Way> {
        self.all.iter().find(|way| way.check.is_some_and(|check| check.transaction == transaction))
    }

    pub(super) fn has_heard(&self, remote: SocketAddr) -> bool {
        self.all.iter().any(|way| way.heard_at.is_some() && way.pair.remote == remote)
    }

    /// The roles have changed.
    pub(super) fn prioritise(&mut self, controlling: bool) {
        self.all.iter_mut().for_each(|way| way.prioritise(controlling));
    }

    /// Forgets pairs of local addresses that are no more.
    pub(super) fn keep_locals(&mut self, locals: &[Local]) {
        self.all.retain(|way| locals.iter().any(|local| local.addr == way.pair.local) || way.heard_at.is_some());
    }

    fn has_room(&self, remote: SocketAddr) -> bool {
        if self.all.len() >= PAIRS_MAX {
            return false;
        }
        let is_first =
            |at: usize, way: &Way| !self.all.iter().take(at).any(|other| other.pair.remote == way.pair.remote);
        let remotes = self.all.iter().enumerate().filter(|(at, way)| is_first(*at, way)).count();
        remotes < REMOTES_MAX || self.all.iter().any(|way| way.pair.remote == remote)
    }
}

impl Way {
    fn new(pair: Pair, local_priority: u32, remote_priority: u32, reflexive: bool) -> Self {
        Way {
            pair,
            priority: 0,
            remote_priority,
            local_priority,
            reflexive,
            state: WayState::Waiting,
            heard_at: None,
            check: None,
            triggered: false,
            nominated: None,
            insisted: 0,
            wanted: false,
        }
    }

    // RFC 8445 §6.1.2.3: 2^32·min(G,D) + 2·max(G,D) + (G>D), G of the side in control.
    fn prioritise(&mut self, controlling: bool) {
        let (g, d) = match controlling {
            true => (self.local_priority, self.remote_priority),
            false => (self.remote_priority, self.local_priority),
        };
        let (low, high) = (u64::from(g.min(d)), u64::from(g.max(d)));
        self.priority = (low << 32).saturating_add(high << 1).saturating_add(u64::from(g > d));
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(self.state, WayState::Good(_))
    }

    /// May still turn out well.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, WayState::Waiting | WayState::Asked)
    }
}

/// Remote addresses of one leg, learnt ones included.
pub(super) const REMOTES_MAX: usize = 32;
/// Candidate pairs of one leg.
pub(super) const PAIRS_MAX: usize = 100;
