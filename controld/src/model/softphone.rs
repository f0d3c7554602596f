//! What an agent's tab and the desk say to each other over the WebSocket. One state, told whole at every change:
//! a tab draws what it was told last and can never disagree with the desk.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AccountId, CallId, ContactId, Direction, Millis, Presence, UserId};

/// A line from the tab. `id` comes back in the `Done` or `Refused` that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FromTab {
    /// Chosen by the tab.
    pub id: u32,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What a tab may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Gives the agent's standing leg to this tab: opened, or restarted if one is alive. → `Attached`.
    Attach {
        /// The tab's session description.
        offer: String,
    },
    /// Sets presence.
    Presence {
        /// The new state.
        presence: Presence,
        /// Why, for `away`.
        reason: Option<String>,
    },
    /// Calls a contact. Refused in words if the agent, the contact or the number cannot.
    Dial {
        /// Whom.
        contact: ContactId,
        /// From which number; absent: the one this contact was last on, or the organisation's first.
        account: Option<AccountId>,
    },
    /// Takes a ringing call; the first valid claim wins.
    Answer {
        /// Which.
        call: CallId,
    },
    /// Silences a ringing call for this agent only.
    Decline {
        /// Which.
        call: CallId,
    },
    /// The caller hears music.
    Hold,
    /// Both hear each other again.
    Resume,
    /// Ends the call.
    HangUp,
    /// Sends key presses to the caller's side.
    Digits {
        /// Keys.
        digits: String,
    },
    /// Answer to `Ping`.
    Pong,
}

/// A line to the tab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum ToTab {
    /// Everything the softphone shows.
    State(Softphone),
    /// The standing leg is this tab's; the answer to its offer.
    Attached {
        /// The `Attach` it answers.
        id: u32,
        /// mediad's session description.
        answer: String,
    },
    /// The request was carried out.
    Done {
        /// Which.
        id: u32,
    },
    /// The request was not carried out.
    Refused {
        /// Which.
        id: u32,
        /// One sentence for the agent.
        why: String,
    },
    /// Something worth a line on the screen: another agent was quicker, the caller hung up.
    Notice {
        /// One sentence.
        text: String,
    },
    /// Another tab has taken the standing leg; this one is a display now.
    Detached,
    /// Are you there? Every 20 s; silence for 45 s and the tab counts as gone.
    Ping,
}

/// The softphone as the desk sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Softphone {
    /// Whose.
    pub user: UserId,
    /// Presence as set.
    pub presence: Presence,
    /// Since when.
    pub presence_since: Millis,
    /// The standing leg is connected, so a call can ring and sound at once.
    pub reachable: bool,
    /// Calls ringing for this agent, longest wait first.
    pub ringing: Vec<RingingCall>,
    /// The call this agent is on.
    #[schema(required)]
    pub call: Option<AgentCall>,
    /// The desk's clock when this was told; timers are drawn against it.
    pub now: Millis,
}

/// A call that rings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RingingCall {
    /// Which.
    pub call: CallId,
    /// Who calls.
    pub caller: Caller,
    /// For which team.
    pub team: String,
    /// In the queue since.
    pub waiting_since: Millis,
    /// What the caller did so far, in words: "Pressed 1 Sales".
    pub so_far: Vec<String>,
}

/// Who is on the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Caller {
    /// Profile name, or the number.
    pub name: String,
    /// Digits; empty for users with usernames.
    pub phone: String,
}

/// The call an agent is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentCall {
    /// Which.
    pub call: CallId,
    /// Who.
    pub caller: Caller,
    /// Which way.
    pub direction: Direction,
    /// Team it came through; empty on a call that the agent placed.
    pub team: String,
    /// How it stands.
    pub state: AgentCallState,
    /// Talking since (answer).
    pub since: Millis,
    /// On hold since.
    #[schema(required)]
    pub held_since: Option<Millis>,
    /// It is being recorded.
    pub recording: bool,
    /// What the caller did so far, in words.
    pub so_far: Vec<String>,
}

/// How an agent's call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentCallState {
    /// Being placed; WhatsApp has not said yet that it rings.
    Dialling,
    /// Rings at the contact's.
    Ringing,
    /// Claimed; sound is being connected.
    Connecting,
    /// Talking.
    Connected,
    /// The agent put the caller on hold.
    OnHold,
    /// The agent's sound stopped: the caller hears music until it is back.
    Reconnecting,
}
