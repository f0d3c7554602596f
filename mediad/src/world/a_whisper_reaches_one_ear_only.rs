//! Listen, whisper and barge, by spectrum: every voice is a tone of its own, and each ear is asked for each of them.

use std::time::Duration;

use audio::limits::Limits;
use audio::opus::decode_all;
use audio::{ogg_opus, two_lane};
use protocol::{BridgeId, ClipName, Command, Peer, RecordingId, Role};

use super::sound::{heard, level_db, tone};
use super::{World, numbered_clip};

const CALLER_HZ: f32 = 500.0;
const AGENT_HZ: f32 = 800.0;
const CHIEF_HZ: f32 = 1_300.0;

/// A caller and an agent who talk and are recorded, and a supervisor who does not hear them yet.
struct Watched {
    world: World,
    caller: usize,
    agent: usize,
    chief: usize,
    recording: RecordingId,
}

fn watched(seed: u64) -> Watched {
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    let chief = world.peer("chief", Peer::Browser);
    world.ok(Command::OpenGate { leg: world.peers[chief].leg.clone() });
    for (peer, hz, phase_ms) in [(caller, CALLER_HZ, 3), (agent, AGENT_HZ, 9), (chief, CHIEF_HZ, 16)] {
        world.peers[peer].speak_frames(world.start + Duration::from_millis(phase_ms), tone(hz));
    }
    let (bridge, music) = (BridgeId::new("b").unwrap(), ClipName::new("music.ogg").unwrap());
    let (from, to) = (world.peers[caller].leg.clone(), world.peers[agent].leg.clone());
    world.ok(Command::Bridge { bridge, caller: from.clone(), agent: to, music });
    let recording = RecordingId::new("r").unwrap();
    world.ok(Command::Record { leg: from, recording: recording.clone() });
    world.run_to(1_000);
    Watched { world, caller, agent, chief, recording }
}

impl Watched {
    fn chief_is(&mut self, role: Role) {
        let (bridge, leg) = (BridgeId::new("b").unwrap(), self.world.peers[self.chief].leg.clone());
        self.world.ok(Command::Join { bridge, leg, role });
    }

    /// Lets two seconds pass and holds every ear to what it must hear and must not.
    fn check(&mut self, when: &str, ears: [(&[f32], &[f32]); 3]) {
        self.world.run_for(200);
        let from = self.world.millis();
        self.world.run_for(2_000);
        let to = self.world.millis();
        for (peer, (hears, hears_not)) in [self.caller, self.agent, self.chief].into_iter().zip(ears) {
            let sound = heard(&self.world, peer, from, to);
            let name = self.world.peers[peer].leg.clone();
            assert!(sound.len() >= 95 * 960, "{when}: {name} heard {} frames", sound.len() / 960);
            for hz in hears {
                let level = level_db(&sound, *hz);
                assert!((-24.0..=-17.0).contains(&level), "{when}: {name} hears {hz} Hz at {level:.1} dB");
            }
            for hz in hears_not {
                let level = level_db(&sound, *hz);
                assert!(level < -65.0, "{when}: {name} hears {hz} Hz at {level:.1} dB");
            }
        }
    }
}

#[test]
fn a_whisper_is_heard_by_the_agent_never_by_the_caller_nor_in_the_recording() {
    let mut it = watched(1);
    let agent = it.world.peers[it.agent].leg.clone();
    let (c, a, s) = (CALLER_HZ, AGENT_HZ, CHIEF_HZ);
    it.check("alone", [(&[a], &[c, s]), (&[c], &[a, s]), (&[], &[c, a, s])]);
    it.chief_is(Role::Listener);
    it.check("listening", [(&[a], &[c, s]), (&[c], &[a, s]), (&[c, a], &[s])]);
    it.chief_is(Role::Whisperer { to: agent });
    it.check("whispering", [(&[a], &[c, s]), (&[c, s], &[a]), (&[c, a], &[s])]);
    it.chief_is(Role::Party);
    it.check("barging", [(&[a, s], &[c]), (&[c, s], &[a]), (&[c, a], &[s])]);
    it.chief_is(Role::Listener);
    it.check("listening again", [(&[a], &[c, s]), (&[c], &[a, s]), (&[c, a], &[s])]);
    let leg = it.world.peers[it.chief].leg.clone();
    it.world.ok(Command::Leave { leg, hears: protocol::Filler::Comfort });
    it.check("gone", [(&[a], &[c, s]), (&[c], &[a, s]), (&[], &[c, a, s])]);
    assert_eq!(it.world.engine.figures().bridges, 1);
    check_lanes(&mut it);
}

/// The recording has the caller left, and right what the caller was sent: the supervisor only while he barged.
fn check_lanes(it: &mut Watched) {
    let recording = it.recording.clone();
    it.world.ok(Command::StopRecording { recording: recording.clone() });
    let links = ogg_opus::read(&it.world.tapes[&recording].bytes, &Limits::RECORDING).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for packet in &links[0].packets {
        let lanes = two_lane::lanes(packet).unwrap();
        left.push(lanes.0.to_vec());
        right.push(lanes.1.to_vec());
    }
    let (left, right) = (decode_all(&left).unwrap(), decode_all(&right).unwrap());
    // Of every 2.2 s one phase: alone, listening, whispering, barging, listening again, gone. The recording began at 0.
    let part = |lane: &[f32], phase: usize| {
        let from = 48_000 * (1_000 + 2_200 * phase + 400) / 1_000;
        lane[from..from + 48_000 * 1_600 / 1_000].to_vec()
    };
    for phase in 0..6 {
        let (left, right) = (part(&left, phase), part(&right, phase));
        assert!(level_db(&left, CALLER_HZ) > -24.0, "phase {phase}");
        assert!(level_db(&left, CHIEF_HZ) < -65.0, "phase {phase}: {}", level_db(&left, CHIEF_HZ));
        assert!(level_db(&right, AGENT_HZ) > -24.0, "phase {phase}");
        assert!(level_db(&right, CALLER_HZ) < -65.0, "phase {phase}");
        let chief = level_db(&right, CHIEF_HZ);
        assert_eq!(chief > -24.0, phase == 3, "phase {phase}: the supervisor at {chief:.1} dB in the caller's lane");
        assert!(phase == 3 || chief < -65.0, "phase {phase}: {chief:.1} dB");
    }
}

#[test]
fn whoever_only_listens_changes_no_packet_of_the_two_who_talk() {
    let mut it = watched(2);
    let forwarded = |it: &Watched| [it.caller, it.agent].map(|peer| it.world.peers[peer].heard.len());
    it.chief_is(Role::Listener);
    let before = forwarded(&it);
    it.world.run_for(2_000);
    for (peer, other, before) in [(it.caller, AGENT_HZ, before[0]), (it.agent, CALLER_HZ, before[1])] {
        let frames = tone(other);
        let heard = &it.world.peers[peer].heard[before..];
        assert!(heard.iter().all(|got| frames.contains(&got.payload)), "each packet as it was sent");
        assert!(heard.windows(2).all(|two| two[1].index == two[0].index + 1));
    }
}
