//! What the step hears, and what it wants done: values that the desk carries out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::node::{NodeId, Prompt};
use super::place::Place;
use crate::model::{Millis, TeamId};

// The step and those who ask the web service share these words; neither knows the other.
pub use crate::model::callback::{HttpAnswer, HttpRequest};

/// Something that happened to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// The call stands at its place and nothing has been done there yet. Sent once at the start of a call; sent again
    /// after a restart it enters the same node afresh.
    Begin,
    /// The caller pressed a key.
    Digit(char),
    /// The last prompt asked for has ended, or cannot be played. Not sent for a prompt that a digit or another prompt
    /// has stopped.
    PromptEnded,
    /// The timer of that id is due. Ids of timers since replaced are ignored.
    Timer(u32),
    /// The web service's answer.
    Answered(HttpAnswer),
}

/// Where the call stands now, what is to be done, and what to write down.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "deeds that nobody does are dead air"]
pub struct Step {
    /// Where the call stands now.
    pub place: Place,
    /// What is to be done, in order.
    pub deeds: Vec<Deed>,
    /// What happened, for the call's log.
    pub trail: Vec<Trail>,
}

/// Something for the desk to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Play this instead of whatever sounds now; then comfort noise.
    Play {
        /// What.
        prompt: Prompt,
        /// The first digit stops it without asking anyone.
        stop_on_digit: bool,
    },
    /// Keep the line alive while the caller waits for a web service.
    Comfort,
    /// Set the call's one timer; an earlier one is replaced.
    Timer {
        /// Comes back in `Heard::Timer`.
        id: u32,
        /// From now.
        after_ms: u64,
    },
    /// No timer is wanted any more.
    StopTimer,
    /// Ask a web service; `Heard::Answered` is awaited.
    Http(HttpRequest),
    /// Into this team's queue; the flow is over.
    Transfer {
        /// Whose.
        team: TeamId,
    },
    /// End the call; the flow is over.
    HangUp {
        /// One sentence.
        reason: String,
        /// The flow, not the caller, is why.
        by_fault: bool,
    },
}

/// One line of the call's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    /// When.
    pub at: Millis,
    /// At which node.
    pub node: NodeId,
    /// What sort of thing.
    pub kind: TrailKind,
    /// A sentence; what a sensitive node heard is masked.
    pub text: String,
    /// The same for a machine.
    pub data: serde_json::Value,
}

/// What sort of thing a line of the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrailKind {
    /// A node was entered.
    Node,
    /// A digit, or the digits of a gather, were taken.
    Digit,
    /// A digit that leads nowhere.
    Invalid,
    /// Silence.
    Timeout,
    /// A web service was asked, or answered.
    Http,
    /// The call went on in another flow.
    Goto,
    /// Opening hours were looked up.
    Hours,
    /// The flow hands the caller to a team.
    Transfer,
    /// The flow ends the call.
    HangUp,
    /// The flow could not go on.
    Fault,
}

impl TrailKind {
    /// As JSON and the database write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Digit => "digit",
            Self::Invalid => "invalid",
            Self::Timeout => "timeout",
            Self::Http => "http",
            Self::Goto => "goto",
            Self::Hours => "hours",
            Self::Transfer => "transfer",
            Self::HangUp => "hang_up",
            Self::Fault => "fault",
        }
    }
}
