//! One direction of a network.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

/// What a network does to a packet.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) loss: f64,
    pub(crate) delay_ms: u64,
    pub(crate) jitter_ms: u64,
    /// Share of packets that are held back further, by up to 60 ms.
    pub(crate) reorder: f64,
    pub(crate) double: f64,
}

impl Link {
    pub(crate) fn clean() -> Self {
        Self { loss: 0.0, delay_ms: 10, jitter_ms: 0, reorder: 0.0, double: 0.0 }
    }

    pub(crate) fn bad(loss: f64) -> Self {
        Self { loss, delay_ms: 60, jitter_ms: 8, reorder: 0.05, double: 0.02 }
    }

    /// When the packet arrives, after how long: never, once or twice.
    pub(crate) fn delays(&self, rng: &mut StdRng) -> Vec<Duration> {
        if rng.random_bool(self.loss) {
            return Vec::new();
        }
        let copies = if rng.random_bool(self.double) { 2 } else { 1 };
        let one = |rng: &mut StdRng| {
            let held = if rng.random_bool(self.reorder) { rng.random_range(15..60) } else { 0 };
            Duration::from_millis(self.delay_ms + held)
                + Duration::from_micros(rng.random_range(0..=self.jitter_ms * 1000))
        };
        (0..copies).map(|_| one(rng)).collect()
    }
}
