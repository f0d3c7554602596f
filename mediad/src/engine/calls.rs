//! The tables: who is seated, who is bridged, what is recorded; and the drawer in which everything leaves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use audio::comfort::ComfortNoise;
use protocol::{BridgeId, ErrorCode, Event, LegEnd, LegId, Peer, RecordingId, Refusal, Reply};
use rand::rngs::StdRng;

use super::place::Places;
use super::port::{Link, Output, Piece};
use super::ring::Ring;
use super::route::Routes;
use super::servers::{Servers, Waiting, refuse};
use crate::base::count::Totals;
use crate::base::outbox::{Outbox, Path};
use crate::base::slots::{Slot, Slots};
use crate::base::timers::Timers;
use crate::bridge::Bridge;
use crate::bridge::ear::{Backdrop, Ear, Over, Sound};
use crate::bridge::recorder::Recorder;
use crate::leg::Leg;
use crate::leg::dtls::Certificate;
use crate::leg::e_model::EModel;

/// A leg and its place in the house.
pub struct Seat {
    /// The peer.
    pub leg: Leg,
    /// What it hears of our own.
    pub ear: Ear,
    /// Its port.
    pub port: u16,
    /// The next hops it keeps others off its port for.
    pub hops: Vec<SocketAddr>,
    /// The pairs that lead to it.
    pub pairs: Vec<(u16, SocketAddr)>,
    /// The name by which checks find it.
    pub ufrag: String,
    /// The name before a restart: its peer may still use it while the new way is looked for.
    pub ufrag_before: Option<String>,
    /// The port and the TURN server it speaks to by it.
    pub relay: Option<(u16, SocketAddr)>,
    /// The description it owes, until its servers have spoken.
    pub waiting: Option<Waiting>,
    /// The bridge it is in.
    pub bridge: Option<Slot>,
    /// What records it.
    pub recording: Option<Slot>,
    /// When it ends by itself.
    pub dies_at: Instant,
    /// The deadline that is in the timers.
    pub wake_at: Option<Instant>,
}

/// Who is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// A leg: its ICE, its DTLS, its reports, its next frame, the end of its life.
    Seat(Slot),
    /// A bridge: is its agent silent?
    Bridge(Slot),
    /// A bridge's mixer: its next frame.
    Mix(Slot),
    /// A recording: a batch is ripe.
    Recording(Slot),
}

/// All state of the engine but its conversation with clients.
pub struct Calls {
    /// The legs.
    pub seats: Slots<Seat>,
    /// The legs by name; its order is the order of snapshots.
    pub names: BTreeMap<LegId, Slot>,
    /// The bridges.
    pub bridges: Slots<Bridge>,
    /// The bridges by name.
    pub bridge_names: BTreeMap<BridgeId, Slot>,
    /// The recordings.
    pub recordings: Slots<Recorder>,
    /// The recordings by name.
    pub recording_names: BTreeMap<RecordingId, Slot>,
    /// Recordings whose file is being closed.
    pub closing: BTreeSet<RecordingId>,
    /// Who a datagram is for.
    pub routes: Routes,
    /// Where legs live.
    pub places: Places,
    /// STUN and TURN servers.
    pub servers: Servers,
    /// Answers to commands that had to wait for servers.
    pub late_answers: VecDeque<(Slot, Result<Reply, Refusal>)>,
    /// Who wakes when.
    pub timers: Timers<Wake>,
    /// Datagrams that leave.
    pub out: Outbox,
    /// Everything else that leaves.
    pub outputs: VecDeque<Output>,
    /// What was told.
    pub ring: Ring,
    /// Work done.
    pub totals: Totals,
    /// How good a voice is said to sound.
    pub e_model: EModel,
    /// What silence sounds like.
    pub comfort: ComfortNoise,
    /// The process's certificate.
    pub certificate: Certificate,
    /// Keys, names and phases come from here.
    pub rng: StdRng,
}

impl Calls {
    /// Does a leg's work. A panic in it is a defect of ours that ends this leg and nothing else.
    pub fn guarded<R>(
        &mut self,
        now: Instant,
        slot: Slot,
        work: impl FnOnce(&mut Seat, &mut Outbox, &ComfortNoise) -> R,
    ) -> Option<R> {
        let seat = self.seats.get_mut(slot)?;
        let (out, comfort) = (&mut self.out, &self.comfort);
        let from = out.len();
        let work = || {
            let done = work(seat, out, comfort);
            if seat.leg.has_relay() {
                seat.leg.wrap(now, out, from);
            }
            done
        };
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => Some(done),
            Err(_) => {
                // What was being written may not be sealed yet.
                self.out.retain_from(from, |_, _| false);
                self.totals.defects += 1;
                self.end_leg(now, slot, LegEnd::Defect);
                None
            }
        }
    }

    /// Tells every client.
    pub fn tell(&mut self, event: Event) {
        let numbered = self.ring.add(event);
        self.outputs.push_back(Output::Tell(numbered));
    }

    /// Tells that a clip is over, if one is.
    pub fn tell_over(&mut self, slot: Slot, over: Option<Over>) {
        let Some((over, seat)) = over.zip(self.seats.get(slot)) else { return };
        let leg = seat.leg.id.clone();
        self.tell(Event::PlayEnded { leg, clip: over.clip, why: over.why });
    }

    /// Puts a leg's next deadline into the timers, if it is earlier than the one that is there.
    pub fn schedule(&mut self, now: Instant, slot: Slot) {
        let Some(seat) = self.seats.get_mut(slot) else { return };
        let due = seat.leg.due(now).map_or(seat.dies_at, |due| due.min(seat.dies_at));
        if seat.wake_at.is_none_or(|at| due < at) {
            seat.wake_at = Some(due);
            self.timers.put(due, Wake::Seat(slot));
        }
    }

    /// Gives a pair to a leg.
    pub fn claim(&mut self, port: u16, hop: SocketAddr, slot: Slot) {
        let Some(seat) = self.seats.get_mut(slot) else { return };
        self.routes.claim(port, hop, slot);
        if !seat.pairs.contains(&(port, hop)) {
            seat.pairs.push((port, hop));
            if seat.pairs.len() > PAIRS_MAX {
                let (port, hop) = seat.pairs.remove(0);
                self.routes.release(port, hop, slot);
            }
        }
    }

    /// Whether the leg that owns this pair keeps it whatever is proven. A relay of WhatsApp's is one address for many
    /// calls, and placement gives each of them a pair of its own: a check from there for another leg was forged.
    pub fn holds(&self, path: Path) -> bool {
        let owner = self.routes.owner(path).and_then(|slot| self.seats.get(slot));
        owner.is_some_and(|seat| seat.leg.peer == Peer::Meta && seat.hops.contains(&path.remote))
    }

    /// Keeps others off a leg's port towards its next hops.
    pub fn reserve(&mut self, slot: Slot, hops: &[SocketAddr]) {
        let reachable: Vec<SocketAddr> = self.places.reachable(hops).collect();
        let Some(port) = self.seats.get(slot).map(|seat| seat.port) else { return };
        for hop in &reachable {
            self.claim(port, *hop, slot);
            self.places.count(*hop, true);
        }
        if let Some(seat) = self.seats.get_mut(slot) {
            seat.hops.extend(reachable);
        }
    }

    /// A leg hears frames of its own from now on.
    pub fn hear_own(&mut self, now: Instant, slot: Slot, backdrop: Backdrop) {
        let Some(seat) = self.seats.get_mut(slot) else { return };
        let over = seat.ear.fill(backdrop);
        seat.leg.hear_own(now);
        self.tell_over(slot, over);
        self.schedule(now, slot);
    }

    /// A leg hears a tone, and behind it what it heard before. Nothing is recorded of what it covers.
    pub fn beep(&mut self, now: Instant, slot: Slot, sound: Sound) {
        let Some(seat) = self.seats.get_mut(slot) else { return };
        seat.ear.beep(sound);
        seat.leg.hear_own(now);
        self.schedule(now, slot);
        if let Some(recorder) = self.recorder_of(slot) {
            recorder.hush_right(now);
        }
    }

    /// Whether a tone covers what a leg hears.
    pub fn beeps(&self, slot: Slot) -> bool {
        self.seats.get(slot).is_some_and(|seat| seat.ear.beeps())
    }

    /// A leg hears the other of its bridge from now on.
    pub fn hear_other(&mut self, now: Instant, slot: Slot) {
        let Some(seat) = self.seats.get_mut(slot) else { return };
        let over = seat.ear.hear_other();
        seat.leg.hear_other();
        self.tell_over(slot, over);
        self.schedule(now, slot);
    }

    /// Ends a recording: what is in hand goes to the disk, then the end of the stream.
    pub fn end_recording(&mut self, now: Instant, slot: Slot) {
        let Some(mut recorder) = self.recordings.take(slot) else { return };
        if let Some(seat) = self.seats.get_mut(recorder.seat) {
            seat.recording = None;
        }
        self.recording_names.remove(&recorder.id);
        self.closing.insert(recorder.id.clone());
        if let Some(batch) = recorder.finish(now) {
            self.outputs.push_back(Output::Spool { recording: recorder.id.clone(), piece: Piece::Slots(batch) });
        }
        self.outputs.push_back(Output::Spool { recording: recorder.id, piece: Piece::End });
    }

    /// The writer has given a recording up: nothing more is gathered for it.
    pub fn drop_recording(&mut self, recording: &RecordingId) {
        let Some(recorder) = self.recording_names.remove(recording).and_then(|at| self.recordings.take(at)) else {
            return;
        };
        if let Some(seat) = self.seats.get_mut(recorder.seat) {
            seat.recording = None;
        }
    }

    /// A port towards a TURN server is free again, and the stream that led there is closed.
    pub fn unrelay(&mut self, slot: Slot, port: u16, hop: SocketAddr) {
        self.routes.unrelay(port, hop, slot);
        self.places.count(hop, false);
        self.outputs.push_back(Output::Link(Link::Close { port, server: hop }));
    }

    /// Ends a leg and what ends with it.
    pub fn end_leg(&mut self, now: Instant, slot: Slot, why: LegEnd) {
        let Some(seat) = self.seats.get(slot) else { return };
        if let Some(recording) = seat.recording {
            self.end_recording(now, recording);
        }
        let ended = self.leave_for_good(now, slot);
        let Some(mut seat) = self.seats.take(slot) else { return };
        self.names.remove(&seat.leg.id);
        if seat.waiting.is_some() {
            let why = format!("leg {} ended before its servers had spoken", seat.leg.id);
            self.late_answers.push_back((slot, Err(refuse(ErrorCode::WrongState, why))));
        }
        self.routes.forget(&seat.ufrag);
        if let Some(before) = &seat.ufrag_before {
            self.routes.forget(before);
        }
        for (port, hop) in &seat.pairs {
            self.routes.release(*port, *hop, slot);
        }
        for hop in &seat.hops {
            self.places.count(*hop, false);
        }
        if why != LegEnd::Defect {
            let from = self.out.len();
            seat.leg.close(now, &mut self.out);
            seat.leg.wrap(now, &mut self.out, from);
        }
        if let Some((port, hop)) = seat.relay {
            self.unrelay(slot, port, hop);
        }
        self.totals.drops.absorb(seat.leg.drops());
        self.totals.legs_ended += 1;
        self.tell(Event::LegEnded { leg: seat.leg.id, why });
        if let Some(bridge) = ended {
            self.tell(Event::BridgeEnded { bridge });
        }
    }
}

/// Pairs remembered for one leg: 32 candidates, and as many moves.
const PAIRS_MAX: usize = 64;
