//! What mediad answers.

use serde::{Deserialize, Serialize};

use crate::event::Numbered;
use crate::snapshot::{LegDescription, Snapshot};

/// A line mediad sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FromMediad {
    /// The answer to `Hello`.
    Welcome {
        /// Version, epoch, replay.
        welcome: Welcome,
    },
    /// A command was carried out.
    Ok {
        /// The command's number.
        re: u64,
        /// Its answer.
        ok: Reply,
    },
    /// A command was refused; nothing has changed.
    Err {
        /// The command's number.
        re: u64,
        /// Why, for programs and people.
        err: Refusal,
    },
    /// Something happened.
    Event(Numbered),
    /// The connection closes, and this is why: wrong version, mangled frame, too many connections.
    Bye {
        /// One sentence.
        bye: String,
    },
}

/// The answer to `Hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// mediad's version.
    pub version: u32,
    /// Changes with every start of mediad; event numbers mean something only within one.
    pub epoch: String,
    /// The number the next new event will carry.
    pub next_seq: u64,
    /// Whether what the speaker missed follows.
    pub replay: Replay,
}

/// What happens to the events a returning controld has missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// All of them follow this line.
    Complete,
    /// Another epoch, or the ring has lapped: ask for a `Snapshot`.
    Lapsed,
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Nothing to add.
    Done,
    /// Our answer to the peer's offer.
    LegOpened {
        /// Session description.
        answer: String,
    },
    /// Our offer.
    LegOffered {
        /// Session description.
        offer: String,
    },
    /// A page of what is alive.
    Snapshot(Snapshot),
    /// Everything about one leg.
    Described(Box<LegDescription>),
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// For programs.
    pub code: ErrorCode,
    /// One sentence for people: what failed and for which name.
    pub why: String,
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// No such leg.
    UnknownLeg,
    /// No such bridge.
    UnknownBridge,
    /// No such recording.
    UnknownRecording,
    /// The name is taken by something that is alive.
    NameTaken,
    /// The session description cannot be used; the sentence says which line.
    BadSdp,
    /// The clip is missing or is not a prepared clip.
    BadClip,
    /// A value outside its limits.
    BadValue,
    /// The command does not fit the state: playing to a bridged leg, answering a leg that did not offer.
    WrongState,
    /// Every port is taken towards this next hop.
    NoPort,
    /// The leg may speak through a relay only, and no TURN server granted an address.
    NoRelay,
    /// mediad is at its limit of legs or late with its work.
    Busy,
}
