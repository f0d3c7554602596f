//! Real speech, one decoder at the caller's ear, a third party that comes and goes a hundred times: the click metric of
//! `audio::click` at every switch between the agent's packets and the mix.

use std::sync::Arc;
use std::time::Duration;

use audio::click::{Cut, Meter, Summary};
use audio::clip::Clip;
use audio::opus::{Preset, decode_all, encode_all};
use audio::toc::CELT_SILENCE;
use protocol::{BridgeId, ClipName, Command, Filler, LegId, Peer, Role};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{World, numbered_clip};

fn speech(names: &[&str]) -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for name in names {
        let path = format!("{}/../audio/assets/{name}", env!("CARGO_MANIFEST_DIR"));
        let clip = Clip::read(&std::fs::read(path).unwrap()).unwrap();
        samples.extend(decode_all(&clip.packets().collect::<Vec<_>>()).unwrap());
    }
    samples.truncate(samples.len() / 960 * 960);
    encode_all(Preset::Live, &samples).unwrap()
}

/// The caller's packets while someone else comes and goes.
fn heard(seed: u64, agent_says: &[Vec<u8>], other_says: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::seeded(seed);
    world.clip("music.ogg", numbered_clip(7, 500));
    let (caller, agent) = world.caller_and_agent();
    let other = world.peer("other", Peer::Browser);
    let (bridge, leg) = (BridgeId::new("b").unwrap(), LegId::new("other").unwrap());
    world.ok(Command::OpenGate { leg: leg.clone() });
    for (peer, says, phase_ms) in [(agent, agent_says, 4), (other, other_says, 13)] {
        world.peers[peer].speak_frames(world.start + Duration::from_millis(phase_ms), Arc::new(says.to_vec()));
    }
    let [from, to] = [caller, agent].map(|peer| world.peers[peer].leg.clone());
    let music = ClipName::new("music.ogg").unwrap();
    world.ok(Command::Bridge { bridge: bridge.clone(), caller: from, agent: to, music });
    world.run_for(1_000);
    for _ in 0..CUTS {
        world.ok(Command::Join { bridge: bridge.clone(), leg: leg.clone(), role: Role::Party });
        world.run_for(rng.random_range(500..900));
        world.ok(Command::Leave { leg: leg.clone(), hears: Filler::Comfort });
        world.run_for(rng.random_range(500..900));
    }
    let heard = &world.peers[caller].heard;
    assert!(heard.windows(2).all(|two| two[1].index == two[0].index + 1));
    heard.iter().map(|got| got.payload.clone()).collect()
}

/// A stretch of packets: the agent's own, or a mix. What is silence between two of them belongs to neither.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Where it begins in the agent's stream; `None` for a mix.
    stream_at: Option<usize>,
    from: usize,
    to: usize,
}

fn runs(heard: &[Vec<u8>], agent: &[Vec<u8>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = heard.iter().position(|packet| agent.contains(packet)).unwrap();
    while at < heard.len() {
        if heard[at] == CELT_SILENCE {
            at += 1;
            continue;
        }
        let longest = |start: &usize| {
            (0..heard.len() - at).take_while(|n| agent[(start + n) % agent.len()] == heard[at + n]).count()
        };
        let start = (0..agent.len()).max_by_key(longest).unwrap();
        let len = longest(&start);
        if len >= 5 {
            runs.push(Run { stream_at: Some(start), from: at, to: at + len });
            at += len;
            continue;
        }
        match runs.last_mut() {
            Some(last) if last.stream_at.is_none() && last.to == at => last.to += 1,
            _ => runs.push(Run { stream_at: None, from: at, to: at + 1 }),
        }
        at += 1;
    }
    runs
}

fn around(samples: &[f32], packet: isize) -> Vec<f32> {
    let from = (packet - AROUND as isize) * 960;
    (from..from + 2 * AROUND as isize * 960)
        .map(|at| usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0))
        .collect()
}

/// X of every switch: into the mix, and out of it.
fn excess(heard: &[Vec<u8>], agent: &[Vec<u8>]) -> (Vec<f64>, Vec<f64>) {
    let out = decode_all(heard).unwrap();
    let thrice = decode_all(&[agent, agent, agent].concat()).unwrap();
    // Each stretch as a decoder of its own hears it, and where in that sound a packet of it lies.
    let alone = |run: &Run| match run.stream_at {
        Some(at) => (thrice.clone(), at + agent.len()),
        None => (decode_all(&heard[run.from..run.to]).unwrap(), 0),
    };
    let meter = Meter::new();
    let (mut into, mut back) = (Vec::new(), Vec::new());
    for two in runs(heard, agent).windows(2) {
        let (a, b) = (two[0], two[1]);
        if a.stream_at.is_some() == b.stream_at.is_some() || a.from < AROUND {
            continue;
        }
        let inserted = b.from - a.to;
        assert!(inserted >= 1, "SILK met SILK at packet {}", a.to);
        // The agent paused just then, and a mix begins with its first sound.
        if inserted > 5 {
            continue;
        }
        let ((before, a_at), (after, b_at)) = (alone(&a), alone(&b));
        let out = around(&out, a.to as isize);
        let before = around(&before, (a_at + a.to - a.from) as isize);
        let after = around(&after, b_at as isize - inserted as isize);
        let x = meter.excess_db(&Cut { out: &out, before: &before, after: &after, at: AROUND * 960, inserted });
        if b.stream_at.is_none() { into.push(x) } else { back.push(x) }
    }
    (into, back)
}

#[test]
fn a_hundred_comings_and_goings_cost_at_most_one_lost_packet_each() {
    let agent = speech(&["demo/menu.ogg", "demo/hours.ogg", "demo/welcome.ogg"]);
    let other = speech(&["demo/nobody-free.ogg", "demo/apology.ogg", "demo/goodbye.ogg", "demo/invalid.ogg"]);
    for (seed, other) in [(1, other), (2, vec![CELT_SILENCE.to_vec()])] {
        let heard = heard(seed, &agent, &other);
        let (into, back) = excess(&heard, &agent);
        println!("seed {seed}: into {:?}, back {:?}", Summary::of(&into), Summary::of(&back));
        assert!(into.len() >= CUTS * 2 / 3 && back.len() >= CUTS * 2 / 3, "{} and {} cuts", into.len(), back.len());
        assert!(Summary::of(&into).is_like_one_loss(), "{:?}", Summary::of(&into));
        assert!(Summary::of(&back).is_like_one_loss(), "{:?}", Summary::of(&back));
    }
}

/// Comings, and as many goings.
const CUTS: usize = 100;
/// Packets looked at on either side of a cut.
const AROUND: usize = 12;
