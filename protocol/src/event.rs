//! What mediad tells without being asked.

use serde::{Deserialize, Serialize};

use crate::id::{BridgeId, ClipName, Digit, LegId, RecordingId};

/// An event with its number. Numbers are gapless within an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// 1, 2, 3 … since mediad started.
    pub seq: u64,
    /// Milliseconds since 1970, by mediad's clock.
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
}

/// Everything mediad may tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// ICE and DTLS are up, keys are agreed. Told again after a restart has come up.
    LegConnected {
        /// The leg.
        leg: LegId,
    },
    /// The first authenticated RTP packet came in.
    LegHeard {
        /// The leg.
        leg: LegId,
    },
    /// The leg is gone, and its name is free.
    LegEnded {
        /// The leg.
        leg: LegId,
        /// Why.
        why: LegEnd,
    },
    /// A key was pressed: once per press, whatever the network did to its packets.
    Digit {
        /// Who pressed.
        leg: LegId,
        /// Which key.
        digit: Digit,
    },
    /// A clip is over.
    PlayEnded {
        /// Who heard it.
        leg: LegId,
        /// Which clip.
        clip: ClipName,
        /// Why.
        why: PlayEnd,
    },
    /// No authenticated packet from any party but the caller for 5 s: the caller hears music already.
    AgentSilent {
        /// The bridge.
        bridge: BridgeId,
    },
    /// The agent's packets are back and the two hear each other again.
    AgentBack {
        /// The bridge.
        bridge: BridgeId,
    },
    /// A bridge ended because one of its legs did, or because its last party left it.
    BridgeEnded {
        /// The bridge.
        bridge: BridgeId,
    },
    /// A recording is complete in the spool, end of stream written.
    RecordingEnded {
        /// The recording.
        recording: RecordingId,
        /// Why.
        why: RecordingEnd,
        /// Its length in milliseconds.
        duration_ms: u64,
        /// Its size in bytes.
        bytes: u64,
    },
    /// The disk does not take a recording. The call does not notice; what can be kept in memory is written later.
    RecordingStuck {
        /// The recording.
        recording: RecordingId,
        /// Why.
        why: Stuck,
    },
    /// The disk takes a recording again.
    RecordingGoesOn {
        /// The recording.
        recording: RecordingId,
        /// What had no room in memory and is silence in the file, in milliseconds.
        lost_ms: u64,
    },
    /// The TURN server a leg speaks through is lost. Another is looked for as long as the leg needs one.
    RelayLost {
        /// The leg.
        leg: LegId,
        /// The server's name and address.
        server: String,
        /// Why, in words.
        why: String,
    },
    /// Another TURN server took the place of one that was lost.
    RelayBack {
        /// The leg.
        leg: LegId,
        /// The server's name and address.
        server: String,
    },
    /// Every 5 s while the leg carries media.
    Quality {
        /// The leg.
        leg: LegId,
        /// Packets lost of those expected in the interval, 0 to 1, of what the peer sent us.
        loss: f32,
        /// Interarrival jitter of what the peer sent us, in milliseconds (RFC 3550 §6.4.1).
        jitter_ms: f32,
        /// Round trip to the peer in milliseconds; `null` until a report has come back.
        rtt_ms: Option<f32>,
        /// The loss the peer reports of what we sent, 0 to 1; `null` until a report has come.
        far_loss: Option<f32>,
        /// How what the peer sends sounds, as a mean opinion score of 1 to 4.5 (E-model, ITU-T G.107), by this leg alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mos: Option<f32>,
        /// How what we send sounds to the peer; not there until a report has come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        far_mos: Option<f32>,
    },
    /// A leg's media is stuck: told once, within 5 s, long before the peer gives up.
    HopBroken {
        /// The leg.
        leg: LegId,
        /// Where.
        hop: Hop,
    },
    /// It goes on.
    HopMended {
        /// The leg.
        leg: LegId,
        /// Where it was stuck.
        hop: Hop,
    },
}

/// Why a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegEnd {
    /// controld asked.
    Closed,
    /// No candidate pair answered within 20 s.
    IceFailed,
    /// The peer stopped answering: consent expired (RFC 7675).
    ConsentLost,
    /// The handshake failed or took over 15 s.
    DtlsFailed,
    /// The peer's certificate is not the one its description named.
    WrongFingerprint,
    /// The peer closed DTLS.
    PeerClosed,
    /// The life given at its opening is over.
    LifeOver,
    /// controld was away too long (`orphan_after`) and the leg was in no bridge.
    Orphaned,
    /// A defect of ours; this leg only.
    Defect,
}

/// The last hop of a leg's media that is there, and the next, that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// No candidate pair has answered a check.
    NoStunAnswer,
    /// A pair is there, the handshake is not through.
    StunButNoDtls,
    /// Keys are there, nothing comes from the peer though it is to be heard.
    DtlsButNoRtp,
    /// Packets come, and none can be authenticated.
    RtpButNotDecryptable,
    /// Voice packets come, and all of them are silence.
    RtpButSilent,
}

/// Why a clip ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlayEnd {
    /// It was played to its end.
    Finished,
    /// A digit stopped it.
    Digit,
    /// Another command took its place.
    Replaced,
}

/// Why the disk does not take a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stuck {
    /// No space is left.
    DiskFull,
    /// It has held the writer for over a second.
    DiskSlow,
    /// It refuses for another reason.
    DiskFailing,
}

/// Why a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingEnd {
    /// controld asked, or the leg ended.
    Finished,
    /// mediad had died; the file was closed at its last whole page.
    Salvaged,
    /// The disk refused for a minute after the end, or until mediad ended; what is there is whole.
    DiskFailed,
}
