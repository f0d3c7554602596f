//! The part of a call's life that only calls by the business have: RINGING, and what the user does about it.

use std::time::{Duration, Instant};

use super::call::{Call, Deed, Now, State, Status};
use super::script::Then;

/// What the user's phone will do with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// From the placing to RINGING.
    pub ring_after: Duration,
    /// What happens then.
    pub then: Then,
    /// From RINGING to that.
    pub after: Duration,
    /// The user hangs up this long after the pick-up.
    pub talk: Option<Duration>,
    /// When the phone began to ring.
    pub rang: Option<Instant>,
    /// Comes back in status and `terminate` webhooks, untouched.
    pub opaque: Option<String>,
}

impl Call {
    /// Whether the user can pick up or decline now.
    pub fn rings(&self) -> bool {
        self.by_business() && matches!(self.state, State::Offered | State::Ringing)
    }

    /// The user picks up. Nothing happens unless it rings.
    pub fn pick_up(&mut self, now: Now) -> Vec<Deed> {
        if !self.rings() {
            return Vec::new();
        }
        let mut deeds = self.ring(now);
        self.state = State::Accepted { since: now.at, start_secs: now.unix_ms / 1000 };
        self.note(now, "accepted");
        deeds.extend([Deed::Open, Deed::Tell(Status::Accepted)]);
        deeds
    }

    /// The user declines. Nothing happens unless it rings.
    pub fn decline(&mut self, now: Now) -> Vec<Deed> {
        if !self.rings() {
            return Vec::new();
        }
        let mut deeds = vec![Deed::Tell(Status::Rejected)];
        deeds.extend(self.end(now, None, "declined"));
        deeds
    }

    /// Whether the user missed it: it rang, or was turned away, and was never picked up.
    pub fn was_missed(&self) -> bool {
        let (Some(ending), Some(plan)) = (&self.ending, &self.plan) else { return false };
        let reached = plan.rang.is_some();
        ending.failed.is_none() && ending.talk.is_none() && (reached || ending.by != BY_BUSINESS)
    }

    /// Time passed before the pick-up.
    pub(super) fn wake_outgoing(&mut self, now: Now) -> Vec<Deed> {
        let Some(plan) = self.plan.as_ref() else { return Vec::new() };
        let waited = now.at.saturating_duration_since(self.born.at);
        match (self.state, plan.then) {
            (State::Offered, Then::Unreachable) => Vec::new(),
            (State::Offered, Then::Busy) if waited >= plan.ring_after => self.decline(now),
            (State::Offered, _) if waited >= plan.ring_after => self.ring(now),
            (State::Ringing, Then::Answer) if self.rang_long_enough(now) => self.pick_up(now),
            (State::Ringing, Then::Decline) if self.rang_long_enough(now) => self.decline(now),
            _ => Vec::new(),
        }
    }

    /// Whether the user has said all there is to say.
    pub(super) fn talked_enough(&self, now: Now, since: Instant) -> bool {
        let talk = self.plan.as_ref().and_then(|plan| plan.talk);
        talk.is_some_and(|talk| now.at.saturating_duration_since(since) >= talk)
    }

    fn rang_long_enough(&self, now: Now) -> bool {
        let Some(plan) = &self.plan else { return false };
        plan.rang.is_some_and(|rang| now.at.saturating_duration_since(rang) >= plan.after)
    }

    fn ring(&mut self, now: Now) -> Vec<Deed> {
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.rang.is_none()) else { return Vec::new() };
        plan.rang = Some(now.at);
        self.state = State::Ringing;
        self.note(now, "ringing");
        vec![Deed::Tell(Status::Ringing)]
    }
}

const BY_BUSINESS: &str = "business hung up";
