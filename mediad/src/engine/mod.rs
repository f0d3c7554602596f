//! The pure machine: one step, then drain. Time, randomness and bytes come in as arguments.

mod bridges;
pub mod calls;
mod command;
mod media;
mod memory;
mod place;
pub mod port;
mod reach;
pub mod ring;
mod route;
pub mod servers;
mod tables;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use audio::comfort::ComfortNoise;
use protocol::{Command, Event, FromMediad, Hello, LegEnd, Refusal, Reply, Request, Welcome};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::base::count::Totals;
use crate::base::outbox::{Datagram, Outbox, Path};
use crate::base::packet::Packet;
use crate::base::slots::{Slot, Slots};
use crate::base::timers::Timers;
use crate::leg::dtls::Certificate;
use crate::leg::e_model::EModel;
use crate::leg::relay::Plan;
use calls::{Calls, Wake};
use command::{Clips, Done};
use memory::Memory;
use place::Places;
use port::{Client, Input, Output, Piece};
use ring::Ring;
use route::Routes;
use servers::Servers;

/// All media of this process.
pub struct Engine {
    calls: Calls,
    legs_max: usize,
    clients: BTreeMap<Client, String>,
    memory: Memory,
    orphan_after: Duration,
    /// When legs that are in no bridge end, because nobody is there to care for them.
    orphaned_at: Option<Instant>,
    /// Handshake datagrams this turn may still take.
    handshakes_left: usize,
    put_off: VecDeque<(Path, Packet)>,
    /// Whose answer waits until a leg's servers have spoken.
    askers: BTreeMap<Slot, Asker>,
}

/// Who is owed an answer, and to what.
struct Asker {
    client: Client,
    who: String,
    id: u64,
    command: Command,
}

/// What an engine is made of.
pub struct Ground {
    /// Our UDP ports.
    pub ports: RangeInclusive<u16>,
    /// Our addresses, best first.
    pub locals: Vec<IpAddr>,
    /// What peers are told instead of them.
    pub public: Option<IpAddr>,
    /// Servers by which legs are reached, as far as their addresses are known.
    pub servers: Plan,
    /// How many legs may be open at once.
    pub legs_max: usize,
    /// How long legs in no bridge live without any client.
    pub orphan_after: Duration,
    /// How good a voice is said to sound.
    pub e_model: EModel,
    /// The process's certificate.
    pub certificate: Certificate,
    /// What silence sounds like.
    pub comfort: ComfortNoise,
    /// Differs at every start.
    pub epoch: String,
    /// Unpredictable, except in tests.
    pub seed: [u8; 32],
}

impl Engine {
    /// An engine without legs.
    pub fn new(now: Instant, ground: Ground) -> Self {
        let calls = Calls {
            seats: Slots::default(),
            names: BTreeMap::new(),
            bridges: Slots::default(),
            bridge_names: BTreeMap::new(),
            recordings: Slots::default(),
            recording_names: BTreeMap::new(),
            closing: std::collections::BTreeSet::new(),
            routes: Routes::default(),
            places: Places::new(ground.ports, ground.locals, ground.public),
            servers: Servers::new(ground.servers),
            late_answers: VecDeque::new(),
            timers: Timers::default(),
            out: Outbox::default(),
            outputs: VecDeque::new(),
            ring: Ring::new(ground.epoch),
            totals: Totals::default(),
            e_model: ground.e_model,
            comfort: ground.comfort,
            certificate: ground.certificate,
            rng: StdRng::from_seed(ground.seed),
        };
        Self {
            calls,
            legs_max: ground.legs_max,
            clients: BTreeMap::new(),
            memory: Memory::default(),
            orphan_after: ground.orphan_after,
            orphaned_at: Some(now + ground.orphan_after),
            handshakes_left: HANDSHAKES_A_TURN,
            put_off: VecDeque::new(),
            askers: BTreeMap::new(),
        }
    }

    /// Feeds one happening. The drain borrows the engine, so a second step does not compile until every output has left.
    /// `now` never runs backwards; `wall_ms` is milliseconds since 1970, for events only.
    pub fn step(&mut self, now: Instant, wall_ms: u64, input: Input<'_>) -> Drain<'_> {
        self.calls.ring.set_wall(wall_ms);
        match input {
            Input::Datagram { path, packet } => self.datagram(now, path, packet),
            Input::Hello { client, hello } => self.hello(client, hello),
            Input::Command { client, request, clip, then } => self.command(now, client, request, Clips { clip, then }),
            Input::Gone { client } => self.gone(now, client),
            Input::Written { recording, why, duration_ms, bytes } => {
                self.calls.closing.remove(&recording);
                self.calls.drop_recording(&recording);
                self.calls.tell(Event::RecordingEnded { recording, why, duration_ms, bytes });
            }
            Input::Stuck { recording, why } => self.calls.tell(Event::RecordingStuck { recording, why }),
            Input::GoesOn { recording, lost_ms } => self.calls.tell(Event::RecordingGoesOn { recording, lost_ms }),
            Input::Servers(plan) => self.calls.servers.own = plan,
            Input::LinkDown { path } => reach::disconnected(&mut self.calls, now, path),
            Input::Turn => self.turn(now),
            Input::Stop => self.stop(now),
        }
        self.answer_late();
        Drain { engine: self }
    }

    /// When [`Input::Turn`] is due.
    pub fn due(&self) -> Option<Instant> {
        [self.calls.timers.due(), self.orphaned_at].into_iter().flatten().min()
    }

    /// Whether work was put off: the next turn is due at once.
    pub fn has_work(&self) -> bool {
        !self.put_off.is_empty()
    }

    /// What is alive and what was done, for metrics: legs, bridges, recordings, free ports, totals.
    pub fn figures(&self) -> Figures<'_> {
        Figures {
            legs: self.calls.seats.len(),
            bridges: self.calls.bridges.len(),
            recordings: self.calls.recordings.len(),
            ports_free: self.calls.places.free(),
            clients: self.clients.len(),
            totals: &self.calls.totals,
        }
    }

    /// Drops by reason, of legs that live and of those that are gone.
    pub fn drops(&self) -> crate::base::count::Drops {
        let mut all = self.calls.totals.drops.clone();
        for (_, seat) in self.calls.seats.iter() {
            all.absorb(seat.leg.drops());
        }
        all
    }

    fn datagram(&mut self, now: Instant, path: Path, packet: &mut Packet) {
        self.calls.totals.datagrams_in += 1;
        if media::is_handshake(&self.calls, path, packet.as_slice()) {
            if self.handshakes_left == 0 {
                if self.put_off.len() < PUT_OFF_MAX {
                    self.put_off.push_back((path, packet.clone()));
                } else {
                    media::too_busy(&mut self.calls);
                }
                return;
            }
            self.handshakes_left -= 1;
        }
        media::datagram(&mut self.calls, now, path, packet);
    }

    fn turn(&mut self, now: Instant) {
        self.handshakes_left = HANDSHAKES_A_TURN;
        while self.handshakes_left > 0 {
            let Some((path, mut packet)) = self.put_off.pop_front() else { break };
            self.handshakes_left -= 1;
            media::datagram(&mut self.calls, now, path, &mut packet);
        }
        for _ in 0..WAKES_A_TURN_MAX {
            let Some((at, wake)) = self.calls.timers.pop(now) else { break };
            match wake {
                Wake::Seat(slot) => self.wake_seat(now, at, slot),
                Wake::Bridge(slot) => self.calls.notice_silence(now, slot),
                Wake::Mix(slot) => self.calls.mix(now, at, slot),
                Wake::Recording(slot) => self.wake_recording(now, slot),
            }
        }
        self.end_orphans(now);
    }

    fn wake_seat(&mut self, now: Instant, at: Instant, slot: Slot) {
        let Some(seat) = self.calls.seats.get_mut(slot) else { return };
        // An earlier deadline was put in later, and this one is stale.
        if seat.wake_at != Some(at) {
            return;
        }
        seat.wake_at = None;
        if seat.dies_at <= now {
            return self.calls.end_leg(now, slot, LegEnd::LifeOver);
        }
        media::wake_seat(&mut self.calls, now, slot);
    }

    fn wake_recording(&mut self, now: Instant, slot: Slot) {
        let Some(recorder) = self.calls.recordings.get_mut(slot) else { return };
        let (recording, batch) = (recorder.id.clone(), recorder.wake(now));
        self.calls.timers.put(recorder.due(), Wake::Recording(slot));
        if let Some(batch) = batch {
            self.calls.outputs.push_back(Output::Spool { recording, piece: Piece::Slots(batch) });
        }
    }

    fn hello(&mut self, client: Client, hello: Hello) {
        if hello.version != protocol::VERSION {
            let bye = format!("this mediad speaks version {}, not {}", protocol::VERSION, hello.version);
            return self.calls.outputs.push_back(Output::Answer { client, message: FromMediad::Bye { bye } });
        }
        self.clients.insert(client, hello.who);
        self.orphaned_at = None;
        let ring = &self.calls.ring;
        let (replay, missed) = ring.since(hello.seen.as_ref());
        let missed: Vec<FromMediad> = missed.cloned().map(FromMediad::Event).collect();
        let (epoch, next_seq) = (ring.epoch().to_owned(), ring.next());
        let welcome = Welcome { version: protocol::VERSION, epoch, next_seq, replay };
        let answers = std::iter::once(FromMediad::Welcome { welcome }).chain(missed);
        self.calls.outputs.extend(answers.map(|message| Output::Answer { client, message }));
    }

    fn command(&mut self, now: Instant, client: Client, request: Request, clips: Clips) {
        let Some(who) = self.clients.get(&client).cloned() else {
            let bye = "the first line of a connection is hello".to_owned();
            return self.calls.outputs.push_back(Output::Answer { client, message: FromMediad::Bye { bye } });
        };
        let Request { id, command } = request;
        if let Some(message) = self.memory.recall(&who, id, &command).cloned() {
            return self.calls.outputs.push_back(Output::Answer { client, message });
        }
        let same = |asker: &&mut Asker| asker.who == who && asker.id == id && asker.command == command;
        if let Some(asker) = self.askers.values_mut().find(same) {
            asker.client = client;
            return;
        }
        // The answer stands before the events that its command brings about.
        let events_from = self.calls.outputs.len();
        let message = match command::apply(&mut self.calls, now, self.legs_max, command.clone(), clips) {
            Ok(Done::Later(slot)) => {
                self.askers.insert(slot, Asker { client, who, id, command });
                return;
            }
            Ok(Done::Now(ok)) => self.message(id, Ok(ok)),
            Err(err) => self.message(id, Err(err)),
        };
        self.memory.keep(&who, id, command, &message);
        self.calls.outputs.insert(events_from, Output::Answer { client, message });
    }

    fn message(&mut self, re: u64, answer: Result<Reply, Refusal>) -> FromMediad {
        match answer {
            Ok(ok) => {
                self.calls.totals.commands += 1;
                FromMediad::Ok { re, ok }
            }
            Err(err) => {
                self.calls.totals.refusals += 1;
                FromMediad::Err { re, err }
            }
        }
    }

    /// Answers the commands whose servers have spoken.
    fn answer_late(&mut self) {
        while let Some((slot, answer)) = self.calls.late_answers.pop_front() {
            let Some(Asker { client, who, id, command }) = self.askers.remove(&slot) else { continue };
            let message = self.message(id, answer);
            self.memory.keep(&who, id, command, &message);
            self.calls.outputs.push_back(Output::Answer { client, message });
        }
    }

    fn gone(&mut self, now: Instant, client: Client) {
        if self.clients.remove(&client).is_some() && self.clients.is_empty() {
            self.orphaned_at = Some(now + self.orphan_after);
        }
    }

    fn end_orphans(&mut self, now: Instant) {
        if self.orphaned_at.is_none_or(|at| at > now) {
            return;
        }
        let lonely = self.calls.names.values().copied();
        let lonely: Vec<Slot> =
            lonely.filter(|slot| self.calls.seats.get(*slot).is_some_and(|seat| seat.bridge.is_none())).collect();
        for slot in lonely {
            self.calls.end_leg(now, slot, LegEnd::Orphaned);
        }
        self.orphaned_at = Some(now + ORPHANS_EVERY);
    }

    fn stop(&mut self, now: Instant) {
        let all: Vec<Slot> = self.calls.names.values().copied().collect();
        for slot in all {
            self.calls.end_leg(now, slot, LegEnd::Closed);
        }
    }
}

#[cfg(test)]
impl Engine {
    /// For the simulated world: a leg whose ICE and DTLS are taken as done.
    pub(crate) fn connect_by_hand(
        &mut self,
        now: Instant,
        leg: &protocol::LegId,
        way: Path,
        keys: &crate::leg::srtp::Keys,
    ) {
        let slot = self.calls.names[leg];
        self.calls.claim(way.local.port(), way.remote, slot);
        self.leg_by_hand(leg).connect_by_hand(now, way, keys);
        media::wake_seat(&mut self.calls, now, slot);
    }

    /// A leg, to be tampered with.
    pub(crate) fn leg_by_hand(&mut self, leg: &protocol::LegId) -> &mut crate::leg::Leg {
        let slot = self.calls.names[leg];
        &mut self.calls.seats.get_mut(slot).unwrap().leg
    }
}

/// What a step wants to leave. Take the datagrams, then everything else, then drop it.
#[must_use = "what stays in the drain is a packet nobody sends"]
pub struct Drain<'e> {
    engine: &'e mut Engine,
}

impl Drain<'_> {
    /// The datagrams, in the order in which they leave.
    pub fn datagrams(&self) -> &[Datagram] {
        self.engine.calls.out.datagrams()
    }

    /// The next of everything else.
    pub fn next_output(&mut self) -> Option<Output> {
        self.engine.calls.outputs.pop_front()
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        let calls = &mut self.engine.calls;
        calls.totals.datagrams_out += calls.out.len() as u64;
        calls.out.clear();
        if !std::thread::panicking() {
            debug_assert!(calls.outputs.is_empty(), "the shell stopped draining early");
        }
    }
}

/// What is alive, and what was done.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'e> {
    /// Legs open.
    pub legs: usize,
    /// Bridges standing.
    pub bridges: usize,
    /// Recordings in the making.
    pub recordings: usize,
    /// Legs that may still be opened towards the most crowded next hop.
    pub ports_free: u32,
    /// Clients welcomed.
    pub clients: usize,
    /// Work done.
    pub totals: &'e Totals,
}

/// Handshake datagrams a turn takes: at 0.17 ms each, 3 ms.
const HANDSHAKES_A_TURN: usize = 16;
/// Handshake datagrams kept for later turns: 400 KB.
const PUT_OFF_MAX: usize = 256;
/// Deadlines a turn looks at, so that packets are read in between.
const WAKES_A_TURN_MAX: usize = 4096;
/// How often legs that have left their bridge since are looked for.
const ORPHANS_EVERY: Duration = Duration::from_secs(5);
