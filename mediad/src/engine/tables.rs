//! What is alive, as values for clients: snapshots page by page, and one leg in full.

use std::ops::Bound;
use std::time::Instant;

use protocol::limits::SNAPSHOT_LEGS_MAX;
use protocol::{BridgeSummary, LegDescription, LegId, RecordingSummary, Snapshot};

use super::calls::Calls;
use crate::base::slots::Slot;

/// The page of legs after `after`, ordered by name.
pub fn snapshot(calls: &Calls, now: Instant, after: Option<&LegId>) -> Snapshot {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = calls.names.range::<LegId, _>((from, Bound::Unbounded));
    let (mut legs, mut bridges, mut recordings) = (Vec::new(), Vec::new(), Vec::new());
    for (_, slot) in rest.by_ref().take(SNAPSHOT_LEGS_MAX) {
        let Some(seat) = calls.seats.get(*slot) else { continue };
        legs.push(seat.leg.summary(seat.ear.clip()));
        bridges.extend(seat.bridge.and_then(|at| bridge(calls, at, *slot)));
        if let Some(recorder) = seat.recording.and_then(|at| calls.recordings.get(at)) {
            let duration_ms = recorder.duration_ms(now);
            recordings.push(RecordingSummary { recording: recorder.id.clone(), leg: seat.leg.id.clone(), duration_ms });
        }
    }
    let next = rest.next().and_then(|_| legs.last().map(|leg| leg.leg.clone()));
    Snapshot { seq: calls.ring.next() - 1, legs, next, bridges, recordings, ports_free: calls.places.free() }
}

/// Everything about one leg.
pub fn describe(calls: &Calls, slot: Slot) -> Option<LegDescription> {
    let seat = calls.seats.get(slot)?;
    let bridge = seat.bridge.and_then(|at| calls.bridges.get(at)).map(|bridge| bridge.id.clone());
    Some(seat.leg.describe(seat.ear.clip(), bridge))
}

/// The bridge, if `slot` is its caller.
fn bridge(calls: &Calls, at: Slot, slot: Slot) -> Option<BridgeSummary> {
    let bridge = calls.bridges.get(at).filter(|bridge| bridge.caller == slot)?;
    let leg = |slot| calls.seats.get(slot).map(|seat| seat.leg.id.clone());
    Some(BridgeSummary {
        bridge: bridge.id.clone(),
        caller: leg(bridge.caller)?,
        agent: leg(bridge.agent)?,
        on_hold: bridge.on_hold(),
        agent_silent: bridge.agent_silent(),
    })
}
