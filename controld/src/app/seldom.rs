//! Something strangers can make happen as often as they like is said once a minute.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::model::Millis;

/// When it was last said.
#[derive(Debug)]
pub struct Seldom(AtomicI64);

impl Default for Seldom {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Seldom {
    /// Whether it may be said now; then it has been.
    pub fn is_due(&self, now: Millis) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(last) >= EVERY_MS;
        is_due && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

const EVERY_MS: Millis = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_times_in_a_minute_is_said_once() {
        let seldom = Seldom::default();
        assert_eq!((0..1_000).filter(|n| seldom.is_due(5_000 + n)).count(), 1);
        assert!(!seldom.is_due(64_999));
        assert!(seldom.is_due(65_000));
    }
}
