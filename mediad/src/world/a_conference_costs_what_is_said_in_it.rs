//! Large conferences: who only listens costs nothing more, who speaks is heard, and whoever breaks ends alone.

use std::time::Duration;

use protocol::{BridgeId, ClipName, Command, ErrorCode, Event, LegEnd, LegId, Peer, Role};

use super::sound::{heard, level_db, tone};
use super::{World, numbered_clip};
use crate::bridge::mixer::FLOOR_MAX;

fn bridge() -> BridgeId {
    BridgeId::new("b").unwrap()
}

/// A bridge of `parties` and `listeners`; nobody but the first two has said anything.
fn conference(seed: u64, parties: usize, listeners: usize) -> World {
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    for n in 0..parties + listeners {
        let peer = world.peer(&format!("p{n}"), Peer::Browser);
        let leg = world.peers[peer].leg.clone();
        world.ok(Command::OpenGate { leg: leg.clone() });
        match n {
            0 => {}
            1 => {
                let (caller, music) = (LegId::new("p0").unwrap(), ClipName::new("music.ogg").unwrap());
                world.ok(Command::Bridge { bridge: bridge(), caller, agent: leg, music });
            }
            _ => {
                let role = if n < parties { Role::Party } else { Role::Listener };
                world.ok(Command::Join { bridge: bridge(), leg, role });
            }
        }
    }
    world
}

fn speak(world: &mut World, peer: usize, hz: f32) {
    let at = world.now + Duration::from_millis(peer as u64 % 20);
    world.peers[peer].speak_frames(at, tone(hz));
}

fn hz_of(peer: usize) -> f32 {
    400.0 + 173.0 * peer as f32
}

fn encoded_in(world: &mut World, millis: u64) -> (u64, u64) {
    let before = world.engine.figures().totals.clone();
    world.run_for(millis);
    let after = &world.engine.figures().totals;
    (after.encoded - before.encoded, after.mixed - before.mixed)
}

#[test]
fn thirty_listeners_share_one_encode_and_hear_both_who_talk() {
    let mut world = conference(1, 2, 30);
    speak(&mut world, 0, hz_of(0));
    speak(&mut world, 1, hz_of(1));
    let (encoded, mixed) = encoded_in(&mut world, 2_000);
    assert!((99..=101).contains(&encoded), "{encoded} encodes in 100 frames");
    assert!((99 * 30..=101 * 30).contains(&mixed), "{mixed}");
    for listener in 2..32 {
        let sound = heard(&world, listener, 1_000, 2_000);
        for voice in [0, 1] {
            assert!(level_db(&sound, hz_of(voice)) > -24.0, "listener {listener}");
        }
    }
    let leg = world.peer("late", Peer::Browser);
    let leg = world.peers[leg].leg.clone();
    let refused = world.ask(Command::Join { bridge: bridge(), leg, role: Role::Listener }).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Busy);
}

#[test]
fn of_32_parties_those_who_spoke_last_are_heard_by_all_and_the_work_is_bounded() {
    let mut world = conference(2, 32, 0);
    // Everybody says something in turn, so that the sum has had to choose.
    for peer in 0..32 {
        speak(&mut world, peer, hz_of(peer));
        let (encoded, _) = encoded_in(&mut world, 1_000);
        assert!(encoded <= 51 * (FLOOR_MAX as u64 + 1), "{encoded} encodes in 50 frames");
        let from = world.millis() - 400;
        for ear in [0, 15, 31].into_iter().filter(|ear| *ear != peer) {
            let level = level_db(&heard(&world, ear, from, from + 400), hz_of(peer));
            assert!(level > -26.0, "{ear} hears {peer} at {level:.1} dB");
        }
        let own = level_db(&heard(&world, peer, from, from + 400), hz_of(peer));
        assert!(own < -50.0, "{peer} hears itself at {own:.1} dB");
        world.peers[peer].voice = None;
        world.run_for(600);
    }
    // All at once: the sum is full, and stays below full scale.
    for peer in 0..32 {
        speak(&mut world, peer, hz_of(peer));
    }
    let (encoded, mixed) = encoded_in(&mut world, 2_000);
    assert!(encoded <= 101 * (FLOOR_MAX as u64 + 1), "{encoded} encodes in 100 frames");
    assert!((99 * 32..=101 * 32).contains(&mixed), "{mixed}");
    let loud = heard(&world, 31, world.millis() - 1_000, world.millis());
    assert!(loud.iter().all(|sample| sample.abs() <= 1.0));
    for peer in 0..32 {
        assert_eq!(world.peers[peer].refused, 0);
    }
}

#[test]
fn a_party_that_breaks_ends_alone_and_the_others_hear_each_other_on() {
    let mut world = conference(3, 4, 0);
    for peer in 0..4 {
        speak(&mut world, peer, hz_of(peer));
    }
    world.run_for(1_000);
    let broken = world.peers[2].leg.clone();
    world.engine.leg_by_hand(&broken).break_down();
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    world.run_for(100);
    std::panic::set_hook(quiet);
    world.run_for(1_500);
    assert!(world.events.iter().any(|(_, e)| *e == Event::LegEnded { leg: broken.clone(), why: LegEnd::Defect }));
    assert!(!world.events.iter().any(|(_, event)| matches!(event, Event::BridgeEnded { .. })));
    for (ear, hears) in [(0, [1, 3]), (1, [0, 3]), (3, [0, 1])] {
        let sound = heard(&world, ear, world.millis() - 1_000, world.millis());
        for voice in hears {
            assert!(level_db(&sound, hz_of(voice)) > -24.0, "{ear} hears {voice}");
        }
        assert!(level_db(&sound, hz_of(2)) < -50.0);
    }
    // The caller's end is everybody's end.
    world.ok(Command::CloseLeg { leg: LegId::new("p0").unwrap() });
    world.run_for(100);
    assert!(world.events.iter().any(|(_, event)| matches!(event, Event::BridgeEnded { .. })));
}

/// What a mix costs, printed: `cargo test -p mediad --release -- --nocapture what_a_mix_costs`.
#[test]
fn what_a_mix_costs() {
    use crate::base::slots::Slots;
    use crate::bridge::mixer::{Heard, Listening, Mixer};
    use crate::leg::sender::SourceId;

    #[expect(clippy::disallowed_methods, reason = "this test measures")]
    let clock = std::time::Instant::now;
    let start = clock();
    let voice = tone(700.0);
    for (parties, listeners) in [(2, 1), (3, 0), (4, 0), (6, 0), (2, 30), (32, 0)] {
        let mut slots = Slots::default();
        let seats: Vec<_> = (0..parties + listeners).map(|n| slots.put(n)).collect();
        let heard: Vec<Heard> = seats[..parties].iter().map(|seat| Heard { seat: *seat, only_by: None }).collect();
        let ear = |(n, seat): (usize, &_)| Listening { seat: *seat, party: n < parties, whispered: false };
        let ears: Vec<Listening> = seats.iter().enumerate().map(ear).collect();
        let mixed = if parties == 2 { &ears[2..] } else { &ears[..] };
        let mut mixer = Mixer::new(start, 1, 0);
        mixer.seat(start, &heard, mixed.to_vec());
        let mut spent = Vec::new();
        for n in 0..FRAMES {
            let now = start + Duration::from_millis(20 * n + 10);
            for seat in &seats[..parties] {
                let id = SourceId { leg: seat.number(), ssrc: 1 };
                let speaker = mixer.speaker(*seat).unwrap();
                speaker.jitter.hear(now, id, n, n * 960, &voice[n as usize % voice.len()]);
            }
            let before = clock();
            assert!(mixer.mix(now));
            spent.push(clock() - before);
        }
        spent.sort_unstable();
        let (least, median) = (spent[0], spent[spent.len() / 2]);
        let (people, mixes) = (mixed.len() as u32, mixer.mixes());
        println!("{parties} parties, {listeners} listeners: {median:?} a frame, {least:?} at least, {mixes} encodes");
        println!("  {:?} a mixed participant, {:?} at least", median / people, least / people);
        assert!(mixer.mixes() <= FLOOR_MAX + 1);
    }
}

const FRAMES: u64 = 200;
