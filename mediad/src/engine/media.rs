//! The packet path: a datagram to its leg, its voice to who hears it, frames into free slots.

use std::time::Instant;

use protocol::Event;

use super::calls::{Calls, Seat};
use super::reach;
use super::route::Found;
use crate::base::count::DropReason;
use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::base::slots::Slot;
use crate::bridge::Hears;
use crate::bridge::recorder::Side;
use crate::bridge::speaker::Speaker;
use crate::leg::news::News;
use crate::leg::reports::Figures;
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
        Taken::Voice(heard) => {
            voice(calls, now, slot, &heard, packet);
            if let Some(digit) = heard.digit {
                pressed(calls, slot, digit);
            }
        }
        Taken::NotVoice { ssrc, index, digit } => {
            not_voice(calls, now, slot, source(slot, ssrc), index);
            if let Some(digit) = digit {
                pressed(calls, slot, digit);
            }
            news(calls, now, slot);
        }
        Taken::Nothing => {
            if claimed && calls.routes.owner(path) != Some(slot) {
                let proven = calls.seats.get(slot).is_some_and(|seat| seat.leg.trusts(path));
                if proven && !calls.holds(path) {
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
        let Figures { loss, jitter_ms, rtt_ms, far_loss, far_jitter_ms } = figures;
        let mos = Some(calls.e_model.mos(loss, rtt_ms, jitter_ms));
        let far_mos = far_loss.map(|loss| calls.e_model.mos(loss, rtt_ms, far_jitter_ms.unwrap_or(0.0)));
        calls.tell(Event::Quality { leg, loss, jitter_ms, rtt_ms, far_loss, mos, far_mos });
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
            let (music, beeped) = (seat.ear.clip().is_some(), seat.ear.beeps());
            let over = seat.ear.advance();
            let beep_over = beeped && !seat.ear.beeps();
            if over.is_some() || beep_over {
                seat.leg.new_clip();
            }
            if beep_over && seat.ear.hears_other() {
                seat.leg.hear_other();
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
    calls.notice_voice(now, slot);
    let at = calls.seats.get(slot).and_then(|seat| seat.bridge);
    let recorded = at.is_none_or(|at| calls.bridges.get(at).is_some_and(|bridge| bridge.is_heard(slot)));
    if recorded && let Some(recorder) = calls.recorder_of(slot) {
        recorder.hear(now, Side::Left, id, heard.ticks, payload);
    }
    let Some(at) = at else {
        // Nobody hears this peer: what the last one reported is not true any more.
        if let Some(seat) = calls.seats.get_mut(slot) {
            seat.leg.set_onward_loss(None);
        }
        return;
    };
    let mut far_loss = None;
    for n in 0.. {
        let Some(ear) = ear_of(calls, at, slot, n) else { break };
        let Some(hearer) = ear.filter(|ear| !calls.beeps(*ear)) else { continue };
        let loss = hand_on(calls, now, hearer, id, heard, payload);
        far_loss = far_loss.max(loss);
        if let Some(recorder) = calls.recorder_of(hearer) {
            recorder.hear(now, Side::Right, id, heard.ticks, payload);
        }
    }
    if let Some(speaker) = speaker(calls, at, slot) {
        speaker.jitter.hear(now, id, heard.index, heard.ticks, payload);
    }
    if let Some(seat) = calls.seats.get_mut(slot) {
        seat.leg.set_onward_loss(far_loss);
    }
}

/// Gives an ear a packet of what it hears. Gives the loss that its peer reports, in 256ths.
pub fn hand_on(calls: &mut Calls, now: Instant, ear: Slot, id: SourceId, heard: &Heard, payload: &[u8]) -> Option<u8> {
    let went = calls.guarded(now, ear, |seat, out, _| {
        let went = seat.leg.forward(now, id, heard, payload, out);
        seat.ear.heard_other();
        (went, seat.leg.far_loss())
    });
    let (went, far_loss) = went?;
    match went {
        Ok(()) => calls.totals.forwarded += 1,
        Err(reason) => {
            if let Some(seat) = calls.seats.get_mut(ear) {
                seat.leg.count(reason);
            }
        }
    }
    far_loss
}

/// A packet that is no voice leaves no hole, and its mixes wait for none.
fn not_voice(calls: &mut Calls, now: Instant, slot: Slot, id: SourceId, index: u64) {
    let Some(at) = calls.seats.get(slot).and_then(|seat| seat.bridge) else { return };
    for n in 0.. {
        let Some(ear) = ear_of(calls, at, slot, n) else { break };
        if let Some(hearer) = ear {
            calls.guarded(now, hearer, |seat, _, _| seat.leg.pass_over(id, index));
        }
    }
    if let Some(speaker) = speaker(calls, at, slot) {
        speaker.jitter.key(now);
    }
}

/// The `n`th member of a bridge: its seat, if it hears this leg and no other. `None` behind the last member.
fn ear_of(calls: &Calls, at: Slot, slot: Slot, n: usize) -> Option<Option<Slot>> {
    let member = calls.bridges.get(at)?.members().get(n)?;
    Some((member.hears == Hears::One(slot)).then_some(member.seat))
}

/// This leg as a voice of the bridge's mixes.
fn speaker(calls: &mut Calls, at: Slot, slot: Slot) -> Option<&mut Speaker> {
    calls.bridges.get_mut(at)?.mixer.as_mut()?.speaker(slot)
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
            News::Broken(hop) => calls.tell(Event::HopBroken { leg, hop }),
            News::Mended(hop) => calls.tell(Event::HopMended { leg, hop }),
            News::RelayWanted(server) => reach::wanted(calls, now, slot, &server),
            News::RelayLost { server, why, was_up } => reach::lost(calls, now, slot, server, why, was_up),
            News::RelayBack(server) => calls.tell(Event::RelayBack { leg, server }),
            News::Gathered => reach::gathered(calls, now, slot),
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
    let is_dtls = |bytes: &[u8]| bytes.first().is_some_and(|first| (20..=63).contains(first));
    if let Some(slot) = calls.routes.relay_of(path) {
        // A channel's data begins after four bytes; what comes in other wrapping is checks, mostly.
        let inner = bytes.get(4..).is_some_and(is_dtls);
        return inner && calls.seats.get(slot).is_some_and(|seat| !seat.leg.has_keys());
    }
    // What a stranger sends from an address it has forged costs no handshake and takes nobody's turn for one.
    let is_work = |seat: &Seat| !seat.leg.has_keys() && seat.leg.trusts(path);
    is_dtls(bytes) && calls.routes.owner(path).and_then(|slot| calls.seats.get(slot)).is_some_and(is_work)
}

/// Drops a datagram for want of room.
pub fn too_busy(calls: &mut Calls) {
    calls.totals.drops.add(DropReason::DtlsBusy);
}

/// Slots one leg may catch up in one turn: 100 ms, as far as the sender follows its schedule.
const FRAMES_A_TURN_MAX: usize = 6;
