//! The mapping of design D5 under loss and reorder: within a source nothing moves, key presses leave no hole, and the
//! same source keeps its offsets over a pause.

use std::time::Duration;

use protocol::{BridgeId, ClipName, Command};

use super::{Got, Link, World, numbered_clip};

fn bridged(seed: u64) -> (World, usize, usize) {
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    world.peers[caller].speak_from(world.start + Duration::from_millis(50));
    world.peers[agent].speak_from(world.start + Duration::from_millis(50));
    let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
    let music = ClipName::new("music.ogg").unwrap();
    world.ok(Command::Bridge { bridge: BridgeId::new("b").unwrap(), caller: from, agent: to, music });
    (world, caller, agent)
}

fn voice(world: &World, agent: usize) -> Vec<(u64, &Got)> {
    world.peers[agent].heard.iter().filter_map(|got| got.number().map(|number| (number, got))).collect()
}

#[test]
fn sequence_and_time_are_those_of_the_source_moved_by_one_constant() {
    for seed in 0..50 {
        let (mut world, caller, agent) = bridged(seed);
        world.peers[caller].up = Link { double: 0.0, ..Link::bad(0.05) };
        world.run_to(20_000);
        let heard = voice(&world, agent);
        assert!(heard.len() > 900);
        let (first, got) = heard[0];
        let offset = got.index as i64 - first as i64;
        let time = got.header.timestamp.wrapping_sub(first as u32 * 960);
        for (number, got) in &heard {
            assert_eq!(got.index as i64 - *number as i64, offset, "seed {seed}, frame {number}");
            assert_eq!(got.header.timestamp.wrapping_sub(*number as u32 * 960), time, "seed {seed}, frame {number}");
        }
        assert_eq!(world.peers[agent].refused, 0);
    }
}

#[test]
fn key_presses_leave_no_hole_and_the_clock_runs_on_over_them() {
    let (mut world, caller, agent) = bridged(3);
    for n in 1..=5 {
        world.peers[caller].keys.push_back((world.start + Duration::from_millis(1_000 * n), 4));
    }
    world.run_to(7_000);
    assert_eq!(world.digits(), "44444");
    let heard = voice(&world, agent);
    for pair in heard.windows(2) {
        let ((before, a), (after, b)) = (&pair[0], &pair[1]);
        assert_eq!(b.index, a.index + 1, "no hole between frames {before} and {after}");
        assert_eq!(b.header.timestamp.wrapping_sub(a.header.timestamp), (after - before) as u32 * 960);
    }
    assert!(world.peers[agent].heard.iter().all(|got| got.header.payload_type == 111), "keys stay with us");
}

#[test]
fn after_a_pause_the_same_source_goes_on_at_its_own_time() {
    let (mut world, caller, agent) = bridged(4);
    world.run_to(2_000);
    // The network stands still for 1.5 s, then the voice is back with its clock having run on.
    world.peers[caller].up = Link { loss: 1.0, ..Link::clean() };
    world.run_to(3_500);
    world.peers[caller].up = Link::clean();
    world.run_to(5_000);
    let heard = voice(&world, agent);
    let (first, got) = heard[0];
    let time = got.header.timestamp.wrapping_sub(first as u32 * 960);
    for (number, got) in &heard {
        assert_eq!(got.header.timestamp.wrapping_sub(*number as u32 * 960), time, "frame {number}");
    }
    let all = &world.peers[agent].heard;
    for pair in all.windows(2) {
        assert!(pair[1].index > pair[0].index, "no filler comes back");
        let wrapped = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
        assert!(wrapped > 0 && wrapped < 48_000, "time runs forward");
    }
    let fill: Vec<_> = all.iter().filter(|got| got.number().is_none()).collect();
    let pause = all.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(fill.len() >= 49, "comfort noise from 500 ms on: {}", fill.len());
    assert!(pause <= Duration::from_millis(520), "{pause:?} without a packet");
}

#[test]
fn a_source_whose_clock_stood_still_is_heard_again_at_once() {
    let (mut world, caller, agent) = bridged(5);
    world.run_to(2_000);
    let voice = world.peers[caller].voice.take();
    world.run_to(5_000);
    let mut voice = voice.unwrap();
    voice.next = world.now;
    let resumed = voice.said;
    world.peers[caller].voice = Some(voice);
    world.run_to(6_000);
    let heard: Vec<u64> = world.peers[agent].heard.iter().filter_map(Got::number).filter(|n| *n >= resumed).collect();
    assert!(heard.len() >= 47, "{} of 50 frames after the pause", heard.len());
    assert_eq!(world.peers[agent].refused, 0);
}

#[test]
fn a_stream_that_wraps_its_numbers_goes_on() {
    let (mut world, caller, agent) = bridged(6);
    world.peers[caller].sequence = 65_500;
    world.peers[caller].ticks = u64::from(u32::MAX) - 20_000;
    world.run_to(4_000);
    let heard = voice(&world, agent);
    assert!(heard.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1 && pair[1].1.index == pair[0].1.index + 1));
    assert!(heard.len() > 190);
}
