//! The leg and its relay: whose address ICE may use, what is told of it, and what the engine must provide.

use std::net::SocketAddr;
use std::time::Instant;

use super::Leg;
use super::news::News;
use super::relay::{Came, Plan, Relay, RelayNews};
use crate::base::count::DropReason;
use crate::base::outbox::{Outbox, Path};
use crate::base::packet::Packet;

impl Leg {
    /// Whether the leg's description waits for what servers have to say.
    pub fn is_gathering(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.is_gathering())
    }

    /// Whether nothing may go straight to the peer.
    pub fn is_relay_only(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.only())
    }

    /// Whether the leg has servers, so that what it writes must go through [`Leg::wrap`].
    pub fn has_relay(&self) -> bool {
        self.relay.is_some()
    }

    /// Why a leg that speaks through a relay only has none; nothing if it has one or needs none.
    pub fn lacks_relay(&self) -> Option<String> {
        let relay = self.relay.as_ref().filter(|relay| relay.only() && relay.relayed().is_none())?;
        Some(relay.last_loss().map_or_else(|| "no turn server has answered yet".to_owned(), |why| why.to_string()))
    }

    /// The servers the leg goes by.
    pub fn plan(&self) -> Option<&Plan> {
        self.relay.as_ref().map(|relay| relay.plan())
    }

    /// Goes by other servers from now on, or by none. What was relayed is given back.
    pub fn replan(&mut self, now: Instant, plan: Option<Plan>, hosts: &[SocketAddr], seed: u64, out: &mut Outbox) {
        if let Some(mut old) = self.relay.take() {
            let relayed = old.relayed();
            old.close(now);
            send(&mut old, out);
            if let Some(relayed) = relayed {
                self.ice.drop_relayed(now, relayed);
            }
        }
        self.relay = plan.map(|plan| Box::new(Relay::new(now, plan, hosts, seed)));
        self.settle(now, None, out);
    }

    /// The engine's answer to [`News::RelayWanted`]: by which path. Nothing: no port is free.
    pub fn relay_by(&mut self, now: Instant, path: Option<Path>, wall_secs: u64, out: &mut Outbox) {
        if let Some(relay) = self.relay.as_mut() {
            relay.begin(now, path, wall_secs);
        }
        self.settle(now, None, out);
    }

    /// The stream to the leg's TURN server broke.
    pub fn relay_broke(&mut self, now: Instant, path: Path, out: &mut Outbox) {
        if let Some(relay) = self.relay.as_mut() {
            relay.disconnected(now, path);
        }
        self.settle(now, None, out);
    }

    /// Sends what was written since `from` by the way it must go.
    pub fn wrap(&mut self, now: Instant, out: &mut Outbox, from: usize) {
        let Some(relay) = self.relay.as_mut() else { return };
        for _ in 0..relay.wrap(now, out, from) {
            self.drops.add(DropReason::RelayLeak);
        }
        send(relay, out);
    }

    /// Where a datagram really comes from: nothing if it was a server's own words.
    pub(super) fn unwrap(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Result<Option<Path>, DropReason> {
        let Some(relay) = self.relay.as_mut() else { return Ok(Some(path)) };
        match relay.take(now, path, packet)? {
            Came::Direct => Ok(Some(path)),
            Came::Relayed(inner) => Ok(Some(inner)),
            Came::Server => Ok(None),
        }
    }

    /// The sockets ICE may use: none for a leg that speaks through a relay only.
    pub(super) fn open_sockets<'a>(&self, locals: &'a [SocketAddr]) -> &'a [SocketAddr] {
        if self.is_relay_only() { &[] } else { locals }
    }

    /// Writes into our own description how we can be reached.
    pub(super) fn describe_reach(&mut self, shown: &[SocketAddr]) {
        self.ours.candidates = self.open_sockets(shown).to_vec();
        let relay = self.relay.as_ref();
        let mapped = relay.map(|relay| relay.mapped()).unwrap_or_default();
        self.ours.reflexive = mapped.iter().copied().filter(|seen| !shown.contains(seen)).collect();
        self.ours.relayed = relay.and_then(|relay| relay.relayed()).into_iter().collect();
    }

    /// Moves what the relay has to say to where it belongs.
    pub(super) fn settle_relay(&mut self, now: Instant, out: &mut Outbox) {
        let Some(relay) = self.relay.as_mut() else { return };
        while let Some(news) = relay.news() {
            match news {
                RelayNews::Wanted(server) => self.news.push_back(News::RelayWanted(server)),
                RelayNews::Up { relayed, again, server } => {
                    self.ice.add_relayed(now, relayed);
                    if again {
                        self.news.push_back(News::RelayBack(server));
                    }
                }
                RelayNews::Lost { relayed, server, why } => {
                    if let Some(relayed) = relayed {
                        self.ice.drop_relayed(now, relayed);
                    }
                    self.news.push_back(News::RelayLost { server, why, was_up: relayed.is_some() });
                }
                RelayNews::Gathered => self.news.push_back(News::Gathered),
            }
        }
        send(relay, out);
    }
}

fn send(relay: &mut Relay, out: &mut Outbox) {
    while let Some((path, packet)) = relay.give() {
        if !out.next(path).extend(packet.as_slice()) {
            out.take_back();
        }
    }
}
