//! NATs that rebind, networks that go away for seconds, restarts in between: what must be heard, and what must not be sent.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::{BridgeId, ClipName, Command, Event, LegEnd, LegId, Peer, Reach};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Link, World, numbered_clip};

/// Two bridged peers, both talking, both with ICE of their own.
fn talking(seed: u64) -> (World, usize, usize) {
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = (world.peer_with_ice("caller", Peer::Meta), world.peer_with_ice("agent", Peer::Browser));
    world.run_to(500);
    for at in [caller, agent] {
        world.ok(Command::OpenGate { leg: world.peers[at].leg.clone() });
        let begin = world.now + Duration::from_millis(7 * at as u64);
        world.peers[at].speak_from(begin);
    }
    let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
    let music = ClipName::new("music.ogg").unwrap();
    world.ok(Command::Bridge { bridge: BridgeId::new("b").unwrap(), caller: from, agent: to, music });
    world.run_for(3_000);
    assert!(world.peers.iter().all(|peer| peer.heard.len() > 100), "seed {seed}: the two do not hear each other");
    (world, caller, agent)
}

/// When a peer first heard the other's own voice after `since_ms`.
fn voice_after(world: &World, at: usize, since_ms: u64) -> Option<u64> {
    let heard = world.peers[at].heard.iter().filter(|got| got.number().is_some());
    heard.map(|got| (got.at - world.start).as_millis() as u64).find(|ms| *ms > since_ms)
}

fn fresh_address(rng: &mut StdRng, old: SocketAddr) -> SocketAddr {
    match rng.random_bool(0.5) {
        true => SocketAddr::new(old.ip(), rng.random_range(20_000..60_000)),
        false => SocketAddr::new([203, 0, 113, rng.random_range(1..250)].into(), rng.random_range(20_000..60_000)),
    }
}

#[test]
fn an_agent_whose_nat_rebinds_hears_and_is_heard_again_within_three_seconds() {
    let mut worst = 0;
    for seed in 0..seeds(100) {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xbead);
        let (mut world, caller, agent) = talking(seed);
        world.peers[agent].up = Link { loss: 0.02, ..Link::clean() };
        for _ in 0..2 {
            world.run_for(rng.random_range(0..3_000));
            let moved_at = world.millis();
            world.peers[agent].way.remote = fresh_address(&mut rng, world.peers[agent].way.remote);
            world.run_for(4_000);
            for at in [caller, agent] {
                let back = voice_after(&world, at, moved_at + 30).map(|ms| ms - moved_at);
                assert!(back.is_some_and(|ms| ms <= 3_000), "seed {seed}: peer {at} after {back:?} ms");
                worst = worst.max(back.unwrap_or(0));
            }
        }
        assert!(world.peers.iter().all(|peer| peer.refused == 0), "seed {seed}: an index sealed twice");
    }
    println!("audio back after at most {worst} ms");
}

#[test]
fn voice_from_a_new_address_without_a_check_moves_nothing() {
    let (mut world, _, agent) = talking(3);
    let old = world.peers[agent].way;
    let thief: SocketAddr = "203.0.113.66:6666".parse().unwrap();
    let captured: Vec<Vec<u8>> = world.peers[agent].delivered.iter().cloned().collect();
    for bytes in captured.iter().filter(|bytes| bytes[0] >= 128).take(200) {
        world.inject(crate::base::outbox::Path { local: old.local, remote: thief }, bytes);
    }
    let heard = world.peers[agent].heard.len();
    world.run_for(1_000);
    assert!(world.peers[agent].heard.len() > heard + 40, "the agent still hears");
    assert_eq!(world.strays_to(thief), 0);
}

#[test]
fn a_good_check_with_the_forged_address_of_a_caller_does_not_take_the_callers_pair() {
    let (mut world, caller, agent) = talking(4);
    let way = world.peers[caller].way;
    let is_check = |bytes: &&Vec<u8>| bytes.starts_with(&[0, 1]);
    let checks: Vec<Vec<u8>> = world.peers[agent].delivered.iter().filter(is_check).cloned().collect();
    assert!(!checks.is_empty());
    for round in 0..20 {
        for bytes in &checks {
            world.inject(way, bytes);
        }
        let heard = world.peers[agent].heard.len();
        world.run_for(500);
        let new = world.peers[agent].heard.len() - heard;
        assert!(new >= 23, "round {round}: {new} packets of the caller in 500 ms");
    }
}

#[test]
fn an_outage_is_survived_or_ends_the_leg_thirty_seconds_after_its_last_answer_and_nothing_follows() {
    let (mut survived, mut ended) = (0, 0);
    for seed in 0..seeds(100) {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0ff);
        let secs = [5, 15, 29, 45][seed as usize % 4];
        let (mut world, caller, agent) = talking(seed);
        world.run_for(rng.random_range(0..6_000));
        let who = if rng.random_bool(0.5) { caller } else { agent };
        let (up, down) = (world.peers[who].up.clone(), world.peers[who].down.clone());
        let dark = Link { loss: 1.0, ..Link::clean() };
        (world.peers[who].up, world.peers[who].down) = (dark.clone(), dark);
        let leg = world.peers[who].leg.clone();
        let cut_at = world.millis();
        world.run_for(secs * 1_000);
        (world.peers[who].up, world.peers[who].down) = (up, down);
        let back_at = world.millis();
        world.run_for(4_000);
        let end = ended_at(&world, &leg);
        match end {
            Some((at, why)) => {
                assert_eq!(why, LegEnd::ConsentLost, "seed {seed}");
                assert!(secs >= 29 && (23_000..=30_050).contains(&(at - cut_at)), "seed {seed}: {secs} s, {at}");
                let late = world.peers[who].sent_to.iter().filter(|sent| **sent > at).count();
                assert_eq!(late, 0, "seed {seed}: {late} datagrams after consent was lost");
                ended += 1;
            }
            None => {
                assert!(secs < 45, "seed {seed}: consent outlived 45 s");
                let back = voice_after(&world, who, back_at);
                assert!(back.is_some_and(|at| at - back_at <= 1_000), "seed {seed}: {secs} s, {back:?}");
                survived += 1;
            }
        }
        assert!(world.peers.iter().all(|peer| peer.refused == 0), "seed {seed}: an index sealed twice");
    }
    println!("{survived} outages survived, {ended} ended by lost consent");
}

fn ended_at(world: &World, leg: &LegId) -> Option<(u64, LegEnd)> {
    world.events.iter().find_map(|(at, event)| match event {
        Event::LegEnded { leg: ended, why } if ended == leg => Some((*at, *why)),
        _ => None,
    })
}

#[test]
fn a_restart_keeps_the_voice_while_the_peer_still_checks_by_the_old_name_and_from_a_new_address() {
    let (mut world, caller, agent) = talking(5);
    let leg = world.peers[agent].leg.clone();
    // The new description is under way: until it arrives the peer goes on with the names it has, and moves.
    let offer = world.offer_of(agent);
    let protocol::Reply::LegOpened { answer } = world.ok(Command::RestartLeg { leg, offer, reach: Reach::default() })
    else {
        panic!()
    };
    let before = world.engine.drops();
    world.peers[agent].way.remote = "203.0.113.99:50000".parse().unwrap();
    world.run_for(2_600);
    let stranger = crate::base::count::DropReason::StunStranger;
    assert_eq!(world.engine.drops().of(stranger), before.of(stranger), "checks by the old name find their leg");
    world.peers[agent].checks.as_mut().unwrap().learn(&answer);
    let learnt_at = world.millis();
    world.run_for(3_500);
    for at in [caller, agent] {
        assert!(voice_after(&world, at, learnt_at + 30).is_some_and(|ms| ms <= learnt_at + 3_000), "peer {at}");
    }
}

#[test]
fn a_restart_that_finds_nobody_stops_sending_when_the_old_consent_expires() {
    let (mut world, _, agent) = talking(6);
    let dark = Link { loss: 1.0, ..Link::clean() };
    world.peers[agent].up = dark;
    let cut_at = world.millis();
    world.run_for(18_000);
    let (leg, offer) = (world.peers[agent].leg.clone(), world.offer_of(agent));
    world.ok(Command::RestartLeg { leg, offer, reach: Reach::default() });
    world.run_for(22_000);
    let media = world.peers[agent].heard.iter().map(|got| (got.at - world.start).as_millis() as u64).max().unwrap();
    assert!((23_000..=30_100).contains(&(media - cut_at)), "the last packet left {} ms after the cut", media - cut_at);
}

fn seeds(few: u64) -> u64 {
    match std::env::var_os("PATCHBAY_SOAK") {
        Some(_) => few * 10,
        None => few,
    }
}
