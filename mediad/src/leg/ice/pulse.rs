//! Whether the selected pair still carries: it fell silent, was asked at once, and did not answer.
//!
//! Consent (RFC 7675) notices a dead pair after half a minute, and a caller hears silence for as long. So when media
//! that flowed stops for a second, or another pair proves itself, the selected one is asked out of turn. A pair that
//! stays dumb gives way to any that has just answered: the peer's NAT was rebound, or it went from Wi-Fi to 4G.

use std::time::{Duration, Instant};

/// The life signs of the selected pair.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// When media last came by it; nothing once its silence has been looked into.
    media_at: Option<Instant>,
    asked: Option<Asked>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    sends: u32,
    next_at: Instant,
    judged: bool,
}

impl Pulse {
    /// Authentic media came. True if it is the first, so that deadlines have changed.
    pub(super) fn beat(&mut self, now: Instant) -> bool {
        self.asked = None;
        self.media_at.replace(now).is_none()
    }

    /// It answered.
    pub(super) fn is_alive(&mut self) {
        self.asked = None;
    }

    /// It is dead without being asked: its own end is gone.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.media_at = None;
        self.asked = Some(Asked { sends: SENDS, next_at: now, judged: true });
    }

    /// There is reason to ask it.
    pub(super) fn suspect(&mut self, now: Instant) {
        self.asked.get_or_insert(Asked { sends: 0, next_at: now, judged: false });
    }

    /// Whether it is to be asked now: gives how often it was asked before.
    pub(super) fn take_turn(&mut self, now: Instant) -> Option<u32> {
        if self.asked.is_none() && self.quiet_at().is_some_and(|at| now >= at) {
            self.media_at = None;
            self.suspect(now);
        }
        let asked = self.asked.as_mut().filter(|asked| asked.sends < SENDS && now >= asked.next_at)?;
        let before = asked.sends;
        asked.sends = before.saturating_add(1);
        asked.next_at = now.checked_add(ASK_EVERY).unwrap_or(now);
        Some(before)
    }

    /// True once, when it has not answered in time.
    pub(super) fn dies(&mut self, now: Instant) -> bool {
        match self.asked.as_mut() {
            Some(asked) if asked.sends >= SENDS && !asked.judged && now >= asked.next_at => {
                asked.judged = true;
                true
            }
            _ => false,
        }
    }

    /// It was asked and has not answered.
    pub(super) fn is_dead(&self) -> bool {
        self.asked.is_some_and(|asked| asked.judged)
    }

    pub(super) fn due(&self) -> Option<Instant> {
        match self.asked {
            Some(asked) => Some(asked.next_at).filter(|_| !asked.judged),
            None => self.quiet_at(),
        }
    }

    fn quiet_at(&self) -> Option<Instant> {
        self.media_at?.checked_add(QUIET)
    }
}

/// Silence that is looked into. A voice is 50 packets a second, comfort noise too.
const QUIET: Duration = Duration::from_millis(1_000);
const SENDS: u32 = 3;
const ASK_EVERY: Duration = Duration::from_millis(250);
