//! One continuous decoder on the caller's side, real speech and music, hundreds of switches, and the click metric of
//! `audio::click`: how near each way comes to a splice without a click, and that it never costs more than a lost packet.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use audio::click::{Cut, Meter, Summary};
use audio::clip::Clip;
use audio::limits::Limits;
use audio::opus::decode_all;
use audio::toc;
use protocol::{BridgeId, ClipName, Command, Filler};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::World;

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

/// A voice as a browser sends it. Prompts, decoded and encoded again, would not do: SILK that went through SILK before
/// leans on its history harder, and starts worse without it.
fn voice(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/../audio/tests/voices/{name}", env!("CARGO_MANIFEST_DIR"));
    let links = audio::ogg_opus::read(&std::fs::read(path).unwrap(), &Limits::UPLOAD).unwrap();
    links.into_iter().flat_map(|link| link.packets).collect()
}

fn streams() -> &'static Streams {
    static MADE: OnceLock<Streams> = OnceLock::new();
    MADE.get_or_init(|| {
        let all = |clip: Clip| clip.packets().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (_, comfort) = super::made_once();
        let packets = HashMap::from([
            (From::Ana, voice("ana.ogg")),
            (From::Ben, voice("ben.ogg")),
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
        world.run_for(rng.random_range(300..600));
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
    let is = |at: usize, n: usize| stream[at % stream.len()] == heard[n];
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

/// X of all switches between two sources, of each way and of both together.
struct Measured {
    there: Summary,
    back: Summary,
    both: Summary,
}

fn measure(pair: Pair, seed: u64, rule_one: bool) -> Measured {
    measure_all(pair, &[seed], rule_one)
}

fn measure_all(pair: Pair, seeds: &[u64], rule_one: bool) -> Measured {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for seed in seeds {
        let (world, caller) = play(*seed, pair, 2 * CUTS, rule_one);
        check_wire(&world, caller, rule_one);
        there.extend(excess(&world, caller, pair, pair));
        back.extend(excess(&world, caller, pair, Pair(pair.1, pair.0)));
    }
    let enough = (CUTS - 3) * seeds.len();
    assert!(there.len() >= enough && back.len() >= enough, "{} and {} cuts found", there.len(), back.len());
    let both = Summary::of(&[&there[..], &back].concat());
    let (there, back) = (Summary::of(&there), Summary::of(&back));
    println!("{pair:?}, seeds {seeds:?}, rule one {rule_one}: there {there:?}, back {back:?}, both {both:?}");
    Measured { there, back, both }
}

// The bar of a clean splice is p95 <= 3 dB and 1 % above 6. Where a voice begins in the middle of a word it holds on most
// seeds, not on all: the wider limits below are what held on each of seeds 1 to 6 (`docs/decisions/0002` has the figures). A
// seed on which the stricter bar happens to hold would prove nothing.

#[test]
fn speech_and_music_over_200_hold_and_resume_switches_does_not_click() {
    // 400 switches a seed; the long count takes all six seeds together, so that no lucky one decides.
    let seeds = if std::env::var_os("PATCHBAY_SOAK").is_some() { &[1, 2, 3, 4, 5, 6][..] } else { &[1] };
    let x = measure_all(Pair(From::Ana, From::Music), seeds, true);
    assert!(x.both.is_clean(), "hold and resume: {:?}", x.both);
    assert!(x.there.is_clean(), "speech to music: {:?}", x.there);
    assert!(within(x.back, 3.7, 0.025), "music to speech: {:?}", x.back);
}

#[test]
fn speech_and_filler_cost_at_most_what_one_lost_packet_costs() {
    let x = measure(Pair(From::Ana, From::Comfort), 2, true);
    // The decoder's own fade of 2.5 ms, with nothing behind it that would cover it: a chop.
    assert!(x.there.is_like_one_loss(), "speech to filler: {:?}", x.there);
    // A voice that goes on in the middle of a word starts without its history, as after a loss.
    assert!(within(x.back, 4.0, 0.025), "filler to speech: {:?}", x.back);
}

#[test]
fn speech_and_prompts_cost_at_most_what_one_lost_packet_costs() {
    let x = measure(Pair(From::Ana, From::Prompt), 3, true);
    // A prompt begins with a packet of silence: the same chop as with filler.
    assert!(within(x.there, 4.0, 0.025), "speech to prompt: {:?}", x.there);
    // A prompt that is cut off is chopped as a voice is, and then the voice starts without its history.
    assert!(within(x.back, 3.0, 0.025), "prompt to speech: {:?}", x.back);
}

fn within(x: Summary, p95_db: f64, over_6: f64) -> bool {
    x.p95_db <= p95_db && x.over_6 <= over_6
}

#[test]
fn one_voice_after_another_costs_one_loss_and_without_rule_one_it_clicks() {
    let pair = Pair(From::Ana, From::Ben);
    let with = measure(pair, 4, true);
    assert!(with.there.is_like_one_loss(), "one voice to another: {:?}", with.there);
    assert!(with.back.is_like_one_loss(), "and back: {:?}", with.back);
    // The negative control: were one of these to pass, the test would be blind.
    let without = measure(pair, 4, false);
    for x in [without.there, without.back] {
        assert!(!x.is_clean(), "rule one off went unnoticed: {x:?}");
    }
}

/// Switches each way.
const CUTS: usize = 200;
/// Packets looked at on either side of a cut.
const AROUND: usize = 12;
