//! Joins, leaves, holds, tones, recordings and closings in any order on bad networks: nothing breaks, nobody is left without
//! sound, nobody hears whom he must not, and in the end nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{BridgeId, ClipName, Command, Event, Filler, LegId, Peer, RecordingId, Role};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::sound::tone;
use super::{Link, World, numbered_clip};

const PEERS: usize = 6;

struct Chaos {
    world: World,
    rng: StdRng,
    /// Recordings asked for.
    made: u32,
    /// What was asked, and whether it was done.
    log: Vec<String>,
}

impl Chaos {
    fn seeded(seed: u64) -> Self {
        let mut world = World::seeded(seed);
        world.clip("music.ogg", numbered_clip(7, 500));
        world.clip("tone.ogg", numbered_clip(9, 15));
        for n in 0..PEERS {
            let peer = world.peer(&format!("p{n}"), if n == 0 { Peer::Meta } else { Peer::Browser });
            world.ok(Command::OpenGate { leg: world.peers[peer].leg.clone() });
            world.peers[peer].up = Link { loss: 0.03, jitter_ms: 25, delay_ms: 20, reorder: 0.02, double: 0.01 };
            let at = world.start + Duration::from_millis(3 * n as u64);
            world.peers[peer].speak_frames(at, tone(400.0 + 170.0 * n as f32));
        }
        Self { world, rng: StdRng::seed_from_u64(seed), made: 0, log: Vec::new() }
    }

    fn leg(&mut self) -> LegId {
        LegId::new(format!("p{}", self.rng.random_range(0..PEERS))).unwrap()
    }

    fn bridge(&mut self) -> BridgeId {
        BridgeId::new(format!("b{}", self.rng.random_range(0..2))).unwrap()
    }

    fn command(&mut self) -> Command {
        let music = ClipName::new("music.ogg").unwrap();
        let recording = RecordingId::new(format!("r{}", self.made)).unwrap();
        match self.rng.random_range(0..16) {
            0 | 1 => Command::Bridge { bridge: self.bridge(), caller: self.leg(), agent: self.leg(), music },
            2..=4 => Command::Join { bridge: self.bridge(), leg: self.leg(), role: Role::Party },
            5 | 6 => Command::Join { bridge: self.bridge(), leg: self.leg(), role: Role::Listener },
            7 | 8 => {
                let to = self.leg();
                Command::Join { bridge: self.bridge(), leg: self.leg(), role: Role::Whisperer { to } }
            }
            9 => Command::Leave { leg: self.leg(), hears: Filler::Comfort },
            10 => Command::Hold { bridge: self.bridge() },
            11 => Command::Resume { bridge: self.bridge() },
            12 => Command::Unbridge { bridge: self.bridge(), caller_hears: Filler::Music(music) },
            13 => Command::Beep { leg: self.leg(), clip: ClipName::new("tone.ogg").unwrap() },
            14 => {
                self.made += 1;
                Command::Record { leg: self.leg(), recording }
            }
            _ => Command::StopRecording { recording },
        }
    }

    /// Who whispers to whom, by what mediad itself says.
    fn whisperers(&mut self) -> Vec<(usize, LegId)> {
        let page = self.world.ok(Command::Snapshot { after: None });
        let protocol::Reply::Snapshot(page) = page else { panic!("{page:?}") };
        let of = |leg: &LegId| leg.as_str()[1..].parse::<usize>().unwrap();
        let whispers = page.legs.iter().filter_map(|leg| match &leg.role {
            Some(Role::Whisperer { to }) => Some((of(&leg.leg), to.clone())),
            _ => None,
        });
        whispers.collect()
    }

    fn turn(&mut self) {
        let command = self.command();
        let told = format!("{} ms: {command:?}", self.world.millis());
        let done = self.world.ask(command).is_ok();
        self.log.push(format!("{told} {}", if done { "done" } else { "refused" }));
        let whisperers = self.whisperers();
        let heard: Vec<usize> = self.world.peers.iter().map(|peer| peer.heard.len()).collect();
        let wait = self.rng.random_range(5..400);
        self.world.run_for(wait);
        for (whisperer, to) in whisperers {
            let voice: BTreeSet<Vec<u8>> = tone(400.0 + 170.0 * whisperer as f32).iter().cloned().collect();
            for (at, peer) in self.world.peers.iter().enumerate() {
                // What was on its way before the command is none of its doing.
                let since = self.world.now - Duration::from_millis(wait.saturating_sub(25));
                let new = peer.heard[heard[at]..].iter().filter(|got| got.at >= since);
                let leaked = new.filter(|got| got.payload.len() > 31 && voice.contains(&got.payload)).count();
                assert!(peer.leg == to || leaked == 0, "p{whisperer} was heard by {}\n{}", peer.leg, self.story());
            }
        }
    }

    fn story(&self) -> String {
        self.log[self.log.len().saturating_sub(12)..].join("\n")
    }
}

#[test]
fn nothing_breaks_nobody_goes_without_sound_and_nothing_is_left() {
    let seeds = if std::env::var_os("PATCHBAY_SOAK").is_some() { 400 } else { 20 };
    for seed in 0..seeds {
        let mut chaos = Chaos::seeded(seed);
        for _ in 0..60 {
            chaos.turn();
        }
        let story = chaos.story();
        let mut world = chaos.world;
        assert_eq!(world.engine.figures().totals.defects, 0, "seed {seed}: a panic\n{story}");
        for peer in &world.peers {
            let name = &peer.leg;
            assert_eq!(peer.refused, 0, "seed {seed}: {name} was sent an index twice\n{story}");
            let gap = peer.heard.windows(2).map(|two| two[1].at - two[0].at).max().unwrap();
            assert!(gap <= Duration::from_millis(250), "seed {seed}: {name} heard nothing for {gap:?}\n{story}");
            let mut sorted: Vec<_> = peer.heard.iter().map(|got| (got.index, got.header.timestamp)).collect();
            sorted.sort_unstable();
            for two in sorted.windows(2) {
                let step = two[1].1.wrapping_sub(two[0].1);
                assert!(step < 1 << 31, "seed {seed}: time went backwards for {name}\n{story}");
            }
        }
        for n in 0..PEERS {
            world.ok(Command::CloseLeg { leg: LegId::new(format!("p{n}")).unwrap() });
        }
        world.run_for(1_000);
        let figures = world.engine.figures();
        assert_eq!((figures.legs, figures.bridges, figures.recordings), (0, 0, 0), "seed {seed}");
        let begun = world.tapes.len();
        let ended = world.events.iter().filter(|(_, event)| matches!(event, Event::RecordingEnded { .. })).count();
        assert_eq!((begun, world.tapes.values().all(|tape| tape.whole)), (ended, true), "seed {seed}");
    }
}
