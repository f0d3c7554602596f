//! Who comes to a conversation and leaves it is not noticed as a click, a gap or a growing delay by those who are in it;
//! and a warm transfer in all its turns.

use std::time::Duration;

use protocol::{BridgeId, ClipName, Command, Event, Filler, LegId, Peer, Role};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::sound::{heard, level_db, tone};
use super::{Link, World, numbered_clip};

fn leg(name: &str) -> LegId {
    LegId::new(name).unwrap()
}

fn bridge(name: &str) -> BridgeId {
    BridgeId::new(name).unwrap()
}

fn music() -> ClipName {
    ClipName::new("music.ogg").unwrap()
}

/// A caller, an agent, and another person at a desk, each with a tone; the first two talk.
fn three(seed: u64, link: &Link) -> (World, [usize; 3]) {
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    let other = world.peer("other", Peer::Browser);
    world.ok(Command::OpenGate { leg: leg("other") });
    for (at, (peer, hz)) in [(caller, 500.0), (agent, 800.0), (other, 1_300.0)].into_iter().enumerate() {
        world.peers[peer].up = link.clone();
        world.peers[peer].speak_frames(world.start + Duration::from_millis(3 + 7 * at as u64), tone(hz));
    }
    world.ok(Command::Bridge { bridge: bridge("b"), caller: leg("caller"), agent: leg("agent"), music: music() });
    world.run_to(1_000);
    (world, [caller, agent, other])
}

/// The wire of everyone: one stream, no index twice, no time backwards, no gap above what the network explains.
fn check_wire(world: &World, peers: &[usize], gap_max_ms: u64, seed: u64) {
    for peer in peers {
        let heard = &world.peers[*peer].heard;
        assert_eq!(world.peers[*peer].refused, 0, "seed {seed}: an index was sealed twice");
        let mut sorted: Vec<_> = heard.iter().collect();
        sorted.sort_by_key(|got| got.index);
        for two in sorted.windows(2) {
            assert!(two[1].index > two[0].index, "seed {seed}");
            let step = two[1].header.timestamp.wrapping_sub(two[0].header.timestamp);
            assert!((960..48_000).contains(&step), "seed {seed}: peer {peer}, a step of {step} ticks");
        }
        for two in heard.windows(2) {
            let gap = (two[1].at - two[0].at).as_millis() as u64;
            assert!(gap <= gap_max_ms, "seed {seed}: peer {peer} heard nothing for {gap} ms");
        }
    }
}

#[test]
fn a_third_party_comes_and_goes_under_5_percent_loss_without_gap_or_click() {
    for seed in 0..10 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut world, peers) = three(seed, &Link { loss: 0.05, ..Link::clean() });
        let mut switches = Vec::new();
        for _ in 0..10 {
            world.ok(Command::Join { bridge: bridge("b"), leg: leg("other"), role: Role::Party });
            switches.push(world.millis());
            world.run_for(rng.random_range(700..1_500));
            world.ok(Command::Leave { leg: leg("other"), hears: Filler::Comfort });
            switches.push(world.millis());
            world.run_for(rng.random_range(700..1_500));
        }
        // 5 % loss makes holes of up to five frames where packets are forwarded.
        check_wire(&world, &peers, 140, seed);
        for (peer, hz) in [(peers[0], 800.0), (peers[1], 500.0)] {
            for at in &switches {
                let after = heard(&world, peer, at + 150, at + 600);
                let level = level_db(&after, hz);
                // A lost packet costs a pure tone some decibels for a while, whoever forwards or mixes it.
                assert!((-30.0..=-17.0).contains(&level), "seed {seed}: {level:.1} dB after a switch at {at} ms");
                // What a click costs is measured without loss; here nothing may be far above what the tones come to.
                let around = heard(&world, peer, at - 300, at + 600);
                let peak = around.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
                assert!(peak <= 0.5, "seed {seed}: a peak of {peak} around {at} ms");
            }
        }
    }
}

#[test]
fn a_switch_between_a_voice_and_a_mix_leaves_at_most_three_frames_of_silence_and_celt_between_the_two() {
    let (mut world, [caller, ..]) = three(3, &Link::clean());
    for _ in 0..20 {
        world.ok(Command::Join { bridge: bridge("b"), leg: leg("other"), role: Role::Party });
        world.run_for(730);
        world.ok(Command::Leave { leg: leg("other"), hears: Filler::Comfort });
        world.run_for(730);
    }
    let silence = |payload: &[u8]| payload == audio::toc::CELT_SILENCE;
    let voice = tone(800.0);
    let heard = &world.peers[caller].heard;
    let (mut run, mut worst, mut switches) = (0, 0, 0);
    let mut last_was_voice = None;
    for got in heard.iter().filter(|got| got.at >= world.start + Duration::from_millis(1_000)) {
        if silence(&got.payload) {
            run += 1;
            worst = worst.max(run);
            continue;
        }
        let is_voice = voice.contains(&got.payload);
        if last_was_voice.is_some_and(|last| last != is_voice) {
            switches += 1;
            assert!(run >= 1, "SILK met SILK at a switch");
        }
        (run, last_was_voice) = (0, Some(is_voice));
    }
    assert_eq!(switches, 40);
    assert!(worst <= 4, "{worst} frames of silence");
    assert!(heard.windows(2).all(|two| two[1].at - two[0].at <= Duration::from_millis(35)));
}

#[test]
fn what_a_mix_adds_to_the_delay_is_bounded_under_jitter() {
    for seed in 0..5 {
        let link = Link { jitter_ms: 60, delay_ms: 30, ..Link::clean() };
        let (mut world, [caller, agent, _]) = three(seed, &link);
        world.ok(Command::Join { bridge: bridge("b"), leg: leg("other"), role: Role::Party });
        world.ok(Command::CloseLeg { leg: leg("other") });
        world.ok(Command::Join { bridge: bridge("b"), leg: leg("caller"), role: Role::Party });
        // Two agents would hide each other: the third party is silent, and the agent's tone comes and goes.
        let third = world.peer("third", Peer::Browser);
        world.ok(Command::OpenGate { leg: leg("third") });
        world.peers[third].speak_frames(world.now, std::sync::Arc::new(vec![audio::toc::CELT_SILENCE.to_vec()]));
        world.ok(Command::Join { bridge: bridge("b"), leg: leg("third"), role: Role::Party });
        let silent = std::sync::Arc::new(vec![audio::toc::CELT_SILENCE.to_vec()]);
        let (mut worst, mut turns) = (0, 0);
        for turn in 0..12u64 {
            let voice = world.peers[agent].voice.as_mut().unwrap();
            voice.frames = std::sync::Arc::clone(&silent);
            world.run_for(800 + 37 * turn);
            let voice = world.peers[agent].voice.as_mut().unwrap();
            (voice.frames, voice.said) = (tone(800.0), 0);
            let began = world.millis();
            world.run_for(800);
            let onset = (0..60).find(|n| {
                let piece = heard(&world, caller, began + n * 10, began + n * 10 + 40);
                piece.iter().fold(0.0f32, |peak, s| peak.max(s.abs())) > 0.03
            });
            if turn >= 2 {
                worst = worst.max(onset.expect("the tone is heard") * 10);
                turns += 1;
            }
        }
        assert!(turns == 10 && worst <= 30 + 60 + 10 + 160, "seed {seed}: {worst} ms from mouth to ear");
    }
}

#[test]
fn a_warm_transfer_is_consult_swap_merge_and_completion_and_the_caller_never_hears_the_consult() {
    let (mut world, [caller, agent, other]) = three(5, &Link::clean());
    let hears = |world: &mut World, peer: usize| {
        world.run_for(200);
        let from = world.millis();
        world.run_for(800);
        let all = &world.peers[peer].heard;
        let music = all.iter().rev().take(20).all(|got| got.clip_frame(7).is_some());
        if music {
            return "music".to_owned();
        }
        let sound = heard(world, peer, from, from + 800);
        let tones = [(500.0, 'c'), (800.0, 'a'), (1_300.0, 'o')];
        tones.iter().filter(|(hz, _)| level_db(&sound, *hz) > -30.0).map(|(_, name)| *name).collect()
    };
    let all = |world: &mut World| [caller, agent, other].map(|peer| hears(world, peer));
    assert_eq!(all(&mut world), ["a", "c", ""]);
    // Consult: the agent goes aside with the other, the caller hears music.
    world.ok(Command::Leave { leg: leg("agent"), hears: Filler::Comfort });
    world.ok(Command::Bridge { bridge: bridge("aside"), caller: leg("agent"), agent: leg("other"), music: music() });
    assert_eq!(all(&mut world), ["music", "o", "a"]);
    // Swap: back to the caller, the other hears music.
    world.ok(Command::Join { bridge: bridge("b"), leg: leg("agent"), role: Role::Party });
    assert_eq!(all(&mut world), ["a", "c", "music"]);
    world.ok(Command::Join { bridge: bridge("aside"), leg: leg("agent"), role: Role::Party });
    assert_eq!(all(&mut world), ["music", "o", "a"]);
    // Merge: all three in the caller's bridge; the other one ends as its last party leaves it.
    world.ok(Command::Join { bridge: bridge("b"), leg: leg("agent"), role: Role::Party });
    world.ok(Command::Join { bridge: bridge("b"), leg: leg("other"), role: Role::Party });
    assert_eq!(all(&mut world), ["ao", "co", "ca"]);
    let ended = |world: &World, name: &str| {
        world.events.iter().any(|(_, event)| *event == Event::BridgeEnded { bridge: bridge(name) })
    };
    assert!(ended(&world, "aside") && !ended(&world, "b"));
    // Completion: the agent leaves, the caller and the other talk on.
    world.ok(Command::Leave { leg: leg("agent"), hears: Filler::Comfort });
    assert_eq!(all(&mut world), ["o", "", "c"]);
    world.ok(Command::CloseLeg { leg: leg("other") });
    world.run_for(500);
    assert!(ended(&world, "b"), "the caller was left alone by a leg's end");
    assert_eq!(hears(&mut world, caller), "music");
}

#[test]
fn hold_silence_and_return_work_among_three_as_between_two() {
    let (mut world, [caller, agent, other]) = three(6, &Link::clean());
    world.ok(Command::Join { bridge: bridge("b"), leg: leg("other"), role: Role::Party });
    world.run_for(1_000);
    world.ok(Command::Hold { bridge: bridge("b") });
    world.run_for(1_000);
    assert!(world.peers[caller].heard.last().unwrap().clip_frame(7).is_some());
    world.ok(Command::Resume { bridge: bridge("b") });
    world.run_for(500);
    let voices = [agent, other].map(|peer| world.peers[peer].voice.take());
    world.run_for(6_000);
    let told = |world: &World, wanted: &Event| world.events.iter().any(|(_, event)| event == wanted);
    assert!(told(&world, &Event::AgentSilent { bridge: bridge("b") }));
    assert!(world.peers[caller].heard.last().unwrap().clip_frame(7).is_some());
    let mut voice = voices.into_iter().next_back().flatten().unwrap();
    voice.next = world.now;
    world.peers[other].voice = Some(voice);
    world.run_for(1_000);
    assert!(told(&world, &Event::AgentBack { bridge: bridge("b") }));
    let sound = heard(&world, caller, world.millis() - 600, world.millis());
    assert!(level_db(&sound, 1_300.0) > -24.0);
    check_wire(&world, &[caller, agent, other], 60, 6);
}
