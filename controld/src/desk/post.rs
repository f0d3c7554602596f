//! What can arrive in a call's mailbox. If it is not a variant, it cannot happen to a call.

use tokio::sync::oneshot;

use crate::ivr::deed::HttpAnswer;
use crate::model::UserId;
use crate::outside::mediad::{ClipName, Event, MediadError};
use crate::outside::whatsapp::graph::GraphError;
use crate::outside::whatsapp::parse::CallError;

#[derive(Debug)]
pub(super) enum Post {
    /// mediad tells of the caller's leg or of the bridge.
    Media {
        /// Life of mediad and number of the event: what was dealt with before a restart is not dealt with again.
        seen: (String, u64),
        event: Event,
    },
    /// What mediad has of this call, after a reconnect. `None`: the caller's leg is gone.
    Found(Option<Found>),
    /// mediad took the caller's offer, or not.
    Opened(Result<String, MediadError>),
    /// WhatsApp answered `pre_accept`.
    PreAccepted(Result<(), GraphError>),
    /// WhatsApp answered `accept`.
    Accepted(Result<(), GraphError>),
    /// mediad made an offer for a call we place, or not.
    Offered(Result<String, MediadError>),
    /// WhatsApp placed the call and named it, or not.
    Placed(Result<String, GraphError>),
    /// WhatsApp tells of a call we placed.
    Outgoing { wacid: String, news: News },
    /// mediad took the answer of a call we placed, or not.
    AnswerTaken(Result<(), MediadError>),
    /// WhatsApp says the call is over.
    CallerGone { failed: bool, errors: Vec<CallError>, done: oneshot::Sender<()> },
    /// A clip cannot be played.
    CannotPlay { clip: ClipName, why: String },
    /// A web service has answered the flow.
    Answered(HttpAnswer),
    /// An agent wants this caller.
    Claim { user: UserId, done: Said },
    /// An agent wants no more of this ring.
    Decline { user: UserId, done: Said },
    /// The agent who has the caller wants something.
    Wish { user: UserId, wish: Wish, done: Said },
    /// A supervisor ends the call.
    EndBy { user: UserId, done: oneshot::Sender<()> },
    /// The agent's standing leg is connected, anew or again.
    AgentLegUp { user: UserId },
}

/// What WhatsApp tells of a call we placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// It rings.
    Rings,
    /// Meta's answer to our offer.
    Answer(String),
    /// The contact picked up.
    PickedUp,
    /// The contact declined.
    Declined,
}

/// What mediad has of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// ICE and DTLS are up.
    pub(super) connected: bool,
    /// What the caller hears.
    pub(super) clip: Option<ClipName>,
    /// The bridge the caller is in.
    pub(super) bridge: Option<FoundBridge>,
}

/// A bridge as mediad has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundBridge {
    pub(super) name: String,
    pub(super) on_hold: bool,
    pub(super) agent_silent: bool,
}

/// What the agent who has the caller may want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Hold,
    Resume,
    HangUp,
    Digits(String),
}

/// The answer to an agent: done, or one sentence why not.
pub(super) type Said = oneshot::Sender<Result<(), String>>;
