//! Which port a leg lives on: the one used longest ago on which its next hops are free (design D2).

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use protocol::Peer;

use super::route::Routes;

/// Hands out ports.
#[derive(Debug)]
pub struct Places {
    /// Least recently used first.
    ports: VecDeque<u16>,
    /// Our addresses, best first.
    locals: Vec<IpAddr>,
    /// What peers are told instead of our addresses of its family, if something stands in front of us.
    public: Option<IpAddr>,
    /// How many legs each next hop has.
    crowd: BTreeMap<SocketAddr, u32>,
}

impl Places {
    /// Ports and addresses of this machine.
    pub fn new(ports: RangeInclusive<u16>, locals: Vec<IpAddr>, public: Option<IpAddr>) -> Self {
        Self { ports: ports.collect(), locals, public, crowd: BTreeMap::new() }
    }

    /// A port on which all `hops` are free. Browsers may share a port: their addresses differ, and should two of them
    /// name the same private one, the checks tell them apart.
    pub fn pick(&mut self, routes: &Routes, peer: Peer, hops: &[SocketAddr]) -> Option<u16> {
        let free = |port: &u16| self.reachable(hops).all(|hop| !routes.taken(*port, hop));
        let at = match (self.ports.iter().position(free), peer) {
            (Some(at), _) => at,
            (None, Peer::Browser) => 0,
            (None, Peer::Meta) => return None,
        };
        let port = self.ports.remove(at)?;
        self.ports.push_back(port);
        Some(port)
    }

    /// Whether a leg that has `port` already may keep it.
    pub fn fits(&self, routes: &Routes, port: u16, hops: &[SocketAddr]) -> bool {
        self.reachable(hops).all(|hop| !routes.taken(port, hop))
    }

    /// The next hops that our addresses can reach at all.
    pub fn reachable<'a>(&'a self, hops: &'a [SocketAddr]) -> impl Iterator<Item = SocketAddr> + 'a {
        let family = |hop: &SocketAddr| self.locals.iter().any(|local| local.is_ipv4() == hop.is_ipv4());
        hops.iter().copied().filter(family)
    }

    /// A leg was placed towards `hop`, or has left it.
    pub fn count(&mut self, hop: SocketAddr, arrives: bool) {
        let legs = self.crowd.entry(hop).or_insert(0);
        *legs = if arrives { legs.saturating_add(1) } else { legs.saturating_sub(1) };
        if *legs == 0 {
            self.crowd.remove(&hop);
        }
    }

    /// How many more legs fit towards the most crowded next hop.
    pub fn free(&self) -> u32 {
        let ports = u32::try_from(self.ports.len()).unwrap_or(u32::MAX);
        ports.saturating_sub(self.crowd.values().copied().max().unwrap_or(0))
    }

    /// The sockets of `port`, best first.
    pub fn locals(&self, port: u16) -> Vec<SocketAddr> {
        self.locals.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
    }

    /// What a peer is told of them.
    pub fn shown(&self, port: u16) -> Vec<SocketAddr> {
        let Some(public) = self.public else { return self.locals(port) };
        let others = self.locals.iter().copied().filter(|ip| ip.is_ipv4() != public.is_ipv4());
        std::iter::once(public).chain(others).map(|ip| SocketAddr::new(ip, port)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::slots::Slots;

    #[test]
    fn a_public_address_stands_for_all_of_its_family_and_no_other() {
        let locals = vec!["10.0.0.5".parse().unwrap(), "10.0.0.6".parse().unwrap(), "2001:db8::5".parse().unwrap()];
        let places = Places::new(10_000..=10_001, locals, Some("203.0.113.9".parse().unwrap()));
        let shown: Vec<String> = places.shown(10_000).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["203.0.113.9:10000", "[2001:db8::5]:10000"]);
        assert_eq!(places.locals(10_000).len(), 3);
    }

    #[test]
    fn two_callers_of_one_relay_get_two_ports_and_the_third_is_refused_while_browsers_share() {
        let relay: SocketAddr = "203.0.113.1:3480".parse().unwrap();
        let mut places = Places::new(10_000..=10_001, vec!["127.0.0.1".parse().unwrap()], None);
        let (mut routes, mut slots) = (Routes::default(), Slots::default());
        let mut ports = Vec::new();
        for _ in 0..2 {
            let port = places.pick(&routes, Peer::Meta, &[relay]).unwrap();
            routes.claim(port, relay, slots.put(()));
            places.count(relay, true);
            ports.push(port);
        }
        assert_eq!(ports, [10_000, 10_001]);
        assert_eq!(places.free(), 0);
        assert_eq!(places.pick(&routes, Peer::Meta, &[relay]), None);
        assert!(places.pick(&routes, Peer::Meta, &["203.0.113.2:3480".parse().unwrap()]).is_some());
        assert!(places.pick(&routes, Peer::Browser, &[relay]).is_some());
    }
}
