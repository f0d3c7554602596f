//! What was told, numbered without a gap, for clients that were away.

use std::collections::VecDeque;

use protocol::limits::EVENT_RING_LEN;
use protocol::{Event, Numbered, Replay};

/// The last events and their numbers.
#[derive(Debug)]
pub struct Ring {
    epoch: String,
    next: u64,
    wall_ms: u64,
    kept: VecDeque<Numbered>,
}

impl Ring {
    /// An empty ring. `epoch` differs at every start of the process.
    pub fn new(epoch: String) -> Self {
        Self { epoch, next: 1, wall_ms: 0, kept: VecDeque::new() }
    }

    /// The wall clock of the events that follow.
    pub fn set_wall(&mut self, wall_ms: u64) {
        self.wall_ms = wall_ms;
    }

    /// That clock, in milliseconds since 1970.
    pub fn wall_ms(&self) -> u64 {
        self.wall_ms
    }

    /// Numbers an event and keeps it.
    pub fn add(&mut self, event: Event) -> Numbered {
        let numbered = Numbered { seq: self.next, at_ms: self.wall_ms, event };
        self.next += 1;
        self.kept.push_back(numbered.clone());
        if self.kept.len() > EVENT_RING_LEN {
            self.kept.pop_front();
        }
        numbered
    }

    /// The name of this start of the process.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The number the next event will carry.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// What someone has missed who saw everything up to `seen`, and whether that is all of it. If it is not, what a
    /// snapshot cannot tell comes all the same: which recordings are complete.
    pub fn since(&self, seen: Option<&(String, u64)>) -> (Replay, impl Iterator<Item = &Numbered>) {
        let oldest = self.kept.front().map_or(self.next, |event| event.seq);
        let (replay, from) = match seen {
            None => (Replay::Complete, self.next),
            Some((epoch, seq)) if *epoch == self.epoch && seq.saturating_add(1) >= oldest && *seq < self.next => {
                (Replay::Complete, seq + 1)
            }
            Some(_) => (Replay::Lapsed, self.next),
        };
        let files = replay == Replay::Lapsed;
        let missed = move |event: &&Numbered| {
            event.seq >= from || (files && matches!(event.event, Event::RecordingEnded { .. }))
        };
        (replay, self.kept.iter().filter(missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::LegId;

    fn ring(events: u64) -> Ring {
        let mut ring = Ring::new("e".into());
        for _ in 0..events {
            ring.add(Event::LegHeard { leg: LegId::new("l").unwrap() });
        }
        ring
    }

    fn missed(ring: &Ring, epoch: &str, seq: u64) -> (Replay, Vec<u64>) {
        let seen = (epoch.to_owned(), seq);
        let (replay, events) = ring.since(Some(&seen));
        (replay, events.map(|event| event.seq).collect())
    }

    #[test]
    fn a_client_gets_exactly_what_it_missed_or_is_told_that_it_cannot() {
        let small = ring(5);
        assert_eq!(missed(&small, "e", 3), (Replay::Complete, vec![4, 5]));
        assert_eq!(missed(&small, "e", 5), (Replay::Complete, vec![]));
        assert_eq!(missed(&small, "e", 0), (Replay::Complete, vec![1, 2, 3, 4, 5]));
        assert_eq!(missed(&small, "other", 3), (Replay::Lapsed, vec![]));
        assert_eq!(missed(&small, "e", 6), (Replay::Lapsed, vec![]), "from the future");
        let lapped = ring(EVENT_RING_LEN as u64 + 10);
        assert_eq!(missed(&lapped, "e", 9).0, Replay::Lapsed);
        assert_eq!(missed(&lapped, "e", 10).1.len(), EVENT_RING_LEN);
    }
}
