//! One continuous decoder on the caller's side, real speech and music, hundreds of switches, and the click metric of
//! `audio::click`: no click where one side is prepared sound, and what one lost packet costs where it is not.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use audio::click::{Cut, Meter, Summary};
use audio::clip::Clip;
use audio::opus::{Preset, decode_all, encode_all};
use audio::toc;
use protocol::{BridgeId, ClipName, Command, Filler};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::World;
use crate::bridge::prepared::Prepared;

/// Which stream a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum From {
    Ana,
    Ben,
    Music,
    Prompt,
    Comfort,
}

/// Every stream of the test, as packets and as a decoder of its own decodes them.
struct Streams {
    packets: HashMap<From, Vec<Vec<u8>>>,
    sound: HashMap<From, Vec<f32>>,
}

fn asset(name: &str) -> Clip {
    let path = format!("{}/../audio/assets/{name}", env!("CARGO_MANIFEST_DIR"));
    Clip::read(&std::fs::read(path).unwrap()).unwrap()
}

fn entry(at: usize) -> &'static [u8] {
    static MADE: OnceLock<Prepared> = OnceLock::new();
    MADE.get_or_init(|| Prepared::of(asset("hold-music.ogg")).unwrap()).entry(at)
}

fn speech(names: &[&str]) -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for name in names {
        let clip = asset(name);
        let packets: Vec<&[u8]> = clip.packets().collect();
        samples.extend(decode_all(&packets).unwrap());
    }
    samples.truncate(samples.len() / 960 * 960);
    encode_all(Preset::Live, &samples).unwrap()
}

fn streams() -> &'static Streams {
    static MADE: OnceLock<Streams> = OnceLock::new();
    MADE.get_or_init(|| {
        let all = |clip: Clip| clip.packets().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (_, comfort) = super::made_once();
        let packets = HashMap::from([
            (From::Ana, speech(&["demo/menu.ogg", "demo/hours.ogg", "demo/welcome.ogg"])),
            (From::Ben, speech(&["demo/nobody-free.ogg", "demo/apology.ogg", "demo/goodbye.ogg", "demo/invalid.ogg"])),
            (From::Music, all(asset("hold-music.ogg"))),
            (From::Prompt, all(asset("demo/menu.ogg"))),
            (From::Comfort, (0..comfort.len()).map(|turn| comfort.packet(turn).to_vec()).collect()),
        ]);
        // Three times round, so that a stream can be looked at on both sides of any of its packets.
        let thrice = |packets: &Vec<Vec<u8>>| decode_all(&[&packets[..], packets, packets].concat()).unwrap();
        let sound = packets.iter().map(|(from, packets)| (*from, thrice(packets))).collect();
        Streams { packets, sound }
    })
}

/// What a switch leads from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair(From, From);

/// Plays `cuts` switches back and forth between two sources and gives what the caller heard.
fn play(seed: u64, pair: Pair, cuts: usize, rule_one: bool) -> (World, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::seeded(seed);
    world.clip("music.ogg", asset("hold-music.ogg"));
    world.clip("prompt.ogg", asset("demo/menu.ogg"));
    let (caller, ana) = world.caller_and_agent();
    let ben = world.peer("ben", protocol::Peer::Browser);
    for (at, from, phase_ms) in [(ana, From::Ana, 4), (ben, From::Ben, 13)] {
        let leg = world.peers[at].leg.clone();
        world.ok(Command::OpenGate { leg });
        let begin = world.start + Duration::from_millis(phase_ms);
        world.peers[at].speak_frames(begin, Arc::new(streams().packets[&from].clone()));
    }
    let leg = world.peers[caller].leg.clone();
    if !rule_one {
        world.engine.leg_by_hand(&leg).break_rule_one();
    }
    for n in 0..=cuts {
        let to = if n % 2 == 0 { pair.0 } else { pair.1 };
        turn_to(&mut world, caller, to, n);
        world.run_for(rng.random_range(400..900));
    }
    (world, caller)
}

fn turn_to(world: &mut World, caller: usize, to: From, n: usize) {
    let leg = world.peers[caller].leg.clone();
    if n > 0 {
        let bridge = BridgeId::new(format!("b{}", n - 1)).unwrap();
        let _ = world.ask(Command::Unbridge { bridge, caller_hears: Filler::Comfort });
    }
    let music = || ClipName::new("music.ogg").unwrap();
    let bridge = |world: &mut World, agent: &str| {
        let agent = protocol::LegId::new(agent).unwrap();
        let (bridge, caller) = (BridgeId::new(format!("b{n}")).unwrap(), leg.clone());
        world.ok(Command::Bridge { bridge, caller, agent, music: music() });
    };
    match to {
        From::Ana => bridge(world, "agent"),
        From::Ben => bridge(world, "ben"),
        From::Music => drop(world.ok(Command::Fill { leg: leg.clone(), with: Filler::Music(music()) })),
        From::Comfort => drop(world.ok(Command::Fill { leg: leg.clone(), with: Filler::Comfort })),
        From::Prompt => {
            let clip = ClipName::new("prompt.ogg").unwrap();
            world.ok(Command::Play { leg: leg.clone(), clip, stop_on_digit: false, then: Filler::Comfort });
        }
    }
}

/// A stretch of packets of one stream.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: From,
    /// Where it begins among all packets heard, and in its stream.
    heard_at: usize,
    stream_at: usize,
    len: usize,
}

/// Cuts what was heard into stretches. Single fillers and silences between two stretches belong to neither.
fn runs(heard: &[&[u8]], pair: Pair) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < heard.len() {
        let best = [pair.0, pair.1]
            .into_iter()
            .filter_map(|from| {
                longest(from, &heard[at..]).map(|(stream_at, len)| Run { from, heard_at: at, stream_at, len })
            })
            .max_by_key(|run| run.len)
            .filter(|run| run.len >= 5);
        match best {
            Some(run) => {
                runs.push(run);
                at += run.len;
            }
            None => at += 1,
        }
    }
    runs
}

/// The longest stretch at the front of `heard` that is one piece of a stream.
fn longest(from: From, heard: &[&[u8]]) -> Option<(usize, usize)> {
    let stream = &streams().packets[&from];
    // The first packet of music is another one with the same sound; the second tells where it stands.
    let is = |at: usize, n: usize| {
        stream[at % stream.len()] == heard[n] || (n == 0 && from == From::Music && entry(at) == heard[0])
    };
    let len_from = |start: usize| (0..heard.len()).take_while(|n| is(start + n, *n)).count();
    (0..stream.len()).filter(|start| is(*start, 0)).map(|start| (start, len_from(start))).max_by_key(|x| x.1)
}

/// X of every switch from `wanted.0` to `wanted.1`.
fn excess(world: &World, caller: usize, pair: Pair, wanted: Pair) -> Vec<f64> {
    let heard: Vec<&[u8]> = world.peers[caller].heard.iter().map(|got| &got.payload[..]).collect();
    let out = decode_all(&heard).unwrap();
    let meter = Meter::new();
    let runs = runs(&heard, pair);
    let mut found = Vec::new();
    for two in runs.windows(2) {
        let (a, b) = (two[0], two[1]);
        if Pair(a.from, b.from) != wanted || a.heard_at + a.len < 12 {
            continue;
        }
        let cut = a.heard_at + a.len;
        let inserted = b.heard_at - cut;
        assert!(inserted <= 3, "{inserted} packets between two sources");
        let turn = |from: From| streams().packets[&from].len();
        let out = around(&out, cut as isize);
        let before = around(&streams().sound[&a.from], (a.stream_at + a.len + turn(a.from)) as isize);
        let after = around(&streams().sound[&b.from], (b.stream_at + turn(b.from)) as isize - inserted as isize);
        found.push(meter.excess_db(&Cut { out: &out, before: &before, after: &after, at: AROUND * 960, inserted }));
    }
    found
}

fn around(samples: &[f32], packet: isize) -> Vec<f32> {
    let from = (packet - AROUND as isize) * 960;
    (from..from + 2 * AROUND as isize * 960)
        .map(|at| usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0))
        .collect()
}

/// What holds at every switch whatever is measured.
fn check_wire(world: &World, caller: usize, rule_one: bool) {
    let heard = &world.peers[caller].heard;
    assert_eq!(world.peers[caller].refused, 0, "an index was sealed twice");
    assert!(heard.iter().all(|got| got.header.ssrc == heard[0].header.ssrc), "one source for life");
    for pair in heard.windows(2) {
        assert_eq!(pair[1].index, pair[0].index + 1);
        assert_eq!(pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp), 960);
        let gap = pair[1].at - pair[0].at;
        assert!(gap <= Duration::from_millis(30), "a gap of {gap:?} on the wire");
    }
    if rule_one {
        let known = |packet: &[u8]| {
            [From::Ana, From::Ben, From::Prompt].map(|from| streams().packets[&from].contains(&packet.to_vec()))
        };
        for pair in heard.windows(2) {
            let (a, b) = (&pair[0].payload, &pair[1].payload);
            if toc::needs_silence_between(a[0], b[0]) {
                let (a, b) = (known(a), known(b));
                assert!((0..3).any(|from| a[from] && b[from]), "two sources met without CELT between them");
            }
        }
    }
}

/// X of all switches between two sources, both ways together, and of each way.
struct Measured {
    both: Summary,
    there: Summary,
    back: Summary,
}

fn measure(pair: Pair, seed: u64, rule_one: bool) -> Measured {
    let (world, caller) = play(seed, pair, 2 * CUTS, rule_one);
    check_wire(&world, caller, rule_one);
    let there = excess(&world, caller, pair, pair);
    let back = excess(&world, caller, pair, Pair(pair.1, pair.0));
    assert!(there.len() >= CUTS - 3 && back.len() >= CUTS - 3, "{} and {} cuts found", there.len(), back.len());
    let (both, there, back) = (Summary::of(&[&there[..], &back].concat()), Summary::of(&there), Summary::of(&back));
    println!("{pair:?}, seed {seed}, rule one {rule_one}: both ways {both:?}, there {there:?}, back {back:?}");
    Measured { both, there, back }
}

#[test]
fn speech_and_music_over_200_hold_and_resume_switches_are_clean() {
    let x = measure(Pair(From::Ana, From::Music), 1, true);
    assert!(x.both.is_clean(), "hold and resume: {:?}", x.both);
}

#[test]
fn speech_and_filler_cost_at_most_what_one_lost_packet_costs() {
    let x = measure(Pair(From::Ana, From::Comfort), 2, true);
    assert!(x.there.is_like_one_loss(), "speech to filler: {:?}", x.there);
    // A voice that goes on in the middle of a word starts without its history, as after a loss.
    assert!(x.back.is_like_one_loss(), "filler to speech: {:?}", x.back);
}

#[test]
fn speech_and_prompts_cost_at_most_what_one_lost_packet_costs() {
    let x = measure(Pair(From::Ana, From::Prompt), 3, true);
    assert!(x.there.is_like_one_loss(), "speech to prompt: {:?}", x.there);
    assert!(x.back.is_like_one_loss(), "prompt to speech: {:?}", x.back);
}

#[test]
fn one_voice_after_another_costs_one_loss_and_without_rule_one_it_clicks() {
    let with = measure(Pair(From::Ana, From::Ben), 4, true).both;
    assert!(with.is_like_one_loss(), "voice to voice: {with:?}");
    // The negative control: were this to pass, the test would be blind.
    let without = measure(Pair(From::Ana, From::Ben), 4, false).both;
    let worse = without.over_6 >= 3.0 * with.over_6 && without.p95_db > with.p95_db + 2.0;
    assert!(!without.is_clean() && worse, "rule one off went unnoticed: {without:?}");
}

/// Switches of each kind.
const CUTS: usize = 100;
/// Packets looked at on either side of a cut.
const AROUND: usize = 12;
