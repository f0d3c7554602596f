//! What is alive, as values for clients: snapshots page by page, and one leg in full.

use std::ops::Bound;
use std::time::Instant;

use protocol::limits::SNAPSHOT_LEGS_MAX;
use protocol::{BridgeSummary, LegDescription, LegId, LegSummary, RecordingSummary, Role, Snapshot};

use super::calls::{Calls, Seat};
use crate::base::slots::Slot;
use crate::bridge;

/// The page of legs after `after`, ordered by name.
pub fn snapshot(calls: &Calls, now: Instant, after: Option<&LegId>) -> Snapshot {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = calls.names.range::<LegId, _>((from, Bound::Unbounded));
    let (mut legs, mut bridges, mut recordings) = (Vec::new(), Vec::new(), Vec::new());
    for (_, slot) in rest.by_ref().take(SNAPSHOT_LEGS_MAX) {
        let Some(seat) = calls.seats.get(*slot) else { continue };
        legs.push(summary(calls, seat, *slot));
        bridges.extend(seat.bridge.and_then(|at| bridge(calls, at, *slot)));
        if let Some(recorder) = seat.recording.and_then(|at| calls.recordings.get(at)) {
            let (recording, leg) = (recorder.id.clone(), seat.leg.id.clone());
            let (duration_ms, paused) = (recorder.duration_ms(now), recorder.paused());
            recordings.push(RecordingSummary { recording, leg, duration_ms, paused });
        }
    }
    let next = rest.next().and_then(|_| legs.last().map(|leg| leg.leg.clone()));
    Snapshot { seq: calls.ring.next() - 1, legs, next, bridges, recordings, ports_free: calls.places.free() }
}

/// Everything about one leg.
pub fn describe(calls: &Calls, slot: Slot) -> Option<LegDescription> {
    let seat = calls.seats.get(slot)?;
    Some(seat.leg.describe(summary(calls, seat, slot)))
}

fn summary(calls: &Calls, seat: &Seat, slot: Slot) -> LegSummary {
    let mut summary = seat.leg.summary(seat.ear.clip());
    let bridge = seat.bridge.and_then(|at| calls.bridges.get(at));
    let Some((bridge, member)) = bridge.and_then(|bridge| bridge.member(slot).map(|member| (bridge, member))) else {
        return summary;
    };
    summary.bridge = Some(bridge.id.clone());
    summary.role = match member.role {
        bridge::Role::Party => Some(Role::Party),
        bridge::Role::Listener => Some(Role::Listener),
        // Whom it whispered to may be gone; then nobody hears it.
        bridge::Role::Whisperer { to } => {
            let to = calls.seats.get(to).map(|seat| seat.leg.id.clone());
            Some(to.map_or(Role::Listener, |to| Role::Whisperer { to }))
        }
    };
    summary
}

/// The bridge, if `slot` is its first member by name.
fn bridge(calls: &Calls, at: Slot, slot: Slot) -> Option<BridgeSummary> {
    let bridge = calls.bridges.get(at)?;
    let name = |slot| calls.seats.get(slot).map(|seat| &seat.leg.id);
    let first = bridge.members().iter().map(|member| member.seat).min_by_key(|seat| name(*seat))?;
    (first == slot).then(|| BridgeSummary {
        bridge: bridge.id.clone(),
        caller: bridge.pair.0.clone(),
        agent: bridge.pair.1.clone(),
        on_hold: bridge.on_hold(),
        agent_silent: bridge.agent_silent(),
    })
}
