//! The agent in virtual time: against itself, against an ICE-lite peer, and against hands that forge.

mod consent;
mod meeting;
mod moving;
mod strangers;

use std::collections::BTreeMap;

use super::*;
use crate::wire::stun::{BindingRequest, ErrorCode, Role, Transaction, binding_error, binding_success};

#[expect(clippy::disallowed_methods, reason = "an Instant can be had in no other way; time itself is virtual")]
fn origin() -> Instant {
    Instant::now()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const OURS: &str = "192.0.2.1:10000";
const THEIRS: &str = "198.51.100.7:3480";

fn credentials(seed: u64) -> Credentials {
    Credentials::generate(&mut StdRng::seed_from_u64(seed))
}

/// What a peer with these credentials and addresses says of itself.
fn described(of: &Credentials, lite: bool, addrs: &[SocketAddr]) -> sdp::Remote {
    let local = sdp::Local {
        ice_ufrag: of.ufrag.clone(),
        ice_pwd: of.pwd.clone(),
        candidates: addrs.to_vec(),
        reflexive: Vec::new(),
        relayed: Vec::new(),
        fingerprint: [0; 32],
        setup: sdp::Setup::Actpass,
        ssrc: 1,
        cname: "peer".to_owned(),
        session_id: 1,
        session_version: 1,
    };
    let offer = sdp::write_offer(&local);
    let offer = if lite { offer.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n") } else { offer };
    sdp::parse_offer(&offer).unwrap()
}

/// An ICE-lite peer as Meta's relay is one: it answers what is genuine and follows nominations.
struct Lite {
    credentials: Credentials,
    nominated: Option<SocketAddr>,
    /// It knows of us only from here on: our answer has reached it.
    knows_us_at: Instant,
    heard_at: Vec<Instant>,
}

impl Lite {
    fn answer(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Packet> {
        let message = Message::parse(bytes).unwrap();
        let key = Key::new(self.credentials.pwd.as_bytes());
        assert_eq!(message.receiver_ufrag(), Some(self.credentials.ufrag.as_str()));
        assert_eq!((message.verify(&key), message.fingerprint()), (Ok(()), Some(true)));
        self.heard_at.push(now);
        if now < self.knows_us_at {
            return None;
        }
        if !matches!(message.role(), Some(Role::Controlling(_))) {
            return Some(binding_error(message.transaction(), ErrorCode::RoleConflict, &[], Some(&key)));
        }
        if message.nominates() {
            self.nominated = Some(from);
        }
        Some(binding_success(message.transaction(), from, &key))
    }
}

enum Peer {
    Full(Box<Ice>),
    Lite(Box<Lite>),
}

impl Peer {
    fn ice(&mut self) -> &mut Ice {
        match self {
            Peer::Full(ice) => ice,
            Peer::Lite(_) => panic!("an ICE-lite peer is no agent of ours"),
        }
    }

    fn due(&self) -> Option<Instant> {
        match self {
            Peer::Full(ice) => ice.due(),
            Peer::Lite(_) => None,
        }
    }
}

/// Two peers and what is under way between them.
struct World {
    now: Instant,
    peers: [Peer; 2],
    addrs: [SocketAddr; 2],
    /// By arrival and running number: whom it is for, whom it is from, what it says.
    under_way: BTreeMap<(Instant, u64), (usize, SocketAddr, Packet)>,
    sent: u64,
    loss: f64,
    events: [Vec<(Instant, IceEvent)>; 2],
    rng: StdRng,
}

impl World {
    fn new(seed: u64, peers: [Peer; 2], now: Instant) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let addrs = [addr(OURS), addr(THEIRS)];
        World { now, peers, addrs, under_way: BTreeMap::new(), sent: 0, loss: 0.0, events: Default::default(), rng }
    }

    /// Two full agents that know each other, with these roles.
    fn full(seed: u64, controlling: [bool; 2]) -> Self {
        let now = origin();
        let creds = [credentials(seed), credentials(seed + 1_000)];
        let addrs = [addr(OURS), addr(THEIRS)];
        let agent = |at: usize| {
            let mut ice = Ice::new(now, creds[at].clone(), &[addrs[at]], controlling[at], seed + at as u64);
            ice.set_remote(now, &described(&creds[1 - at], false, &[addrs[1 - at]]));
            Peer::Full(Box::new(ice))
        };
        World::new(seed, [agent(0), agent(1)], now)
    }

    /// Us and an ICE-lite peer that learns of us `after`.
    fn lite(seed: u64, after: Duration) -> Self {
        let now = origin();
        let theirs = credentials(seed + 1_000);
        let mut ice = Ice::new(now, credentials(seed), &[addr(OURS)], false, seed);
        ice.set_remote(now, &described(&theirs, true, &[addr(THEIRS), addr("[2a03::1]:3480")]));
        let lite = Lite { credentials: theirs, nominated: None, knows_us_at: now + after, heard_at: Vec::new() };
        World::new(seed, [Peer::Full(Box::new(ice)), Peer::Lite(Box::new(lite))], now)
    }

    fn post(&mut self, from: usize, to: SocketAddr, packet: Packet) {
        self.sent += 1;
        let Some(at) = self.addrs.iter().position(|addr| *addr == to) else { return };
        if !self.rng.random_bool(self.loss) {
            let delay = Duration::from_millis(self.rng.random_range(10..30));
            self.under_way.insert((self.now + delay, self.sent), (at, self.addrs[from], packet));
        }
    }

    fn drain(&mut self) {
        for at in 0..2 {
            while let Some(sent) = match &mut self.peers[at] {
                Peer::Full(ice) => ice.give(),
                Peer::Lite(_) => None,
            } {
                self.post(at, sent.to, sent.packet);
            }
            if let Peer::Full(ice) = &mut self.peers[at] {
                self.events[at].extend(std::iter::from_fn(|| ice.take_event()).map(|event| (self.now, event)));
            }
        }
    }

    fn deliver(&mut self) {
        let (_, (at, from, packet)) = self.under_way.pop_first().unwrap();
        let local = self.addrs[at];
        let answer = match &mut self.peers[at] {
            Peer::Full(ice) => {
                let _ = ice.take(self.now, local, from, packet.as_slice());
                None
            }
            Peer::Lite(lite) => lite.answer(self.now, from, packet.as_slice()),
        };
        if let Some(answer) = answer {
            self.post(at, from, answer);
        }
    }

    /// Goes on until `done` or until `wait` has passed; says whether it was done.
    fn run(&mut self, wait: Duration, mut done: impl FnMut(&mut World) -> bool) -> bool {
        let until = self.now + wait;
        loop {
            self.drain();
            if done(self) {
                return true;
            }
            let arrival = self.under_way.keys().next().map(|(at, _)| *at);
            let due = self.peers.iter().filter_map(Peer::due).min();
            let Some(next) = [arrival, due].into_iter().flatten().min().filter(|at| *at <= until) else {
                self.now = until;
                return done(self);
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                self.deliver();
            } else {
                for peer in &mut self.peers {
                    if peer.due().is_some_and(|due| due <= next) {
                        peer.ice().wake(next);
                        assert!(peer.due().is_none_or(|due| due > next), "woken for nothing, again and again");
                    }
                }
            }
        }
    }

    fn both_selected(&mut self) -> bool {
        let is_selected = |peer: &mut Peer| match peer {
            Peer::Full(ice) => ice.selected().is_some(),
            Peer::Lite(lite) => lite.nominated.is_some(),
        };
        self.peers.iter_mut().all(is_selected)
    }

    /// A check of the second peer's hand, whatever its agent does.
    fn hand(&mut self, nominate: bool) -> Packet {
        let ours = credentials_of(self.peers[0].ice());
        let theirs = credentials_of(self.peers[1].ice());
        let username = format!("{}:{}", ours.0, theirs.0);
        let role = Role::Controlling(u64::MAX);
        let transaction = Transaction(self.rng.random());
        BindingRequest { transaction, username: &username, priority: 1_853_824_767, role, nominate }.write(&ours.1)
    }
}

fn credentials_of(ice: &Ice) -> (String, Key) {
    (ice.ours.ufrag.clone(), ice.ours.key.clone())
}
