//! What controld may ask of mediad.

use serde::{Deserialize, Serialize};

use crate::id::{BridgeId, CallId, ClipName, Digit, LegId, RecordingId};

/// A line controld sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ToMediad {
    /// The first line of a connection.
    Hello {
        /// Who speaks, and where it left off.
        hello: Hello,
    },
    /// Every line after it.
    Request(Request),
}

/// Opens a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Must equal [`crate::VERSION`].
    pub version: u32,
    /// Who speaks, for the log.
    pub who: String,
    /// The last event the speaker has dealt with: epoch and number. `null` asks for no replay.
    pub seen: Option<(String, u64)>,
}

/// One command and the number its answer will carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the speaker; a repeat of a remembered number gets the remembered answer and does nothing.
    pub id: u64,
    /// What to do.
    #[serde(rename = "do")]
    pub command: Command,
}

/// Everything mediad can be told to do. Answers stand beside each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Takes a peer's offer. → `LegOpened`. The leg is created with its gate closed.
    OpenLeg {
        /// The new leg's name.
        leg: LegId,
        /// The call it belongs to.
        call: CallId,
        /// What is at the other end.
        peer: Peer,
        /// Session description (RFC 8866), at most 16 KiB.
        offer: String,
        /// mediad ends the leg by itself after this many seconds.
        life_secs: u32,
        /// By which servers it is reached.
        #[serde(flatten)]
        reach: Reach,
    },
    /// Makes an offer to a peer who will answer later. → `LegOffered`.
    OfferLeg {
        /// The new leg's name.
        leg: LegId,
        /// The call it belongs to.
        call: CallId,
        /// What is at the other end.
        peer: Peer,
        /// mediad ends the leg by itself after this many seconds.
        life_secs: u32,
        /// By which servers it is reached.
        #[serde(flatten)]
        reach: Reach,
    },
    /// Takes the peer's answer to `OfferLeg`. → `Done`.
    AnswerLeg {
        /// The leg that offered.
        leg: LegId,
        /// Session description, at most 16 KiB.
        answer: String,
    },
    /// ICE restart (RFC 8445 §9), or a reloaded tab: the same leg, a new peer. → `LegOpened`.
    RestartLeg {
        /// The leg that lives on.
        leg: LegId,
        /// The peer's new offer.
        offer: String,
        /// By which servers it is reached from now on; if nothing is said, by those it has.
        #[serde(flatten)]
        reach: Reach,
    },
    /// Lets RTP and sender reports out. On WhatsApp: only after `accept` returned 200. → `Done`.
    OpenGate {
        /// The leg.
        leg: LegId,
    },
    /// Plays a clip to a leg that is not in a bridge, in place of what it hears. → `Done`, later `PlayEnded`.
    Play {
        /// Who hears it.
        leg: LegId,
        /// What.
        clip: ClipName,
        /// A digit ends it within 60 ms, without asking anyone.
        stop_on_digit: bool,
        /// What follows in the same 20 ms.
        then: Filler,
    },
    /// Ends what a leg hears at once and gives it the filler instead. → `Done`.
    Fill {
        /// Who hears it.
        leg: LegId,
        /// What it hears from now on.
        with: Filler,
    },
    /// Sounds a tone of 3 s at most to a leg, over what it hears: that goes on behind it where it would be by then. → `Done`.
    Beep {
        /// Who hears it.
        leg: LegId,
        /// What.
        clip: ClipName,
    },
    /// Connects a caller and an agent, both ways. → `Done`.
    Bridge {
        /// The new bridge's name.
        bridge: BridgeId,
        /// The leg that is recorded, and that hears music on hold.
        caller: LegId,
        /// The leg of the person at the desk.
        agent: LegId,
        /// Hold music, for `Hold` and for when the agent's media stops.
        music: ClipName,
    },
    /// The caller hears music, the agent silence; neither is recorded. → `Done`.
    Hold {
        /// The bridge.
        bridge: BridgeId,
    },
    /// Both hear each other again. → `Done`.
    Resume {
        /// The bridge.
        bridge: BridgeId,
    },
    /// Parts the two. The agent hears comfort noise, the caller the filler. → `Done`.
    Unbridge {
        /// The bridge that ends.
        bridge: BridgeId,
        /// What the caller hears from now on.
        caller_hears: Filler,
    },
    /// Takes a leg into a bridge, out of the one it is in; or gives it another role in the same one. → `Done`.
    ///
    /// A member that hears one voice gets its packets untouched, whatever others hear; one that hears several gets a mix.
    Join {
        /// The bridge.
        bridge: BridgeId,
        /// Who.
        leg: LegId,
        /// Who hears it.
        role: Role,
    },
    /// Takes a leg out of its bridge. Who stays behind alone hears the bridge's music; a bridge without a party ends. →
    /// `Done`.
    Leave {
        /// Who.
        leg: LegId,
        /// What it hears from now on.
        hears: Filler,
    },
    /// Records what a leg says (left) and hears from its bridge (right) to `<recording>.ogg` in the spool. → `Done`,
    /// later `RecordingEnded`.
    Record {
        /// The caller's leg.
        leg: LegId,
        /// The recording's name.
        recording: RecordingId,
    },
    /// Silence in both lanes from now on, for what must not be kept (card numbers). → `Done`.
    PauseRecording {
        /// The recording.
        recording: RecordingId,
    },
    /// Both lanes are recorded again. → `Done`.
    ResumeRecording {
        /// The recording.
        recording: RecordingId,
    },
    /// Ends a recording before its leg ends. → `Done`.
    StopRecording {
        /// The recording.
        recording: RecordingId,
    },
    /// Listens for keys pressed as sound too (ITU-T Q.23), or no longer; off at first. Told as `Digit`, like all keys. → `Done`.
    ListenForTones {
        /// The leg.
        leg: LegId,
        /// Whether.
        on: bool,
    },
    /// Sends key presses to the peer (RFC 4733). → `Done`.
    SendDigits {
        /// The leg.
        leg: LegId,
        /// 1 to 64 keys.
        digits: Vec<Digit>,
        /// Length of each, 40 to 6000 ms.
        tone_ms: u16,
    },
    /// Ends a leg. → `Done`, also when it has ended already.
    CloseLeg {
        /// The leg.
        leg: LegId,
    },
    /// What is alive. → `Snapshot`, one page.
    Snapshot {
        /// The last leg of the page before.
        after: Option<LegId>,
    },
    /// Everything about one leg, for people and tests. → `Described`.
    Describe {
        /// The leg.
        leg: LegId,
    },
}

/// By which servers a leg is reached. What is left out is as mediad's own configuration has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// STUN and TURN servers in place of mediad's own, best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice_servers: Option<Vec<IceServer>>,
    /// All media goes through a TURN server: no address of mediad's own is told, and nothing is sent straight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_only: Option<bool>,
}

/// A STUN or TURN server, as browsers are told of one. At most [`crate::limits::ICE_SERVERS_MAX`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` (RFC 7064, RFC 7065), each with an IP address as its host: mediad asks no name
    /// server for a single leg. At most [`crate::limits::ICE_URLS_MAX`].
    pub urls: Vec<String>,
    /// The TURN login.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Its password.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credential: String,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).field("username", &self.username).finish_non_exhaustive()
    }
}

/// What is at the other end of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// WhatsApp's media relay: ICE-lite, one address for thousands of calls.
    Meta,
    /// An agent's browser.
    Browser,
}

/// Who hears a member of a bridge. Every member hears all parties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// All members.
    Party,
    /// Nobody.
    Listener,
    /// One party only.
    Whisperer {
        /// That one.
        to: LegId,
    },
}

/// What a leg hears when nothing is played to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filler {
    /// Very soft noise: the line is open.
    Comfort,
    /// A looped clip. Its position is kept per leg, so a caller who returns to the queue hears it go on.
    Music(ClipName),
}
