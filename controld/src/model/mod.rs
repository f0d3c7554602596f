//! The nouns of the business: ids, states, moments. Values only; every other room imports this one.

pub mod callback;
pub mod clock;
pub mod counts;
pub mod log;
pub mod secret;
pub mod softphone;

pub use secret::Secret;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Milliseconds since 1970, UTC.
pub type Millis = i64;

macro_rules! id {
    ($($(#[$doc:meta])* $type:ident = $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $type(pub String);

        impl $type {
            /// A fresh one: prefix, 48 bits of time, 64 random bits. Sorts by birth.
            pub fn fresh(now: Millis) -> Self {
                Self(format!(concat!($prefix, "_{:012x}{:016x}"), now, rand::random::<u64>()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

id! {
    /// A tenant.
    OrgId = "org",
    /// A person who signs in.
    UserId = "usr",
    /// A team of agents.
    TeamId = "team",
    /// A WhatsApp business number.
    AccountId = "acc",
    /// Someone who calls or is called.
    ContactId = "con",
    /// A flow.
    FlowId = "flow",
    /// A prepared sound of an organisation.
    ClipId = "clip",
    /// A call: the business fact.
    CallId = "call",
    /// A recording.
    RecordingId = "rec",
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers calls.
    Agent,
    /// Sees and hears the team's calls.
    Supervisor,
    /// Draws flows, sees everything of the organisation.
    Admin,
}

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A customer called us.
    Incoming,
    /// We called a customer.
    Outgoing,
}

/// Where a call stands; the last five are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Offered by WhatsApp, not accepted yet.
    Ringing,
    /// Walking through a flow.
    Ivr,
    /// Waiting for an agent.
    Queued,
    /// Talking.
    Connected,
    /// The agent put the caller on hold.
    OnHold,
    /// Over, after the flow or the talk ran to an end.
    Completed,
    /// Nobody answered in time.
    Missed,
    /// The caller hung up while waiting.
    Abandoned,
    /// Refused at WhatsApp: calling off, or no flow.
    Rejected,
    /// Something broke; the reason says what.
    Failed,
}

impl CallStatus {
    /// The call is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Missed | Self::Abandoned | Self::Rejected | Self::Failed)
    }
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The customer hung up.
    Caller,
    /// The agent, or a supervisor or admin by force.
    Agent,
    /// The flow's hang-up node.
    Flow,
    /// Patchbay: timeouts, limits, faults.
    System,
}

/// Whether an agent can be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Ring me.
    Available,
    /// At work, not to be rung.
    Busy,
    /// Away from the desk.
    Away,
    /// Signed out, or no tab.
    Offline,
}
