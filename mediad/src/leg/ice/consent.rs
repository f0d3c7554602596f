//! The peer's consent to be sent to: asked for every five seconds, gone after thirty (RFC 7675 §5.1).

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

/// When consent was last given and when it is asked for again.
#[derive(Debug)]
pub(super) struct Consent {
    given_at: Instant,
    ask_at: Instant,
}

impl Consent {
    /// Given just now.
    pub(super) fn fresh(now: Instant, rng: &mut StdRng) -> Self {
        Consent { given_at: now, ask_at: later(now, rng) }
    }

    pub(super) fn renew(&mut self, now: Instant) {
        self.given_at = now;
    }

    pub(super) fn is_lost(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.given_at) >= EXPIRY
    }

    /// Two questions in a row stayed without an answer.
    pub(super) fn is_doubtful(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.given_at) >= DOUBT
    }

    /// Whether it is time to ask; if so the next time is set.
    pub(super) fn take_turn(&mut self, now: Instant, rng: &mut StdRng) -> bool {
        let turn = now >= self.ask_at;
        if turn {
            self.ask_at = later(now, rng);
        }
        turn
    }

    pub(super) fn due(&self) -> Instant {
        self.lost_at().map_or(self.ask_at, |lost| lost.min(self.ask_at))
    }

    /// When it expires unless it is renewed.
    pub(super) fn lost_at(&self) -> Option<Instant> {
        self.given_at.checked_add(EXPIRY)
    }
}

/// 5 s, spread over ±20 % so that a thousand legs do not ask at once.
fn later(now: Instant, rng: &mut StdRng) -> Instant {
    let wait = Duration::from_millis(rng.random_range(4_000..=6_000));
    now.checked_add(wait).unwrap_or(now)
}

const EXPIRY: Duration = Duration::from_secs(30);
const DOUBT: Duration = Duration::from_secs(11);
