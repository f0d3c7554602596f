//! The gate of a leg: shut until controld says that speaking is allowed (design D6), and a limit on what one peer may send.

use std::time::{Duration, Instant};

/// Whether RTP and sender reports may leave. On WhatsApp the first packet we send counts as picking up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gate {
    /// ICE and DTLS only.
    #[default]
    Shut,
    /// Everything, and never silence on the wire.
    Open,
}

/// How many packets one authenticated peer may have processed. A voice is 50 a second, with key presses 100.
#[derive(Debug)]
pub struct Toll {
    window: Instant,
    passed: u32,
}

impl Toll {
    /// Counts from `now`.
    pub fn new(now: Instant) -> Self {
        Self { window: now, passed: 0 }
    }

    /// Whether one more packet may pass.
    pub fn pass(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.window) >= WINDOW {
            *self = Self::new(now);
        }
        self.passed = self.passed.saturating_add(1);
        self.passed <= PACKETS_MAX
    }
}

const WINDOW: Duration = Duration::from_millis(500);
/// 200 packets a second, with room for what a network holds back and lets go at once.
const PACKETS_MAX: u32 = 150;
