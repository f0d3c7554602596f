//! Ports towards TURN servers, descriptions that wait for what the servers say, and the loss of a server.

use std::time::Instant;

use protocol::{ErrorCode, Event, LegEnd, Peer, Refusal, Reply};

use super::calls::Calls;
use super::media;
use super::port::{Link, Output};
use super::servers::{Waiting, refuse};
use crate::base::outbox::Path;
use crate::base::slots::Slot;
use crate::leg::relay::TurnServer;
use crate::leg::turn::Loss;
use crate::wire::turn::Transport;

/// A leg wants a port towards a TURN server: its own if that is free, else another.
pub fn wanted(calls: &mut Calls, now: Instant, slot: Slot, server: &TurnServer) {
    let hop = server.addr;
    let own = calls.seats.get(slot).map(|seat| seat.port);
    let own = own.filter(|port| calls.places.fits(&calls.routes, *port, &[hop]));
    let port = own.or_else(|| calls.places.pick(&calls.routes, Peer::Meta, &[hop]));
    let local = port.and_then(|port| calls.places.locals(port).into_iter().find(|at| at.is_ipv4() == hop.is_ipv4()));
    if let Some(local) = local {
        calls.routes.relay(local.port(), hop, slot);
        calls.places.count(hop, true);
        if let Some(seat) = calls.seats.get_mut(slot) {
            seat.relay = Some((local.port(), hop));
        }
        if server.transport != Transport::Udp {
            let name = (server.transport == Transport::Tls).then(|| server.name.clone());
            calls.outputs.push_back(Output::Link(Link::Open { local, server: hop, name }));
        }
    }
    let path = local.map(|local| Path { local, remote: hop });
    let wall_secs = calls.ring.wall_ms() / 1_000;
    calls.guarded(now, slot, |seat, out, _| seat.leg.relay_by(now, path, wall_secs, out));
}

/// A leg's TURN server is lost or has refused.
pub fn lost(calls: &mut Calls, now: Instant, slot: Slot, server: String, why: Loss, was_up: bool) {
    if let Some((_, hop)) = calls.seats.get(slot).and_then(|seat| seat.relay) {
        calls.servers.failed(now, hop);
    }
    free(calls, slot);
    calls.totals.relays_lost += 1;
    if let Some(leg) = calls.seats.get(slot).filter(|_| was_up).map(|seat| seat.leg.id.clone()) {
        calls.tell(Event::RelayLost { leg, server, why: why.to_string() });
    }
}

/// The port towards a leg's TURN server is free again.
pub fn free(calls: &mut Calls, slot: Slot) {
    let Some((port, hop)) = calls.seats.get_mut(slot).and_then(|seat| seat.relay.take()) else { return };
    calls.unrelay(slot, port, hop);
}

/// The stream to a TURN server broke.
pub fn disconnected(calls: &mut Calls, now: Instant, path: Path) {
    let Some(slot) = calls.routes.relay_of(path) else { return };
    calls.guarded(now, slot, |seat, out, _| seat.leg.relay_broke(now, path, out));
    media::news(calls, now, slot);
    calls.schedule(now, slot);
}

/// The servers have said what they had to say: the description that waited is written.
pub fn gathered(calls: &mut Calls, now: Instant, slot: Slot) {
    let Some(waiting) = calls.seats.get_mut(slot).and_then(|seat| seat.waiting.take()) else { return };
    let lacks = calls.seats.get(slot).and_then(|seat| seat.leg.lacks_relay().map(|why| (seat.leg.id.clone(), why)));
    let answer = match lacks {
        None => describe(calls, now, slot, waiting),
        Some((leg, why)) => {
            if !matches!(waiting, Waiting::Restart(_)) {
                calls.end_leg(now, slot, LegEnd::Closed);
            }
            Err(refuse(ErrorCode::NoRelay, format!("leg {leg} may speak through a relay only, and {why}")))
        }
    };
    calls.late_answers.push_back((slot, answer));
}

/// Writes the description a leg owes, now that it knows its addresses.
pub fn describe(calls: &mut Calls, now: Instant, slot: Slot, waiting: Waiting) -> Result<Reply, Refusal> {
    let Some(seat) = calls.seats.get_mut(slot) else { return Ok(Reply::Done) };
    let (shown, locals) = (calls.places.shown(seat.port), calls.places.locals(seat.port));
    let reply = match waiting {
        Waiting::Offer => return Ok(Reply::LegOffered { offer: seat.leg.offer(&shown) }),
        Waiting::Answer => Reply::LegOpened { answer: seat.leg.answer(now, &shown) },
        Waiting::Restart(remote) => {
            let answer = seat.leg.restarted(now, &shown, &locals, &mut calls.rng, *remote);
            let before = seat.leg.ufrag_before().map(str::to_owned);
            let old = std::mem::replace(&mut seat.ufrag, seat.leg.ufrag().to_owned());
            for name in std::mem::replace(&mut seat.ufrag_before, before).into_iter().chain([old]) {
                if seat.ufrag_before.as_ref() != Some(&name) {
                    calls.routes.forget(&name);
                }
            }
            calls.routes.name(&seat.ufrag, slot);
            Reply::LegOpened { answer }
        }
    };
    media::wake_seat(calls, now, slot);
    Ok(reply)
}
