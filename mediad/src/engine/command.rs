//! What clients ask for: each command checked, carried out, answered.

use std::time::{Duration, Instant};

use protocol::limits::{BEEP_MS_MAX, BRIDGE_MEMBERS_MAX, DIGITS_MAX, LIFE_SECS_MAX, TONE_MS_MAX, TONE_MS_MIN};
use protocol::{
    BridgeId, CallId, ClipName, Command, Digit, ErrorCode, Filler, LegEnd, LegId, Peer, Reach, RecordingId, Refusal,
    Reply,
};
use rand::RngExt;

use super::calls::{Calls, Seat, Wake};
use super::media;
use super::port::{ClipFound, Output, Piece};
use super::servers::{Waiting, refuse};
use super::{reach, tables};
use crate::base::slots::Slot;
use crate::bridge::ear::{Backdrop, Ear, Play, Sound};
use crate::bridge::recorder::Recorder;
use crate::bridge::{Bridge, Role};
use crate::leg::Leg;
use crate::leg::open::Birth;
use crate::wire::sdp;

/// What came with a command from the shell.
pub struct Clips {
    /// The clip the command names.
    pub clip: ClipFound,
    /// The music that follows it.
    pub then: ClipFound,
}

type Answer = Result<Reply, Refusal>;

/// A command that was carried out.
pub enum Done {
    /// Its answer.
    Now(Reply),
    /// The answer comes when this leg's servers have spoken: [`Calls::late_answers`].
    Later(Slot),
}

/// Carries a command out. A refused one has changed nothing.
pub fn apply(
    calls: &mut Calls,
    now: Instant,
    legs_max: usize,
    command: Command,
    clips: Clips,
) -> Result<Done, Refusal> {
    match command {
        Command::OpenLeg { leg, call, peer, offer, life_secs, reach } => {
            admit(calls, legs_max, &leg, life_secs)?;
            open_leg(calls, now, (leg, call, peer), &offer, life_secs, &reach)
        }
        Command::OfferLeg { leg, call, peer, life_secs, reach } => {
            admit(calls, legs_max, &leg, life_secs)?;
            offer_leg(calls, now, (leg, call, peer), life_secs, &reach)
        }
        Command::RestartLeg { leg, offer, reach } => restart_leg(calls, now, &leg, &offer, &reach),
        other => apply_at_once(calls, now, other, clips).map(Done::Now),
    }
}

fn apply_at_once(calls: &mut Calls, now: Instant, command: Command, clips: Clips) -> Answer {
    match command {
        Command::OpenLeg { .. } | Command::OfferLeg { .. } | Command::RestartLeg { .. } => Ok(Reply::Done),
        Command::AnswerLeg { leg, answer } => answer_leg(calls, now, &leg, &answer),
        Command::OpenGate { leg } => open_gate(calls, now, &leg),
        Command::Play { leg, stop_on_digit, then, .. } => play(calls, now, &leg, stop_on_digit, then, clips),
        Command::Beep { leg, .. } => beep(calls, now, &leg, clips.clip),
        Command::Fill { leg, with } => fill(calls, now, &leg, with, clips.then),
        Command::Bridge { bridge, caller, agent, .. } => connect(calls, now, bridge, (&caller, &agent), clips.clip),
        Command::Join { bridge, leg, role } => join(calls, now, &bridge, &leg, &role),
        Command::Leave { leg, hears } => leave(calls, now, &leg, hears, clips.then),
        Command::Hold { bridge } => hold(calls, now, &bridge),
        Command::Resume { bridge } => resume(calls, now, &bridge),
        Command::Unbridge { bridge, caller_hears } => unbridge(calls, now, &bridge, caller_hears, clips.then),
        Command::Record { leg, recording } => record(calls, now, &leg, recording),
        Command::PauseRecording { recording } => pause_recording(calls, now, &recording, true),
        Command::ResumeRecording { recording } => pause_recording(calls, now, &recording, false),
        Command::StopRecording { recording } => stop_recording(calls, now, &recording),
        Command::ListenForTones { leg, on } => listen_for_tones(calls, &leg, on),
        Command::SendDigits { leg, digits, tone_ms } => send_digits(calls, now, &leg, &digits, tone_ms),
        Command::CloseLeg { leg } => close_leg(calls, now, &leg),
        Command::Snapshot { after } => Ok(Reply::Snapshot(tables::snapshot(calls, now, after.as_ref()))),
        Command::Describe { leg } => {
            let slot = seat_of(calls, &leg)?;
            tables::describe(calls, slot).map(|found| Reply::Described(Box::new(found))).ok_or_else(|| unknown(&leg))
        }
    }
}

fn admit(calls: &Calls, legs_max: usize, leg: &LegId, life_secs: u32) -> Result<(), Refusal> {
    if calls.names.contains_key(leg) {
        return Err(refuse(ErrorCode::NameTaken, format!("a leg is called {leg} already")));
    }
    if !(1..=LIFE_SECS_MAX).contains(&life_secs) {
        let why = format!("life_secs of {leg} is {life_secs}, not 1 to {LIFE_SECS_MAX}");
        return Err(refuse(ErrorCode::BadValue, why));
    }
    if calls.seats.len() >= legs_max {
        return Err(refuse(ErrorCode::Busy, format!("{legs_max} legs are open, which is the limit (legs_max)")));
    }
    Ok(())
}

fn open_leg(
    calls: &mut Calls,
    now: Instant,
    (leg, call, peer): (LegId, CallId, Peer),
    offer: &str,
    life_secs: u32,
    reach: &Reach,
) -> Result<Done, Refusal> {
    let remote = sdp::parse_offer(offer).map_err(|why| bad_sdp(&leg, &why))?;
    let plan = calls.servers.plan(now, None, reach)?;
    let only = plan.as_ref().is_some_and(|plan| plan.only);
    // A leg that speaks through a relay only has no next hop but that.
    let hops: Vec<_> = remote.candidates.iter().map(|candidate| candidate.addr).filter(|_| !only).collect();
    let port = calls.places.pick(&calls.routes, peer, &hops).ok_or_else(|| no_port(&leg, &hops))?;
    let locals = calls.places.locals(port);
    let birth = Birth { leg, call, peer, locals: &locals, plan, certificate: &calls.certificate };
    let leg = Leg::answering(now, birth, &mut calls.rng, remote);
    let slot = seat(calls, now, leg, port, life_secs);
    if peer == Peer::Meta {
        calls.reserve(slot, &hops);
    }
    describe_when_known(calls, now, slot, Waiting::Answer)
}

fn offer_leg(
    calls: &mut Calls,
    now: Instant,
    (leg, call, peer): (LegId, CallId, Peer),
    life_secs: u32,
    reach: &Reach,
) -> Result<Done, Refusal> {
    let plan = calls.servers.plan(now, None, reach)?;
    let port = calls.places.pick(&calls.routes, peer, &[]).ok_or_else(|| no_port(&leg, &[]))?;
    let locals = calls.places.locals(port);
    let birth = Birth { leg, call, peer, locals: &locals, plan, certificate: &calls.certificate };
    let leg = Leg::offering(now, birth, &mut calls.rng);
    let slot = seat(calls, now, leg, port, life_secs);
    describe_when_known(calls, now, slot, Waiting::Offer)
}

/// Answers with the leg's description, at once if it has no servers to wait for.
fn describe_when_known(calls: &mut Calls, now: Instant, slot: Slot, waiting: Waiting) -> Result<Done, Refusal> {
    if !calls.seats.get(slot).is_some_and(|seat| seat.leg.is_gathering()) {
        return reach::describe(calls, now, slot, waiting).map(Done::Now);
    }
    if let Some(seat) = calls.seats.get_mut(slot) {
        seat.waiting = Some(waiting);
    }
    media::wake_seat(calls, now, slot);
    Ok(Done::Later(slot))
}

fn answer_leg(calls: &mut Calls, now: Instant, leg: &LegId, answer: &str) -> Answer {
    let slot = seat_of(calls, leg)?;
    let (peer, port) = match calls.seats.get(slot) {
        Some(seat) if seat.leg.offered() && seat.waiting.is_none() => (seat.leg.peer, seat.port),
        _ => {
            return Err(refuse(ErrorCode::WrongState, format!("leg {leg} has made no offer that waits for an answer")));
        }
    };
    let remote = sdp::parse_answer(answer).map_err(|why| bad_sdp(leg, &why))?;
    let only = calls.seats.get(slot).is_some_and(|seat| seat.leg.is_relay_only());
    let hops: Vec<_> = remote.candidates.iter().map(|candidate| candidate.addr).filter(|_| !only).collect();
    // Meta takes checks from an address that is not in our offer, so the leg may still move.
    let port = match peer == Peer::Browser || calls.places.fits(&calls.routes, port, &hops) {
        true => port,
        false => calls.places.pick(&calls.routes, peer, &hops).ok_or_else(|| no_port(leg, &hops))?,
    };
    let locals = calls.places.locals(port);
    if let Some(seat) = calls.seats.get_mut(slot) {
        seat.port = port;
        seat.leg.answered(now, &locals, remote);
    }
    if peer == Peer::Meta {
        calls.reserve(slot, &hops);
    }
    media::wake_seat(calls, now, slot);
    Ok(Reply::Done)
}

fn restart_leg(calls: &mut Calls, now: Instant, leg: &LegId, offer: &str, reach: &Reach) -> Result<Done, Refusal> {
    let slot = seat_of(calls, leg)?;
    let remote = sdp::parse_offer(offer).map_err(|why| bad_sdp(leg, &why))?;
    let Some(seat) = calls.seats.get(slot) else { return Err(unknown(leg)) };
    if seat.leg.offered() || seat.waiting.is_some() {
        return Err(refuse(ErrorCode::WrongState, format!("leg {leg} still waits for its first answer")));
    }
    let plan = match *reach == Reach::default() {
        true => seat.leg.plan().cloned(),
        false => calls.servers.plan(now, seat.leg.plan(), reach)?,
    };
    if plan.as_ref() != seat.leg.plan() {
        let locals = calls.places.locals(seat.port);
        let seed = calls.rng.random();
        reach::free(calls, slot);
        calls.guarded(now, slot, |seat, out, _| seat.leg.replan(now, plan, &locals, seed, out));
    }
    describe_when_known(calls, now, slot, Waiting::Restart(Box::new(remote)))
}

fn open_gate(calls: &mut Calls, now: Instant, leg: &LegId) -> Answer {
    let slot = seat_of(calls, leg)?;
    if let Some(seat) = calls.seats.get_mut(slot) {
        seat.leg.open_gate();
    }
    media::wake_seat(calls, now, slot);
    Ok(Reply::Done)
}

fn play(calls: &mut Calls, now: Instant, leg: &LegId, stop_on_digit: bool, then: Filler, clips: Clips) -> Answer {
    let slot = unbridged(calls, leg)?;
    let sound = found(clips.clip)?;
    let play = Play { sound, stop_on_digit, then: backdrop(then, clips.then)? };
    let over = calls.seats.get_mut(slot).and_then(|seat| {
        seat.leg.new_clip();
        seat.ear.play(play)
    });
    calls.tell_over(slot, over);
    calls.schedule(now, slot);
    Ok(Reply::Done)
}

fn beep(calls: &mut Calls, now: Instant, leg: &LegId, clip: ClipFound) -> Answer {
    let slot = seat_of(calls, leg)?;
    let sound = found(clip)?;
    let length_ms = sound.clip.duration_ms();
    if length_ms > BEEP_MS_MAX {
        let why = format!("{} lasts {length_ms} ms, a tone at most {BEEP_MS_MAX}", sound.name);
        return Err(refuse(ErrorCode::BadValue, why));
    }
    calls.beep(now, slot, sound);
    Ok(Reply::Done)
}

fn fill(calls: &mut Calls, now: Instant, leg: &LegId, with: Filler, clip: ClipFound) -> Answer {
    let slot = unbridged(calls, leg)?;
    let backdrop = backdrop(with, clip)?;
    calls.hear_own(now, slot, backdrop);
    Ok(Reply::Done)
}

fn connect(calls: &mut Calls, now: Instant, bridge: BridgeId, legs: (&LegId, &LegId), music: ClipFound) -> Answer {
    if calls.bridge_names.contains_key(&bridge) {
        return Err(refuse(ErrorCode::NameTaken, format!("a bridge is called {bridge} already")));
    }
    let (caller, agent) = (unbridged(calls, legs.0)?, unbridged(calls, legs.1)?);
    if caller == agent {
        return Err(refuse(ErrorCode::BadValue, format!("bridge {bridge} needs two legs, both are {}", legs.0)));
    }
    let music = Backdrop::Music(found(music)?);
    let (with_caller, with_agent) = ((caller, legs.0.clone()), (agent, legs.1.clone()));
    let at = calls.bridges.put(Bridge::new(now, bridge.clone(), with_caller, with_agent, music));
    calls.bridge_names.insert(bridge, at);
    for slot in [caller, agent] {
        if let Some(seat) = calls.seats.get_mut(slot) {
            seat.bridge = Some(at);
            seat.leg.expect_voice(true);
        }
    }
    calls.rehear(now, at);
    Ok(Reply::Done)
}

fn join(calls: &mut Calls, now: Instant, bridge: &BridgeId, leg: &LegId, role: &protocol::Role) -> Answer {
    let (at, slot) = (bridge_of(calls, bridge)?, seat_of(calls, leg)?);
    let Some(found) = calls.bridges.get(at) else { return Err(no_bridge(bridge)) };
    if found.member(slot).is_none() && found.members().len() >= BRIDGE_MEMBERS_MAX {
        let why = format!("bridge {bridge} has {BRIDGE_MEMBERS_MAX} members, which is the limit");
        return Err(refuse(ErrorCode::Busy, why));
    }
    let role = match role {
        protocol::Role::Party => Role::Party,
        protocol::Role::Listener => Role::Listener,
        protocol::Role::Whisperer { to } => {
            let to_slot = seat_of(calls, to)?;
            if to_slot == slot || found.member(to_slot).is_none_or(|member| member.role != Role::Party) {
                return Err(refuse(
                    ErrorCode::WrongState,
                    format!("{to} is no party of bridge {bridge} to whisper to"),
                ));
            }
            Role::Whisperer { to: to_slot }
        }
    };
    calls.join(now, at, slot, role);
    Ok(Reply::Done)
}

fn leave(calls: &mut Calls, now: Instant, leg: &LegId, hears: Filler, clip: ClipFound) -> Answer {
    let slot = seat_of(calls, leg)?;
    let hears = backdrop(hears, clip)?;
    if calls.seats.get(slot).is_some_and(|seat| seat.bridge.is_none()) {
        return Err(refuse(ErrorCode::WrongState, format!("leg {leg} is in no bridge")));
    }
    calls.leave(now, slot, hears);
    Ok(Reply::Done)
}

fn hold(calls: &mut Calls, now: Instant, bridge: &BridgeId) -> Answer {
    let at = bridge_of(calls, bridge)?;
    if calls.bridges.get_mut(at).is_some_and(Bridge::hold) {
        calls.rehear(now, at);
    }
    Ok(Reply::Done)
}

fn resume(calls: &mut Calls, now: Instant, bridge: &BridgeId) -> Answer {
    let at = bridge_of(calls, bridge)?;
    let Some(found) = calls.bridges.get_mut(at) else { return Err(no_bridge(bridge)) };
    // An agent who is silent stays behind music until its voice is back: that is what `talk` then tells.
    if found.on_hold() && found.talk(now) {
        calls.rehear(now, at);
    }
    Ok(Reply::Done)
}

fn unbridge(calls: &mut Calls, now: Instant, bridge: &BridgeId, caller_hears: Filler, clip: ClipFound) -> Answer {
    let at = bridge_of(calls, bridge)?;
    let backdrop = backdrop(caller_hears, clip)?;
    calls.end_bridge(now, at, backdrop);
    Ok(Reply::Done)
}

fn record(calls: &mut Calls, now: Instant, leg: &LegId, recording: RecordingId) -> Answer {
    let slot = seat_of(calls, leg)?;
    if calls.recording_names.contains_key(&recording) || calls.closing.contains(&recording) {
        return Err(refuse(ErrorCode::NameTaken, format!("a recording is called {recording} already")));
    }
    let Some(seat) = calls.seats.get_mut(slot) else { return Err(unknown(leg)) };
    if seat.recording.is_some() {
        return Err(refuse(ErrorCode::WrongState, format!("leg {leg} is being recorded already")));
    }
    let recorder = Recorder::new(now, recording.clone(), slot);
    let due = recorder.due();
    let at = calls.recordings.put(recorder);
    seat.recording = Some(at);
    let call = seat.leg.call.to_string();
    calls.recording_names.insert(recording.clone(), at);
    calls.timers.put(due, Wake::Recording(at));
    let piece = Piece::Begin { serial: calls.rng.random(), call };
    calls.outputs.push_back(Output::Spool { recording, piece });
    Ok(Reply::Done)
}

fn pause_recording(calls: &mut Calls, now: Instant, recording: &RecordingId, paused: bool) -> Answer {
    let at = calls.recording_names.get(recording).copied();
    let Some(recorder) = at.and_then(|at| calls.recordings.get_mut(at)) else {
        return Err(refuse(ErrorCode::UnknownRecording, format!("no recording is called {recording}")));
    };
    recorder.pause(now, paused);
    Ok(Reply::Done)
}

fn stop_recording(calls: &mut Calls, now: Instant, recording: &RecordingId) -> Answer {
    let Some(at) = calls.recording_names.get(recording).copied() else {
        return Err(refuse(ErrorCode::UnknownRecording, format!("no recording is called {recording}")));
    };
    calls.end_recording(now, at);
    Ok(Reply::Done)
}

fn listen_for_tones(calls: &mut Calls, leg: &LegId, on: bool) -> Answer {
    let slot = seat_of(calls, leg)?;
    let Some(seat) = calls.seats.get_mut(slot) else { return Err(unknown(leg)) };
    if !seat.leg.listen_for_tones(on) {
        return Err(refuse(ErrorCode::Busy, format!("no decoder can be had for {leg}")));
    }
    Ok(Reply::Done)
}

fn send_digits(calls: &mut Calls, now: Instant, leg: &LegId, digits: &[Digit], tone_ms: u16) -> Answer {
    let slot = seat_of(calls, leg)?;
    if !(1..=DIGITS_MAX).contains(&digits.len()) {
        return Err(refuse(ErrorCode::BadValue, format!("{} digits for {leg}, not 1 to {DIGITS_MAX}", digits.len())));
    }
    if !(TONE_MS_MIN..=TONE_MS_MAX).contains(&tone_ms) {
        let why = format!("tone_ms for {leg} is {tone_ms}, not {TONE_MS_MIN} to {TONE_MS_MAX}");
        return Err(refuse(ErrorCode::BadValue, why));
    }
    let Some(seat) = calls.seats.get_mut(slot) else { return Err(unknown(leg)) };
    if !seat.leg.takes_keys() {
        let why = format!("the peer of {leg} takes no key presses, or the leg is not connected with its gate open");
        return Err(refuse(ErrorCode::WrongState, why));
    }
    if !seat.leg.press(digits, tone_ms) {
        return Err(refuse(ErrorCode::Busy, format!("{leg} still has {DIGITS_MAX} digits to send")));
    }
    media::wake_seat(calls, now, slot);
    Ok(Reply::Done)
}

fn close_leg(calls: &mut Calls, now: Instant, leg: &LegId) -> Answer {
    if let Some(slot) = calls.names.get(leg).copied() {
        calls.end_leg(now, slot, LegEnd::Closed);
    }
    Ok(Reply::Done)
}

fn seat(calls: &mut Calls, now: Instant, leg: Leg, port: u16, life_secs: u32) -> Slot {
    let (id, ufrag) = (leg.id.clone(), leg.ufrag().to_owned());
    let slot = calls.seats.put(Seat {
        leg,
        ear: Ear::default(),
        port,
        hops: Vec::new(),
        pairs: Vec::new(),
        ufrag: ufrag.clone(),
        ufrag_before: None,
        relay: None,
        waiting: None,
        bridge: None,
        recording: None,
        dies_at: now + Duration::from_secs(u64::from(life_secs)),
        wake_at: None,
    });
    calls.names.insert(id, slot);
    calls.routes.name(&ufrag, slot);
    calls.totals.legs_opened += 1;
    calls.schedule(now, slot);
    slot
}

fn seat_of(calls: &Calls, leg: &LegId) -> Result<Slot, Refusal> {
    calls.names.get(leg).copied().ok_or_else(|| unknown(leg))
}

fn unbridged(calls: &Calls, leg: &LegId) -> Result<Slot, Refusal> {
    let slot = seat_of(calls, leg)?;
    match calls.seats.get(slot).and_then(|seat| seat.bridge) {
        None => Ok(slot),
        Some(_) => Err(refuse(ErrorCode::WrongState, format!("leg {leg} is in a bridge"))),
    }
}

fn bridge_of(calls: &Calls, bridge: &BridgeId) -> Result<Slot, Refusal> {
    calls.bridge_names.get(bridge).copied().ok_or_else(|| no_bridge(bridge))
}

fn found(clip: ClipFound) -> Result<Sound, Refusal> {
    match clip {
        ClipFound::Found(name, clip) => Ok(Sound { name, clip }),
        ClipFound::Missing(name, why) => Err(bad_clip(&name, &why)),
        ClipFound::NotAsked => Err(refuse(ErrorCode::BadClip, "the command came without its clip".to_owned())),
    }
}

fn backdrop(filler: Filler, clip: ClipFound) -> Result<Backdrop, Refusal> {
    match filler {
        Filler::Comfort => Ok(Backdrop::Comfort),
        Filler::Music(_) => found(clip).map(Backdrop::Music),
    }
}

fn unknown(leg: &LegId) -> Refusal {
    refuse(ErrorCode::UnknownLeg, format!("no leg is called {leg}"))
}

fn no_bridge(bridge: &BridgeId) -> Refusal {
    refuse(ErrorCode::UnknownBridge, format!("no bridge is called {bridge}"))
}

fn bad_clip(name: &ClipName, why: &str) -> Refusal {
    refuse(ErrorCode::BadClip, format!("clip {name}: {why}"))
}

fn bad_sdp(leg: &LegId, why: &sdp::SdpError) -> Refusal {
    refuse(ErrorCode::BadSdp, format!("{leg}: {why}"))
}

fn no_port(leg: &LegId, hops: &[std::net::SocketAddr]) -> Refusal {
    let towards = hops.first().map_or("any peer".to_owned(), ToString::to_string);
    refuse(ErrorCode::NoPort, format!("no port is free towards {towards} for leg {leg}"))
}
