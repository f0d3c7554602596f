//! The tone before the longest call ends: into a bridge, a mix and hold music, and out of it again.

use std::time::Duration;

use audio::clip::Clip;
use audio::limits::Limits;
use audio::toc::CELT_SILENCE;
use audio::{ogg_opus, two_lane};
use protocol::{BridgeId, ClipName, Command, ErrorCode, LegId, Peer, RecordingId, Role};

use super::sound::{heard, level_db, tone};
use super::{World, numbered_clip};

fn warning() -> Clip {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio/assets/warning.ogg");
    Clip::read(&std::fs::read(path).unwrap()).unwrap()
}

fn name(text: &str) -> ClipName {
    ClipName::new(text).unwrap()
}

fn talking() -> (World, usize, usize, BridgeId) {
    let mut world = World::seeded(1);
    world.clip("music.ogg", numbered_clip(7, 500));
    world.clip("warning.ogg", warning());
    world.clip("long.ogg", numbered_clip(8, 200));
    let (caller, agent) = world.caller_and_agent();
    for (peer, hz, phase_ms) in [(caller, 500.0, 3), (agent, 800.0, 11)] {
        world.peers[peer].speak_frames(world.start + Duration::from_millis(phase_ms), tone(hz));
    }
    let bridge = BridgeId::new("b").unwrap();
    let [from, to] = [caller, agent].map(|peer| world.peers[peer].leg.clone());
    world.ok(Command::Bridge { bridge: bridge.clone(), caller: from, agent: to, music: name("music.ogg") });
    world.run_to(1_000);
    (world, caller, agent, bridge)
}

/// The packets of the tone; its last may be silence, which others send too.
fn sounding() -> Vec<Vec<u8>> {
    warning().packets().filter(|packet| *packet != CELT_SILENCE).map(<[u8]>::to_vec).collect()
}

/// When the first and the last packet of the tone were heard, and how many of it there were.
fn tone_heard(world: &World, peer: usize, from_ms: u64) -> (u64, u64, usize) {
    let packets = sounding();
    let of_tone = world.peers[peer].heard.iter().filter(|got| packets.contains(&got.payload));
    let at: Vec<u64> =
        of_tone.map(|got| (got.at - world.start).as_millis() as u64).filter(|at| *at >= from_ms).collect();
    (at[0], at[at.len() - 1], at.len())
}

#[test]
fn a_tone_is_heard_whole_in_place_of_the_voice_and_the_other_side_notices_nothing() {
    let (mut world, caller, agent, _) = talking();
    world.ok(Command::Beep { leg: world.peers[agent].leg.clone(), clip: name("warning.ogg") });
    let asked = world.millis();
    world.run_for(3_000);
    let (first, last, count) = tone_heard(&world, agent, asked);
    assert_eq!(count, sounding().len());
    assert!(first - asked <= 35, "after {} ms", first - asked);
    assert_eq!(last - first, 20 * (count as u64 - 1), "one packet a slot");
    let after = heard(&world, agent, last + 60, last + 660);
    assert!(level_db(&after, 500.0) > -24.0, "the caller is heard again");
    for peer in [caller, agent] {
        let heard = &world.peers[peer].heard;
        assert_eq!(world.peers[peer].refused, 0);
        assert!(heard.windows(2).all(|two| two[1].index == two[0].index + 1));
        let gap = heard.windows(2).map(|two| two[1].at - two[0].at).max().unwrap();
        assert!(gap <= Duration::from_millis(35), "{gap:?}");
    }
    let voice = tone(800.0);
    let caller_heard =
        world.peers[caller].heard.iter().filter(|got| got.at >= world.start + Duration::from_millis(asked));
    assert!(caller_heard.clone().count() >= 148 && caller_heard.clone().all(|got| voice.contains(&got.payload)));
}

#[test]
fn a_tone_to_the_caller_is_silence_in_his_lane_and_costs_the_other_lane_nothing() {
    let (mut world, caller, _, _) = talking();
    let (leg, recording) = (world.peers[caller].leg.clone(), RecordingId::new("r").unwrap());
    world.ok(Command::Record { leg: leg.clone(), recording: recording.clone() });
    world.run_for(1_000);
    world.ok(Command::Beep { leg, clip: name("warning.ogg") });
    world.run_for(2_000);
    world.ok(Command::StopRecording { recording: recording.clone() });
    let links = ogg_opus::read(&world.tapes[&recording].bytes, &Limits::RECORDING).unwrap();
    let silent = |lane: usize| {
        let slots = links[0].packets.iter().skip(5).map(|packet| two_lane::lanes(packet).unwrap());
        slots.filter(|lanes| [&lanes.0[..], lanes.1][lane] == CELT_SILENCE).count()
    };
    let tone_slots = warning().len();
    assert_eq!(silent(0), 0);
    assert!((tone_slots - 2..=tone_slots + 3).contains(&silent(1)), "{} of {tone_slots}", silent(1));
}

#[test]
fn a_tone_sounds_over_a_mix_and_over_hold_music_and_gives_way_to_a_command() {
    let (mut world, caller, agent, bridge) = talking();
    let third = world.peer("third", Peer::Browser);
    let leg = LegId::new("third").unwrap();
    world.ok(Command::OpenGate { leg: leg.clone() });
    world.peers[third].speak_frames(world.now, tone(1_300.0));
    world.ok(Command::Join { bridge: bridge.clone(), leg, role: Role::Party });
    world.run_for(1_000);
    let beep =
        |peer: usize, world: &World| Command::Beep { leg: world.peers[peer].leg.clone(), clip: name("warning.ogg") };
    let asked = world.millis();
    world.ok(beep(agent, &world));
    world.run_for(2_000);
    let (_, last, count) = tone_heard(&world, agent, asked);
    assert_eq!(count, sounding().len());
    let after = heard(&world, agent, last + 100, last + 700);
    assert!(level_db(&after, 500.0) > -24.0 && level_db(&after, 1_300.0) > -24.0);
    world.ok(Command::Hold { bridge: bridge.clone() });
    world.run_for(500);
    let asked = world.millis();
    world.ok(beep(caller, &world));
    world.run_for(1_500);
    assert_eq!(tone_heard(&world, caller, asked).2, sounding().len());
    assert!(world.peers[caller].heard.last().unwrap().clip_frame(7).is_some(), "the music goes on");
    world.ok(beep(caller, &world));
    world.run_for(40);
    world.ok(Command::Resume { bridge });
    world.run_for(700);
    let sound = heard(&world, caller, world.millis() - 500, world.millis());
    assert!(level_db(&sound, 800.0) > -24.0, "resume ends the tone");
    let leg = world.peers[caller].leg.clone();
    let refused = world.ask(Command::Beep { leg, clip: name("long.ogg") }).unwrap_err();
    assert_eq!(refused.code, ErrorCode::BadValue);
    for peer in [caller, agent, third] {
        assert_eq!(world.peers[peer].refused, 0);
    }
}
