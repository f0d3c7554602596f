//! What is alive in mediad, as values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::{Peer, Role};
use crate::id::{BridgeId, CallId, ClipName, LegId, RecordingId};

/// One page of what is alive, ordered by leg name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Events up to and including this number are in the page.
    pub seq: u64,
    /// At most 40.
    pub legs: Vec<LegSummary>,
    /// Ask again after this leg, if set.
    pub next: Option<LegId>,
    /// Those whose first member is on this page.
    pub bridges: Vec<BridgeSummary>,
    /// Those that tap a leg on this page.
    pub recordings: Vec<RecordingSummary>,
    /// Legs that may still be opened towards the most crowded next hop.
    pub ports_free: u32,
}

/// One leg in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegSummary {
    /// The leg.
    pub leg: LegId,
    /// Its call.
    pub call: CallId,
    /// What is at the other end.
    pub peer: Peer,
    /// How far it has come.
    pub state: LegState,
    /// RTP may leave.
    pub gate_open: bool,
    /// The clip it hears now, prompt or music.
    pub clip: Option<ClipName>,
    /// The bridge it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<BridgeId>,
    /// Who hears it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// How far a leg has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// We offered; no answer yet.
    Offered,
    /// Looking for a path.
    Checking,
    /// A path is there, keys are being agreed.
    Handshaking,
    /// Keys agreed.
    Connected,
}

/// One bridge in a snapshot: on the page of its first member. Who is in it, each leg says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeSummary {
    /// The bridge.
    pub bridge: BridgeId,
    /// The caller's leg, as the bridge was made.
    pub caller: LegId,
    /// The agent's leg, as the bridge was made.
    pub agent: LegId,
    /// On hold by command.
    pub on_hold: bool,
    /// On hold by itself, because the media of all but the caller stopped.
    pub agent_silent: bool,
}

/// One recording in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingSummary {
    /// The recording.
    pub recording: RecordingId,
    /// The leg it taps.
    pub leg: LegId,
    /// Length so far in milliseconds.
    pub duration_ms: u64,
    /// Silence is recorded, by command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// Everything about one leg. Tests assert on it and `callctl` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegDescription {
    /// As in a snapshot.
    pub summary: LegSummary,
    /// Our address and the peer's, of the nominated pair.
    pub pair: Option<(String, String)>,
    /// `aes_cm_128_hmac_sha1_80`, `aead_aes_128_gcm` or `aead_aes_256_gcm`.
    pub srtp_profile: Option<String>,
    /// `client` or `server`.
    pub dtls_role: String,
    /// The one SSRC we send with.
    pub ssrc: u32,
    /// RTP packets sent.
    pub sent_packets: u64,
    /// RTP packets received and authenticated.
    pub received_packets: u64,
    /// The bridge it is in.
    pub bridge: Option<BridgeId>,
    /// Datagrams dropped, by reason.
    pub drops: BTreeMap<String, u64>,
}
