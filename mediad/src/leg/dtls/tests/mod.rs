//! Handshakes in virtual time: over a bad link, against forgers, and with OpenSSL at the other end.

mod forgers;
mod openssl;

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

#[expect(clippy::disallowed_methods, reason = "an Instant can be had in no other way; time itself is virtual")]
fn origin() -> Instant {
    Instant::now()
}

/// Client and server, and the datagrams under way between them.
struct World {
    now: Instant,
    ends: [Dtls; 2],
    events: [Vec<DtlsEvent>; 2],
    /// By arrival; the running number keeps the order of those that arrive together.
    under_way: BTreeMap<(Instant, u64), (usize, Packet)>,
    sent: u64,
    loss: f64,
    rng: StdRng,
}

impl World {
    fn new(seed: u64, loss: f64) -> Self {
        let now = origin();
        let certificates = [Certificate::generate().unwrap(), Certificate::generate().unwrap()];
        let prints = certificates.each_ref().map(Certificate::fingerprint);
        let client = Dtls::new(Role::Client, &certificates[0], prints[1], now);
        let server = Dtls::new(Role::Server, &certificates[1], prints[0], now);
        let rng = StdRng::seed_from_u64(seed);
        World {
            now,
            ends: [client, server],
            events: Default::default(),
            under_way: BTreeMap::new(),
            sent: 0,
            loss,
            rng,
        }
    }

    fn drain(&mut self) {
        for (at, end) in self.ends.iter_mut().enumerate() {
            while let Some(packet) = end.give() {
                self.sent += 1;
                if !self.rng.random_bool(self.loss) {
                    let delay = Duration::from_millis(self.rng.random_range(10..50));
                    self.under_way.insert((self.now + delay, self.sent), (1 - at, packet));
                }
            }
            while let Some(event) = end.event() {
                self.events[at].push(event);
            }
        }
    }

    /// Goes to whatever happens next. False if nothing does before `until`.
    fn step(&mut self, until: Instant) -> bool {
        self.drain();
        let arrival = self.under_way.keys().next().map(|(at, _)| *at);
        let dues = self.ends.each_ref().map(Dtls::due);
        let Some(next) = [arrival, dues[0], dues[1]].into_iter().flatten().min().filter(|at| *at <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let (_, (to, packet)) = self.under_way.pop_first().unwrap();
            let _ = self.ends[to].take(self.now, packet.as_slice());
        } else {
            self.ends.iter_mut().for_each(|end| end.wake(self.now));
        }
        self.drain();
        true
    }

    fn run(&mut self, wait: Duration, mut done: impl FnMut(&World) -> bool) -> bool {
        let until = self.now + wait;
        for _ in 0..100_000 {
            if done(self) {
                return true;
            }
            if !self.step(until) {
                return done(self);
            }
        }
        panic!("the two never come to rest");
    }

    fn connects(&mut self) -> bool {
        self.run(HANDSHAKE_MAX, |world| world.ends.iter().all(Dtls::is_connected))
    }

    fn keys(&self) -> [Keys; 2] {
        self.events.each_ref().map(|events| match events[..] {
            [DtlsEvent::Connected(keys)] => keys,
            _ => panic!("{events:?}"),
        })
    }
}

#[test]
fn both_ends_get_the_same_keys_the_right_way_round() {
    let mut world = World::new(1, 0.0);
    assert!(world.connects());
    let [client, server] = world.keys();
    assert_eq!((client.ours, client.theirs), (server.theirs, server.ours));
    assert_ne!(client.ours, client.theirs);
    assert_eq!(client.profile(), Profile::AeadAes256Gcm);
    assert!(world.now - origin() < Duration::from_secs(1));
}

#[test]
fn sixty_handshakes_of_sixty_are_done_though_three_of_ten_datagrams_are_lost() {
    let mut slowest = Duration::ZERO;
    for seed in 0..60 {
        let mut world = World::new(seed, 0.3);
        let begun = world.now;
        assert!(world.connects(), "seed {seed}: {:?} {:?}", world.ends, world.events);
        let [client, server] = world.keys();
        assert_eq!(client.ours, server.theirs, "seed {seed}");
        slowest = slowest.max(world.now - begun);
    }
    println!("slowest handshake: {slowest:?}");
    assert!(slowest < Duration::from_secs(8));
}

#[test]
fn a_certificate_the_sdp_did_not_name_gets_an_alert_and_no_keys() {
    for liar in 0..2 {
        let mut world = World::new(2, 0.0);
        let (role, certificate) = (world.ends[1 - liar].role, world.ends[1 - liar].certificate.clone());
        world.ends[1 - liar] = Dtls::new(role, &certificate, [7; 32], world.now);
        assert!(world.run(HANDSHAKE_MAX, |world| !world.events[1 - liar].is_empty()));
        assert_eq!(world.events[1 - liar], [DtlsEvent::Failed(DtlsFailure::Fingerprint)]);
        let alerts = world.under_way.values().filter(|(to, packet)| *to == liar && packet.as_slice()[0] == 21).count();
        assert_eq!(alerts, 1, "role {role:?}");
        assert!(!world.ends[1 - liar].is_connected() && world.ends[1 - liar].due().is_none());
    }
}

#[test]
fn a_peer_that_never_speaks_is_given_up_after_fifteen_seconds() {
    for role in [Role::Client, Role::Server] {
        let now = origin();
        let mut dtls = Dtls::new(role, &Certificate::generate().unwrap(), [0; 32], now);
        let mut sent = 0;
        while let Some(due) = dtls.due() {
            assert!(due <= now + HANDSHAKE_MAX);
            dtls.wake(due);
            while dtls.give().is_some() {
                sent += 1;
            }
        }
        assert_eq!(dtls.event(), Some(DtlsEvent::Failed(DtlsFailure::Timeout)));
        assert!(sent <= 60, "{sent} hellos");
        assert_eq!(sent > 3, role == Role::Client, "{role:?} sent {sent}");
    }
}

#[test]
fn a_goodbye_is_heard_once_and_nothing_is_taken_after_it() {
    let mut world = World::new(3, 0.0);
    assert!(world.connects());
    let now = world.now;
    world.ends[0].close(now);
    assert!(world.run(Duration::from_secs(1), |world| world.events[1].len() == 2));
    assert_eq!(world.events[1][1], DtlsEvent::PeerClosed);
    assert_eq!(world.ends[1].take(now, &[22; 40]), Err(BadRecord::Closed));
    assert_eq!(world.ends[0].take(now, &[22; 40]), Err(BadRecord::Closed));
    assert_eq!(world.ends[0].due(), None);
}

#[test]
fn an_association_at_rest_wakes_nobody() {
    let mut world = World::new(4, 0.0);
    assert!(world.connects());
    world.run(Duration::from_secs(30), |_| false);
    assert_eq!(world.ends.each_ref().map(Dtls::due), [None, None]);
}
