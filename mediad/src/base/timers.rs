//! Deadlines of many machines in one heap, so the loop sleeps until the earliest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Wakes keys at their deadlines, earliest first and, at the same instant, the smaller key first.
///
/// A key is in the heap at most a few times: the machine behind it knows its own deadline, so a wake that comes too
/// early costs one look and is put back.
#[derive(Debug)]
pub struct Timers<K: Ord + Copy> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord + Copy> Default for Timers<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Wakes `key` at `at`.
    pub fn put(&mut self, at: Instant, key: K) {
        self.heap.push(Reverse((at, key)));
    }

    /// The next key whose deadline has passed, and that deadline.
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, K)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// The earliest deadline.
    pub fn due(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Deadlines held.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
