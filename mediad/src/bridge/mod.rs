//! Who hears whom, and what is written down of it.

pub mod ear;
pub mod lane;
pub mod prepared;
pub mod recorder;

use std::time::{Duration, Instant};

use protocol::BridgeId;

use crate::base::slots::Slot;
use ear::Backdrop;

/// A caller and the person at the desk.
#[derive(Debug)]
pub struct Bridge {
    /// Its name.
    pub id: BridgeId,
    /// The caller's seat.
    pub caller: Slot,
    /// The agent's seat.
    pub agent: Slot,
    /// What the caller hears on hold.
    pub music: Backdrop,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Both hear each other. The agent's silence is counted from `since` at the earliest.
    Talking { since: Instant },
    /// By command.
    Held,
    /// By itself: nothing came from the agent for [`AGENT_SILENT_AFTER`].
    Silent,
}

impl Bridge {
    /// A bridge whose two hear each other from `now` on.
    pub fn new(now: Instant, id: BridgeId, caller: Slot, agent: Slot, music: Backdrop) -> Self {
        Self { id, caller, agent, music, state: State::Talking { since: now } }
    }

    /// Whether the two hear each other.
    pub fn talks(&self) -> bool {
        matches!(self.state, State::Talking { .. })
    }

    /// On hold by command.
    pub fn on_hold(&self) -> bool {
        self.state == State::Held
    }

    /// On hold because the agent's media stopped.
    pub fn agent_silent(&self) -> bool {
        self.state == State::Silent
    }

    /// The other seat of the two.
    pub fn other(&self, seat: Slot) -> Option<Slot> {
        match seat {
            _ if seat == self.caller => Some(self.agent),
            _ if seat == self.agent => Some(self.caller),
            _ => None,
        }
    }

    /// Holds. True if the two talked until now.
    pub fn hold(&mut self) -> bool {
        let talked = self.talks();
        self.state = State::Held;
        talked
    }

    /// Lets the two hear each other. True if they did not until now.
    pub fn talk(&mut self, now: Instant) -> bool {
        let parted = !self.talks();
        if parted {
            self.state = State::Talking { since: now };
        }
        parted
    }

    /// When the agent's silence will be too long, if it was last heard at `heard`.
    pub fn silent_at(&self, heard: Option<Instant>) -> Option<Instant> {
        match self.state {
            State::Talking { since } => Some(heard.map_or(since, |at| at.max(since)) + AGENT_SILENT_AFTER),
            State::Held | State::Silent => None,
        }
    }

    /// Holds if the agent has been silent too long. True if it does so now.
    pub fn notice_silence(&mut self, now: Instant, heard: Option<Instant>) -> bool {
        let silent = self.silent_at(heard).is_some_and(|at| at <= now);
        if silent {
            self.state = State::Silent;
        }
        silent
    }
}

/// Without an authenticated packet from the agent for this long, the caller hears music (design D6).
pub const AGENT_SILENT_AFTER: Duration = Duration::from_secs(5);
