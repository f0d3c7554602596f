//! Where a live call stands, in the form that survives a restart: the desk's half of the `places` row.

use serde::{Deserialize, Serialize};

use crate::ivr::place::Place;
use crate::model::{Millis, TeamId, UserId};
use crate::outside::whatsapp::graph::Callee;

/// The `places` row of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Memo {
    /// The last event of mediad that this call has dealt with: life and number.
    pub(super) media_seen: Option<(String, u64)>,
    /// What the caller did so far, in words for the agent.
    pub(super) so_far: Vec<String>,
    /// The wait, talk or hold that runs now began at.
    pub(super) phase_since: Millis,
    /// Where it stands.
    pub(super) stage: Stage,
}

/// Where a call stands; each state carries what it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// WhatsApp rings; we are about to answer.
    Arriving(Arriving),
    /// An agent calls somebody, who has not answered yet.
    Dialling(Dialling),
    /// In the flow.
    Menu(Menu),
    /// In a queue.
    Waiting(Waiting),
    /// With an agent.
    Talking(Talking),
    /// Hears a last sentence before the call ends.
    Leaving(Leaving),
    /// Over.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arriving {
    /// Meta's session description.
    pub(super) offer: String,
    /// Ours, once mediad has made it. `pre_accept` and `accept` must carry the very same.
    pub(super) answer: Option<String>,
    /// `accept` has been sent: it may have reached Meta.
    pub(super) accepting: bool,
    /// ICE and DTLS are up.
    pub(super) connected: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dialling {
    pub(super) agent: UserId,
    pub(super) agent_name: String,
    pub(super) callee: Callee,
    /// Placed at; the agent's clock until somebody answers.
    pub(super) since: Millis,
    /// WhatsApp has been asked: the call may be there though we do not know its name.
    pub(super) asked: bool,
    /// WhatsApp says that it rings.
    pub(super) rings: bool,
    /// Meta's session description.
    pub(super) answer: Option<String>,
    /// ICE and DTLS are up.
    pub(super) connected: bool,
    /// WhatsApp says that it was picked up, or the contact was heard.
    pub(super) picked_up: bool,
    /// WhatsApp says that the contact declined; the end follows.
    pub(super) declined: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Menu {
    pub(super) place: Place,
    /// The flow's one timer and when it is due, by the wall clock: read only after a restart.
    pub(super) timer: Option<(u32, Millis)>,
    /// The clip whose end the flow waits for.
    pub(super) playing: Option<String>,
    /// A web service has been asked.
    pub(super) asking: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) team: TeamId,
    pub(super) team_name: String,
    /// In the queue since.
    pub(super) since: Millis,
    /// "Nobody is free" is said at.
    pub(super) deadline: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Talking {
    pub(super) agent: UserId,
    pub(super) agent_name: String,
    /// Where the caller came from and goes back to if the agent is lost; `None`: the agent placed the call.
    pub(super) queue: Option<Waiting>,
    /// The agent answered at, or was answered.
    pub(super) since: Millis,
    /// mediad's bridge, `None` while there is none.
    pub(super) bridge: Option<String>,
    /// Bridges made so far: each has its own name.
    pub(super) bridges: u32,
    /// On hold since, by the agent's wish.
    pub(super) held_since: Option<Millis>,
    /// The agent's sound stopped at.
    pub(super) lost_since: Option<Millis>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leaving {
    /// The clip whose end ends the call.
    pub(super) clip: String,
    /// How the call will have ended.
    pub(super) status: crate::model::CallStatus,
    /// Why: a word.
    pub(super) reason: String,
    /// Why: a sentence.
    pub(super) text: String,
}
