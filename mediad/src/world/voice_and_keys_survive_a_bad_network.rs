//! Ten percent loss, jitter, reorder and doubles on the caller's side.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{BridgeId, ClipName, Command, Digit};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Link, World, numbered_clip};

#[test]
fn what_the_network_delivers_is_heard_and_every_key_counts_once_over_200_seeds() {
    let (mut heard_least, mut delivered_all, mut heard_all) = (1.0f64, 0, 0);
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xfeed);
        let mut world = World::seeded(seed);
        world.clip("music.ogg", numbered_clip(7, 500));
        let (caller, agent) = world.caller_and_agent();
        world.peers[caller].up = Link::bad(0.10);
        let begin = world.start;
        world.peers[caller].speak_from(begin + Duration::from_millis(100));
        world.peers[agent].speak_from(begin + Duration::from_millis(107));
        let pressed: Vec<u8> = (0..8).map(|_| rng.random_range(0..12)).collect();
        for (n, code) in pressed.iter().enumerate() {
            let at = begin + Duration::from_millis(1_000 + 700 * n as u64 + rng.random_range(0..300));
            world.peers[caller].keys.push_back((at, *code));
        }
        let bridge = BridgeId::new("b").unwrap();
        let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
        world.ok(Command::Bridge { bridge, caller: from, agent: to, music: ClipName::new("music.ogg").unwrap() });
        world.run_to(10_000);
        world.peers[caller].voice = None;
        world.run_for(500);

        let expected: String = pressed.iter().map(|code| Digit::from_event(*code).unwrap().as_char()).collect();
        assert_eq!(world.digits(), expected, "seed {seed}");
        let delivered = world.peers[caller].delivered_numbers();
        let heard: BTreeSet<u64> = world.peers[agent].heard.iter().filter_map(super::Got::number).collect();
        assert!(heard.is_subset(&delivered));
        let share = heard.len() as f64 / delivered.len() as f64;
        assert!(share >= 0.98, "seed {seed}: {} of {} delivered frames heard", heard.len(), delivered.len());
        assert_eq!(world.peers[agent].refused, 0, "seed {seed}: an index sealed twice");
        let sources: BTreeSet<u32> = world.peers[agent].heard.iter().map(|got| got.header.ssrc).collect();
        assert_eq!(sources.len(), 1, "seed {seed}");
        heard_least = heard_least.min(share);
        delivered_all += delivered.len();
        heard_all += heard.len();
    }
    println!("200 seeds: {heard_all} of {delivered_all} delivered frames heard, the worst seed {heard_least:.4}");
}

#[test]
fn the_same_seed_gives_the_same_events_and_packets() {
    let run = || {
        let mut world = World::seeded(42);
        world.clip("music.ogg", numbered_clip(7, 500));
        let (caller, agent) = world.caller_and_agent();
        world.peers[caller].up = Link::bad(0.2);
        world.peers[caller].speak_from(world.start);
        world.peers[caller].keys.push_back((world.start + Duration::from_secs(1), 5));
        let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
        let music = ClipName::new("music.ogg").unwrap();
        world.ok(Command::Bridge { bridge: BridgeId::new("b").unwrap(), caller: from, agent: to, music });
        world.run_to(12_000);
        let heard: Vec<_> = world.peers[agent].heard.iter().map(|got| (got.index, got.header.timestamp)).collect();
        (format!("{:?}", world.events), heard)
    };
    assert_eq!(run(), run());
}
