//! A call as people read it afterwards, or while it lasts: the shape of the call log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AccountId, CallId, CallStatus, Direction, EndedBy, FlowId, Millis, RecordingId, TeamId, UserId};

/// What is known of a call, its recording aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallFacts {
    /// Which.
    pub id: CallId,
    /// WhatsApp's name for it.
    pub wacid: String,
    /// Which way.
    pub direction: Direction,
    /// How it stands.
    pub status: CallStatus,
    /// The number it came in on or went out from.
    pub account: NamedAccount,
    /// Who is at the other end.
    pub contact: Party,
    /// The flow it began on.
    #[schema(required)]
    pub flow: Option<NamedFlow>,
    /// The team it was last sent to.
    #[schema(required)]
    pub team: Option<NamedTeam>,
    /// The agent who has it, or had it last.
    #[schema(required)]
    pub agent: Option<NamedAgent>,
    /// Offered by WhatsApp.
    pub started_at: Millis,
    /// Accepted.
    #[schema(required)]
    pub answered_at: Option<Millis>,
    /// First in a queue.
    #[schema(required)]
    pub queued_at: Option<Millis>,
    /// First with an agent.
    #[schema(required)]
    pub connected_at: Option<Millis>,
    /// Over.
    #[schema(required)]
    pub ended_at: Option<Millis>,
    /// Time in queues.
    pub wait_ms: i64,
    /// Time talking, hold excluded.
    pub talk_ms: i64,
    /// Time on hold.
    pub hold_ms: i64,
    /// Who ended it.
    #[schema(required)]
    pub ended_by: Option<EndedBy>,
    /// A word: caller_hung_up, no_answer, media_lost …
    #[schema(required)]
    pub end_reason: Option<String>,
    /// Keys the caller pressed, in order; those of a sensitive node are masked.
    pub digits: String,
}

/// A line of the call log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// What is known of it.
    #[serde(flatten)]
    pub facts: CallFacts,
    /// Whether there is something to hear.
    pub recording: Recorded,
}

/// A call with everything that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallDetail {
    /// What is known of it.
    #[serde(flatten)]
    pub facts: CallFacts,
    /// Everything that happened, in order.
    pub timeline: Vec<TimelineEntry>,
    /// Its recording.
    #[schema(required)]
    pub recording: Option<Recording>,
}

/// One happening of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// 1, 2, 3 … within the call.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// A word: connect, accepted, node, digit, queued, rung, claimed, connected, held, ended …
    pub kind: String,
    /// One plain sentence.
    pub text: String,
    /// The facts beside it.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// A recording as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Which.
    pub id: RecordingId,
    /// Whether there is something to hear.
    pub state: Recorded,
    /// Length.
    #[schema(required)]
    pub duration_ms: Option<i64>,
    /// Size.
    #[schema(required)]
    pub bytes: Option<i64>,
    /// Why it failed, or why it is shorter than the talk.
    #[schema(required)]
    pub reason: Option<String>,
}

/// Whether there is something to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// Never recorded.
    None,
    /// Being recorded, or on its way to the archive.
    Recording,
    /// It can be played.
    Ready,
    /// It was lost; the reason says how.
    Failed,
}

macro_rules! named {
    ($($(#[$doc:meta])* $type:ident($id:ty)),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct $type {
            /// Which.
            pub id: $id,
            /// As shown.
            pub name: String,
        }
    )*};
}

named! {
    /// A number and what people call it.
    NamedAccount(AccountId),
    /// A team and what people call it.
    NamedTeam(TeamId),
    /// An agent and their name.
    NamedAgent(UserId),
}

/// A flow, what people call it, and the version a call keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedFlow {
    /// Which.
    pub id: FlowId,
    /// As shown.
    pub name: String,
    /// From 1.
    pub version: i64,
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// Profile name, or the number.
    pub name: String,
    /// Digits; empty for users with usernames.
    pub phone: String,
}
