//! A small world with one seed: a virtual clock that jumps to the next deadline, links that lose, delay, reorder and
//! double, and peers whose SRTP keys are injected. A minute of calls runs in milliseconds.

mod checks;
mod link;
mod peer;
mod sound;

mod a_broken_hop_is_named_within_five_seconds;
mod a_conference_costs_what_is_said_in_it;
mod a_mix_is_entered_and_left_without_a_click;
mod a_warning_tone_covers_what_is_heard_and_no_more;
mod a_whisper_reaches_one_ear_only;
mod an_agent_who_falls_silent_is_replaced_by_music;
mod bridges_survive_any_order_of_commands;
mod descriptions_wait_for_servers;
mod digits_stop_a_prompt_in_the_same_step;
mod forwarding_keeps_gaps_and_order_as_they_are;
mod nothing_leaves_before_the_gate_is_open;
mod one_broken_leg_ends_alone;
mod peers_that_move_are_followed;
mod recordings_keep_their_time;
mod repeats_and_restarts_of_controld_do_no_harm;
mod splices_do_not_click;
mod two_become_three_and_two_again;
mod voice_and_keys_survive_a_bad_network;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use audio::clip::Clip;
use audio::comfort::ComfortNoise;
use audio::two_lane::TwoLane;
use protocol::{
    CallId, ClipName, Command, Event, FromMediad, Hello, LegId, Peer, RecordingEnd, RecordingId, Reply, Request,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::engine::port::{Client, ClipFound, Input, Output, Piece};
use crate::engine::{Engine, Ground};
use crate::leg::dtls::Certificate;
use crate::leg::e_model::EModel;
use crate::leg::srtp::{Keys, MasterKey, Profile};
pub(crate) use checks::Checks;
pub(crate) use link::Link;
pub(crate) use peer::{Got, Sim};

/// Everything that happens, in order.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    pub(crate) peers: Vec<Sim>,
    pub(crate) events: Vec<(u64, Event)>,
    pub(crate) tapes: BTreeMap<RecordingId, Tape>,
    pub(crate) answers: Vec<FromMediad>,
    /// Where datagrams went that no peer lives at.
    strays: Vec<SocketAddr>,
    rng: StdRng,
    on_the_way: BinaryHeap<Reverse<(Instant, u64, Parcel)>>,
    parcels: u64,
    requests: u64,
    clips: BTreeMap<ClipName, Arc<Clip>>,
    pub(crate) life_secs: u32,
}

/// A recording, as the writer would make it.
#[derive(Default)]
pub(crate) struct Tape {
    sound: Option<TwoLane>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Parcel {
    peer: usize,
    /// To the engine, else to the peer.
    up: bool,
    bytes: Vec<u8>,
}

impl World {
    pub(crate) fn seeded(seed: u64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a world needs some instant to begin at; nothing depends on it")]
        let start = Instant::now();
        let (certificate, comfort) = made_once();
        let mut rng = StdRng::seed_from_u64(seed);
        let ground = Ground {
            ports: 10_000..=10_019,
            locals: vec!["192.0.2.1".parse().unwrap()],
            public: None,
            servers: crate::leg::relay::Plan::default(),
            legs_max: 100,
            orphan_after: Duration::from_secs(300),
            e_model: EModel::default(),
            certificate,
            comfort,
            epoch: "world".into(),
            seed: rng.random(),
        };
        let mut world = Self {
            engine: Engine::new(start, ground),
            start,
            now: start,
            peers: Vec::new(),
            events: Vec::new(),
            tapes: BTreeMap::new(),
            answers: Vec::new(),
            strays: Vec::new(),
            rng,
            on_the_way: BinaryHeap::new(),
            parcels: 0,
            requests: 0,
            clips: BTreeMap::new(),
            life_secs: 86_400,
        };
        world.hello("controld");
        world
    }

    pub(crate) fn hello(&mut self, who: &str) {
        let hello = Hello { version: protocol::VERSION, who: who.into(), seen: None };
        self.feed(Input::Hello { client: Client(1), hello });
    }

    pub(crate) fn clip(&mut self, name: &str, mut clip: Clip) {
        if clip.wants_stops() {
            clip.prepare_stops().unwrap();
        }
        self.clips.insert(ClipName::new(name).unwrap(), Arc::new(clip));
    }

    /// A connected peer: 0 for the first, and so on.
    pub(crate) fn peer(&mut self, name: &str, peer: Peer) -> usize {
        let at = self.peers.len();
        let remote: SocketAddr = format!("198.51.100.{}:{}", at + 1, 40_000 + at).parse().unwrap();
        let open = Command::OpenLeg {
            leg: LegId::new(name).unwrap(),
            call: CallId::new("call").unwrap(),
            peer,
            offer: offer(remote),
            life_secs: self.life_secs,
            reach: protocol::Reach::default(),
        };
        let Ok(Reply::LegOpened { answer }) = self.ask(open) else { panic!("{:?}", self.answers.last()) };
        let media = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
        let port: u16 = media.split(' ').next().unwrap().parse().unwrap();
        let mut secret = |len: usize| (0..len).map(|_| self.rng.random()).collect::<Vec<u8>>();
        let mut key = || MasterKey::new(Profile::AeadAes128Gcm, &secret(16), &secret(12)).unwrap();
        let keys = Keys { ours: key(), theirs: key() };
        let way = Path { local: SocketAddr::new("192.0.2.1".parse().unwrap(), port), remote };
        let leg = LegId::new(name).unwrap();
        self.engine.connect_by_hand(self.now, &leg, way, &keys);
        self.peers.push(Sim::new(leg, way, &keys, &mut self.rng));
        at
    }

    /// A peer whose ICE is real: a browser that checks and nominates, or Meta's relay that only answers.
    pub(crate) fn peer_with_ice(&mut self, name: &str, peer: Peer) -> usize {
        let at = self.peers.len();
        let remote: SocketAddr = format!("198.51.100.{}:{}", at + 1, 40_000 + at).parse().unwrap();
        let mut checks = Checks::new(self.now, peer == Peer::Browser, &mut self.rng);
        let leg = LegId::new(name).unwrap();
        let call = CallId::new("call").unwrap();
        let offer = offer_with(remote, &checks);
        let (life_secs, reach) = (self.life_secs, protocol::Reach::default());
        let open = Command::OpenLeg { leg: leg.clone(), call, peer, offer, life_secs, reach };
        let Ok(Reply::LegOpened { answer }) = self.ask(open) else { panic!("{:?}", self.answers.last()) };
        checks.learn(&answer);
        let media = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
        let port: u16 = media.split(' ').next().unwrap().parse().unwrap();
        let mut secret = |len: usize| (0..len).map(|_| self.rng.random()).collect::<Vec<u8>>();
        let mut key = || MasterKey::new(Profile::AeadAes128Gcm, &secret(16), &secret(12)).unwrap();
        let keys = Keys { ours: key(), theirs: key() };
        let way = Path { local: SocketAddr::new("192.0.2.1".parse().unwrap(), port), remote };
        self.engine.leg_by_hand(&leg).keys_by_hand(&keys);
        let mut sim = Sim::new(leg, way, &keys, &mut self.rng);
        sim.checks = Some(checks);
        self.peers.push(sim);
        // The leg's first check has left before the peer stood here; the next goes to it.
        self.feed(Input::Turn);
        at
    }

    /// What a peer would offer now.
    pub(crate) fn offer_of(&self, at: usize) -> String {
        let peer = &self.peers[at];
        offer_with(peer.way.remote, peer.checks.as_ref().unwrap())
    }

    /// How many datagrams went to an address that is no peer's.
    pub(crate) fn strays_to(&self, to: SocketAddr) -> usize {
        self.strays.iter().filter(|stray| **stray == to).count()
    }

    /// Two peers with open gates, caller first.
    pub(crate) fn caller_and_agent(&mut self) -> (usize, usize) {
        let (caller, agent) = (self.peer("caller", Peer::Meta), self.peer("agent", Peer::Browser));
        for at in [caller, agent] {
            self.ok(Command::OpenGate { leg: self.peers[at].leg.clone() });
        }
        (caller, agent)
    }

    pub(crate) fn ok(&mut self, command: Command) -> Reply {
        let told = format!("{command:?}");
        self.ask(command).unwrap_or_else(|why| panic!("{told}: {why}"))
    }

    pub(crate) fn ask(&mut self, command: Command) -> Result<Reply, protocol::Refusal> {
        self.requests += 1;
        let id = self.requests;
        self.ask_as(id, command);
        let answer = self.answers.iter().rev().find_map(|answer| match answer {
            FromMediad::Ok { re, ok } if *re == id => Some(Ok(ok.clone())),
            FromMediad::Err { re, err } if *re == id => Some(Err(err.clone())),
            _ => None,
        });
        answer.expect("every command is answered in its own step")
    }

    pub(crate) fn ask_as(&mut self, id: u64, command: Command) {
        let wanted = crate::shell::clips::Wanted::by(&command);
        let find = |name: Option<ClipName>| match name {
            None => ClipFound::NotAsked,
            Some(name) => match self.clips.get(&name) {
                Some(clip) => ClipFound::Found(name, Arc::clone(clip)),
                None => ClipFound::Missing(name, "not in this world".into()),
            },
        };
        let (clip, then) = wanted.map_or((None, None), |wanted| (wanted.clip, wanted.then));
        let (clip, then) = (find(clip), find(then));
        self.feed(Input::Command { client: Client(1), request: Request { id, command }, clip, then });
    }

    /// Lets time pass until `millis` after the beginning.
    pub(crate) fn run_to(&mut self, millis: u64) {
        let until = self.start + Duration::from_millis(millis);
        loop {
            let parcel = self.on_the_way.peek().map(|Reverse((at, ..))| *at);
            let voice = self.peers.iter().filter_map(Sim::due).min();
            let engine = self.engine.due().map(|due| due.max(self.now));
            let next = [parcel, voice, engine].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = next;
            if parcel == Some(next) {
                self.deliver();
            } else if voice == Some(next) {
                self.speak();
            } else {
                self.feed(Input::Turn);
            }
        }
        self.now = until;
    }

    pub(crate) fn run_for(&mut self, millis: u64) {
        self.run_to(self.millis() + millis);
    }

    pub(crate) fn millis(&self) -> u64 {
        (self.now - self.start).as_millis() as u64
    }

    pub(crate) fn digits(&self) -> String {
        let keys = self.events.iter().filter_map(|(_, event)| match event {
            Event::Digit { digit, .. } => Some(digit.as_char()),
            _ => None,
        });
        keys.collect()
    }

    /// Bytes of any kind from any address.
    pub(crate) fn inject(&mut self, path: Path, bytes: &[u8]) {
        let mut packet = Packet::from_slice(bytes).unwrap();
        self.feed(Input::Datagram { path, packet: &mut packet });
    }

    pub(crate) fn feed(&mut self, input: Input<'_>) {
        let wall_ms = (self.now - self.start).as_millis() as u64;
        let mut drain = self.engine.step(self.now, wall_ms, input);
        let datagrams = drain.datagrams().to_vec();
        let outputs: Vec<Output> = std::iter::from_fn(|| drain.next_output()).collect();
        drop(drain);
        for datagram in datagrams {
            let Some(peer) = self.peers.iter().position(|peer| peer.way == datagram.path) else {
                self.strays.push(datagram.path.remote);
                continue;
            };
            self.peers[peer].sent_to.push(wall_ms);
            self.send(peer, false, datagram.packet.as_slice());
        }
        for output in outputs {
            match output {
                Output::Answer { message, .. } => self.answers.push(message),
                Output::Tell(told) => self.events.push((told.at_ms, told.event)),
                Output::Link(_) => {}
                Output::Spool { recording, piece } => self.write(recording, piece),
            }
        }
    }

    fn write(&mut self, recording: RecordingId, piece: Piece) {
        let tape = self.tapes.entry(recording.clone()).or_default();
        match piece {
            Piece::Begin { serial, .. } => {
                let (sound, head) = TwoLane::new(serial, &[]);
                *tape = Tape { sound: Some(sound), bytes: head, whole: false };
            }
            Piece::Slots(batch) => {
                let sound = tape.sound.as_mut().expect("begun");
                batch.write(sound, |page| tape.bytes.extend_from_slice(&page));
            }
            Piece::End => {
                let sound = tape.sound.take().expect("begun");
                let duration_ms = sound.duration_ms();
                tape.bytes.extend_from_slice(&sound.finish());
                tape.whole = true;
                let (why, bytes) = (RecordingEnd::Finished, tape.bytes.len() as u64);
                self.feed(Input::Written { recording, why, duration_ms, bytes });
            }
        }
    }

    fn deliver(&mut self) {
        let Some(Reverse((_, _, parcel))) = self.on_the_way.pop() else { return };
        if parcel.up {
            let path = self.peers[parcel.peer].way;
            self.inject(path, &parcel.bytes);
        } else {
            let now = self.now;
            self.peers[parcel.peer].hear(now, &parcel.bytes);
            for reply in std::mem::take(&mut self.peers[parcel.peer].replies) {
                self.send(parcel.peer, true, &reply);
            }
        }
    }

    fn speak(&mut self) {
        let now = self.now;
        for at in 0..self.peers.len() {
            for bytes in self.peers[at].speak(now) {
                self.send(at, true, &bytes);
            }
        }
    }

    fn send(&mut self, peer: usize, up: bool, bytes: &[u8]) {
        let link = if up { &self.peers[peer].up } else { &self.peers[peer].down };
        for delay in link.clone().delays(&mut self.rng) {
            self.parcels += 1;
            let parcel = Parcel { peer, up, bytes: bytes.to_vec() };
            self.on_the_way.push(Reverse((self.now + delay, self.parcels, parcel)));
            if up {
                self.peers[peer].delivered.insert(bytes.to_vec());
            }
        }
    }
}

/// An offer with these names, of a full agent or an ICE-lite one.
fn offer_with(remote: SocketAddr, checks: &Checks) -> String {
    let text =
        offer(remote).replace("abcdefghijklmnopqrstuv==", &checks.pwd).replace("abcdefghijklmnop", &checks.ufrag);
    if checks.full { text.replace("a=ice-lite\r\n", "") } else { text }
}

/// An offer in Meta's shape.
fn offer(remote: SocketAddr) -> String {
    let (ip, port) = (remote.ip(), remote.port());
    let print = ["AB"; 32].join(":");
    [
        "v=0",
        "o=- 1790963543407 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE audio",
        "a=ice-lite",
        &format!("m=audio {port} UDP/TLS/RTP/SAVPF 111 126"),
        &format!("c=IN IP4 {ip}"),
        &format!("a=candidate:1 1 udp 2122260223 {ip} {port} typ host generation 0"),
        "a=ice-ufrag:abcdefghijklmnop",
        "a=ice-pwd:abcdefghijklmnopqrstuv==",
        &format!("a=fingerprint:sha-256 {print}"),
        "a=setup:actpass",
        "a=mid:audio",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:126 telephone-event/8000",
        "a=maxptime:20",
        "a=ptime:20",
        "",
    ]
    .join("\r\n")
}

fn made_once() -> (Certificate, ComfortNoise) {
    static MADE: OnceLock<(Certificate, ComfortNoise)> = OnceLock::new();
    MADE.get_or_init(|| (Certificate::generate().unwrap(), ComfortNoise::seeded(1).unwrap())).clone()
}

/// A clip of `frames` numbered CELT frames: byte 1 is the kind, bytes 2.. the number.
pub(crate) fn numbered_clip(kind: u8, frames: u32) -> Clip {
    let packets: Vec<Vec<u8>> = (0..frames).map(|n| [&[0xB8, kind][..], &n.to_be_bytes()].concat()).collect();
    Clip::of_packets(&packets).unwrap()
}
