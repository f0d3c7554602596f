//! Recordings: every frame in its 20 ms, hold as silence, no music, no keys.

use std::time::Duration;

use audio::limits::Limits;
use audio::toc::CELT_SILENCE;
use audio::{ogg_opus, two_lane};
use protocol::{BridgeId, ClipName, Command, Event, RecordingEnd, RecordingId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Link, World, numbered_clip};

/// The frame number of each slot in both lanes; `None` for what is no voice.
fn slots(file: &[u8]) -> Vec<[Slot; 2]> {
    let links = ogg_opus::read(file, &Limits::RECORDING).unwrap();
    let packets = &links[0].packets;
    packets
        .iter()
        .map(|packet| {
            let (left, right) = two_lane::lanes(packet).unwrap();
            [Slot::of(&left), Slot::of(right)]
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Voice(u64),
    Lost,
    Silent,
}

impl Slot {
    fn of(packet: &[u8]) -> Self {
        match packet {
            [_] => Slot::Lost,
            packet if packet == CELT_SILENCE => Slot::Silent,
            packet => {
                let number = packet.strip_prefix(&[0x48]).unwrap_or_else(|| panic!("not a voice: {packet:?}"));
                Slot::Voice(u64::from_be_bytes(*number.first_chunk().unwrap()))
            }
        }
    }
}

#[test]
fn ten_minutes_with_holds_keys_and_a_bad_network_stay_within_40_ms() {
    for seed in 0..3 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut world = World::seeded(seed);
        world.clip("music.ogg", numbered_clip(7, 500));
        let (caller, agent) = world.caller_and_agent();
        world.peers[caller].up = Link::bad(0.03);
        world.peers[agent].up = Link::bad(0.03);
        world.peers[caller].speak_from(world.start + Duration::from_millis(5));
        world.peers[agent].speak_from(world.start + Duration::from_millis(14));
        let bridge = BridgeId::new("b").unwrap();
        let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
        let music = ClipName::new("music.ogg").unwrap();
        world.ok(Command::Bridge { bridge: bridge.clone(), caller: from.clone(), agent: to, music });
        world.run_to(1_000);
        let recording = RecordingId::new("r").unwrap();
        world.ok(Command::Record { leg: from.clone(), recording: recording.clone() });
        let mut holds = Vec::new();
        for _ in 0..20 {
            let talk = world.millis() + rng.random_range(5_000..35_000);
            world.peers[caller].keys.push_back((world.start + Duration::from_millis(talk - 2_000), 3));
            world.run_to(talk);
            world.ok(Command::Hold { bridge: bridge.clone() });
            let held = world.millis();
            world.run_for(rng.random_range(1_000..15_000));
            world.ok(Command::Resume { bridge: bridge.clone() });
            holds.push((held - 1_000, world.millis() - 1_000));
        }
        world.run_for(2_000);
        let length = world.millis() - 1_000;
        world.ok(Command::CloseLeg { leg: from });
        check(&world, &recording, length, &holds, seed);
    }
}

fn check(world: &World, recording: &RecordingId, length: u64, holds: &[(u64, u64)], seed: u64) {
    let tape = &world.tapes[recording];
    assert!(tape.whole);
    let told = world.events.iter().find_map(|(_, event)| match event {
        Event::RecordingEnded { why, duration_ms, bytes, .. } => Some((*why, *duration_ms, *bytes)),
        _ => None,
    });
    let (why, duration_ms, bytes) = told.unwrap();
    assert_eq!((why, bytes), (RecordingEnd::Finished, tape.bytes.len() as u64));
    assert!(duration_ms.abs_diff(length) <= 40, "{duration_ms} of {length} ms");
    let slots = slots(&tape.bytes);
    assert!((slots.len() as u64 * 20).abs_diff(length) <= 40);
    let (mut voices, mut worst) = (0, 0);
    for (at, pair) in slots.iter().enumerate() {
        let at_ms = at as u64 * 20;
        let held = |slack: u64| holds.iter().any(|(from, to)| at_ms >= from + slack && at_ms + slack < *to);
        for (lane, slot) in pair.iter().enumerate() {
            if held(60) {
                assert_eq!(*slot, Slot::Silent, "seed {seed}, lane {lane}, {at_ms} ms: hold is silence");
            }
            if let Slot::Voice(number) = slot {
                // Frame n left its peer 20 n ms after the beginning, and the network takes 60 ms.
                let phase = [5, 14][lane];
                let expected = (number * 20 + phase + 60) as i64 - 1_000;
                worst = worst.max((at_ms as i64 - expected).abs());
                voices += 1;
            }
        }
    }
    assert!(worst <= 40, "seed {seed}: {worst} ms off");
    println!("seed {seed}: {length} ms, {voices} frames, at most {worst} ms off");
    let talk_slots = slots.len() as u64 - holds.iter().map(|(from, to)| (to - from) / 20).sum::<u64>();
    assert!(voices as f64 >= talk_slots as f64 * 2.0 * 0.92, "seed {seed}: {voices} frames in {talk_slots} slots");
}

#[test]
fn a_file_cut_anywhere_is_salvaged_and_at_most_a_second_short() {
    let mut world = World::seeded(8);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    world.peers[caller].speak_from(world.start);
    let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
    let music = ClipName::new("music.ogg").unwrap();
    world.ok(Command::Bridge { bridge: BridgeId::new("b").unwrap(), caller: from.clone(), agent: to, music });
    let recording = RecordingId::new("r").unwrap();
    world.ok(Command::Record { leg: from, recording: recording.clone() });
    for n in 1..200u64 {
        world.run_to(n * 137);
        let found = two_lane::salvage(&world.tapes[&recording].bytes);
        let whole = found.apply(&world.tapes[&recording].bytes);
        assert!(ogg_opus::read(&whole, &Limits::RECORDING).is_ok());
        if n > 8 {
            let short = world.millis() - found.duration_ms;
            assert!(short <= 1_000, "killed at {} ms, {short} ms short", world.millis());
        }
    }
}

#[test]
fn a_paused_recording_is_silence_in_both_lanes_and_goes_on_where_it_would_be() {
    let mut world = World::seeded(9);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    world.peers[caller].speak_from(world.start);
    world.peers[agent].speak_from(world.start);
    let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
    let music = ClipName::new("music.ogg").unwrap();
    let bridge = BridgeId::new("b").unwrap();
    world.ok(Command::Bridge { bridge: bridge.clone(), caller: from.clone(), agent: to, music });
    let recording = RecordingId::new("r").unwrap();
    let unknown = world.ask(Command::PauseRecording { recording: recording.clone() }).unwrap_err();
    assert_eq!(unknown.code, protocol::ErrorCode::UnknownRecording);
    world.ok(Command::Record { leg: from, recording: recording.clone() });
    world.run_to(4_000);
    world.ok(Command::PauseRecording { recording: recording.clone() });
    // A hold and its end do not let a paused recording hear again.
    world.run_to(6_000);
    world.ok(Command::Hold { bridge: bridge.clone() });
    world.run_to(7_000);
    world.ok(Command::Resume { bridge });
    let paused = world.ok(Command::Snapshot { after: None });
    assert!(matches!(paused, protocol::Reply::Snapshot(page) if page.recordings[0].paused));
    world.run_to(9_000);
    world.ok(Command::ResumeRecording { recording: recording.clone() });
    world.run_to(12_000);
    world.ok(Command::StopRecording { recording: recording.clone() });
    let slots = slots(&world.tapes[&recording].bytes);
    assert!(slots.len().abs_diff(600) <= 1);
    for (at, pair) in slots.iter().enumerate() {
        for slot in pair {
            match at * 20 {
                4_000..8_980 => assert_eq!(*slot, Slot::Silent, "{} ms", at * 20),
                100..3_940 | 9_060..11_900 => {
                    // Frame n leaves its peer after 20 n ms, and the network takes 10.
                    let Slot::Voice(number) = slot else { panic!("{slot:?} at {} ms", at * 20) };
                    assert!((at as u64).abs_diff(*number) <= 2, "frame {number} in slot {at}");
                }
                _ => {}
            }
        }
    }
}
