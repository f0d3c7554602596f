//! The packet path: a datagram to its leg, its voice to who hears it, frames into free slots.

use std::time::Instant;

use protocol::Event;

use super::calls::Calls;
use super::route::Found;
use crate::base::count::DropReason;
use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::base::slots::Slot;
use crate::bridge::recorder::Side;
use crate::leg::news::News;
use crate::leg::sender::SourceId;
use crate::leg::{Heard, Taken};

/// Hands a datagram to its leg and does what follows from it.
pub fn datagram(calls: &mut Calls, now: Instant, path: Path, packet: &mut Packet) {
    let (slot, claimed) = match calls.routes.find(path, packet.as_slice()) {
        Ok(Found::Known(slot)) => (slot, false),
        Ok(Found::Claimed(slot)) => (slot, true),
        Err(reason) => return calls.totals.drops.add(reason),
    };
    let before = calls.out.len();
    let Some(taken) = calls.guarded(now, slot, |seat, out, _| seat.leg.take(now, path, packet, out)) else { return };
    match taken {
        Taken::Voice(heard) => voice(calls, now, slot, &heard, packet),
        Taken::NotVoice { ssrc, index, digit } => {
            let id = source(slot, ssrc);
            if let Some(hearer) = hearer(calls, slot) {
                calls.guarded(now, hearer, |seat, _, _| seat.leg.pass_over(id, index));
            }
            if let Some(digit) = digit {
                pressed(calls, slot, digit);
            }
            news(calls, now, slot);
        }
        Taken::Nothing => {
            if claimed && calls.routes.owner(path) != Some(slot) {
                let proven = calls.seats.get(slot).is_some_and(|seat| seat.leg.trusts(path));
                if proven {
                    calls.claim(path.local.port(), path.remote, slot);
                }
            }
            asked(calls, slot, before);
            news(calls, now, slot);
            calls.schedule(now, slot);
        }
    }
}

/// A leg's deadline has passed.
pub fn wake_seat(calls: &mut Calls, now: Instant, slot: Slot) {
    let before = calls.out.len();
    let worked = calls.guarded(now, slot, |seat, out, _| {
        seat.leg.wake(now, out);
        seat.leg.quality(now).map(|figures| (seat.leg.id.clone(), figures))
    });
    let Some(quality) = worked else { return };
    if let Some((leg, figures)) = quality {
        let (loss, jitter_ms, rtt_ms, far_loss) = (figures.loss, figures.jitter_ms, figures.rtt_ms, figures.far_loss);
        calls.tell(Event::Quality { leg, loss, jitter_ms, rtt_ms, far_loss });
    }
    frames(calls, now, slot);
    asked(calls, slot, before);
    news(calls, now, slot);
    calls.schedule(now, slot);
}

/// Fills the leg's slots that are due with what its ear hears.
fn frames(calls: &mut Calls, now: Instant, slot: Slot) {
    for _ in 0..FRAMES_A_TURN_MAX {
        let said = calls.guarded(now, slot, |seat, out, comfort| {
            let sent = seat.leg.say(now, seat.ear.frame(comfort), out)?;
            if !sent {
                return Some((None, false));
            }
            let music = seat.ear.clip().is_some();
            let over = seat.ear.advance();
            if over.is_some() {
                seat.leg.new_clip();
            }
            Some((over, music))
        });
        let Some(Some((over, music))) = said else { return };
        match music {
            true => calls.totals.played += 1,
            false => calls.totals.filled += 1,
        }
        calls.tell_over(slot, over);
    }
}

/// A voice packet goes to who hears the speaker, and into the recording.
fn voice(calls: &mut Calls, now: Instant, slot: Slot, heard: &Heard, packet: &Packet) {
    if calls.seats.get(slot).is_some_and(|seat| seat.leg.received() == 1) {
        news(calls, now, slot);
    }
    let payload = packet.as_slice().get(heard.payload.clone()).unwrap_or_default();
    let id = source(slot, heard.ssrc);
    agent_is_back(calls, now, slot);
    let Some(hearer) = hearer(calls, slot) else {
        let on_hold = calls.seats.get(slot).is_some_and(|seat| seat.bridge.is_some());
        if !on_hold && let Some(recorder) = calls.recorder_of(slot) {
            recorder.hear(now, Side::Left, id, heard.ticks, payload);
        }
        return;
    };
    let went = calls.guarded(now, hearer, |seat, out, _| {
        let went = seat.leg.forward(now, id, heard, payload, out);
        seat.ear.heard_other();
        (went, seat.leg.far_loss())
    });
    let Some((went, far_loss)) = went else { return };
    match went {
        Ok(()) => calls.totals.forwarded += 1,
        Err(reason) => {
            if let Some(seat) = calls.seats.get_mut(hearer) {
                seat.leg.count(reason);
            }
        }
    }
    if let Some(seat) = calls.seats.get_mut(slot) {
        seat.leg.set_onward_loss(far_loss);
    }
    record(calls, now, (slot, hearer), id, heard.ticks, payload);
}

/// Whoever of the two is recorded: what it says is left, what it is sent is right.
fn record(calls: &mut Calls, now: Instant, (speaker, hearer): (Slot, Slot), id: SourceId, ticks: u64, payload: &[u8]) {
    if let Some(recorder) = calls.recorder_of(speaker) {
        recorder.hear(now, Side::Left, id, ticks, payload);
    }
    if let Some(recorder) = calls.recorder_of(hearer) {
        recorder.hear(now, Side::Right, id, ticks, payload);
    }
}

/// Who hears this leg now.
fn hearer(calls: &Calls, slot: Slot) -> Option<Slot> {
    let bridge = calls.bridges.get(calls.seats.get(slot)?.bridge?)?;
    bridge.other(slot).filter(|_| bridge.talks())
}

/// A voice packet of an agent who was silent too long: the two hear each other again.
fn agent_is_back(calls: &mut Calls, now: Instant, slot: Slot) {
    let Some(at) = calls.seats.get(slot).and_then(|seat| seat.bridge) else { return };
    let Some(bridge) = calls.bridges.get_mut(at).filter(|bridge| bridge.agent_silent() && bridge.agent == slot) else {
        return;
    };
    bridge.talk(now);
    let id = bridge.id.clone();
    calls.join(now, at);
    calls.tell(Event::AgentBack { bridge: id });
}

fn pressed(calls: &mut Calls, slot: Slot, digit: protocol::Digit) {
    let Some(seat) = calls.seats.get_mut(slot) else { return };
    let leg = seat.leg.id.clone();
    let over = seat.ear.digit();
    if over.is_some() {
        seat.leg.new_clip();
    }
    calls.totals.digits += 1;
    calls.tell(Event::Digit { leg, digit });
    calls.tell_over(slot, over);
}

/// Tells what a leg has to say of itself, and ends it if that is what it says.
pub fn news(calls: &mut Calls, now: Instant, slot: Slot) {
    while let Some(news) = calls.seats.get_mut(slot).and_then(|seat| seat.leg.news()) {
        let Some(leg) = calls.seats.get(slot).map(|seat| seat.leg.id.clone()) else { return };
        match news {
            News::Connected => calls.tell(Event::LegConnected { leg }),
            News::Heard => calls.tell(Event::LegHeard { leg }),
            News::Ended(why) => calls.end_leg(now, slot, why),
        }
    }
}

/// Remembers the STUN questions among the datagrams a leg has just written, so that their answers find it.
pub fn asked(calls: &mut Calls, slot: Slot, since: usize) {
    let (out, routes) = (&calls.out, &mut calls.routes);
    for datagram in out.datagrams().get(since..).unwrap_or_default() {
        routes.note(slot, datagram.packet.as_slice());
    }
}

fn source(slot: Slot, ssrc: u32) -> SourceId {
    SourceId { leg: slot.number(), ssrc }
}

/// Whether a datagram is handshake work, which a turn takes only so much of.
pub fn is_handshake(calls: &Calls, path: Path, bytes: &[u8]) -> bool {
    let dtls = bytes.first().is_some_and(|first| (20..=63).contains(first));
    dtls && calls.routes.owner(path).and_then(|slot| calls.seats.get(slot)).is_some_and(|seat| !seat.leg.has_keys())
}

/// Drops a datagram for want of room.
pub fn too_busy(calls: &mut Calls) {
    calls.totals.drops.add(DropReason::DtlsBusy);
}

/// Slots one leg may catch up in one turn: 100 ms, as far as the sender follows its schedule.
const FRAMES_A_TURN_MAX: usize = 6;
