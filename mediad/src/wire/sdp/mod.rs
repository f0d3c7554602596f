//! Session descriptions of one audio leg: read with bounds and reasons, written exactly as design D1 and D3 say.

mod read;
mod write;

use std::net::SocketAddr;

pub use read::{parse_answer, parse_offer};
pub use write::{write_answer, write_offer};

/// What the peer's description says, of the one audio section we use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The peer's ICE user fragment, 4..=256 characters.
    pub ice_ufrag: String,
    /// The peer's ICE password, 22..=256 characters.
    pub ice_pwd: String,
    /// The peer is ICE-lite: it answers checks and makes none.
    pub ice_lite: bool,
    /// UDP candidates of component 1 with a literal address, at most [`CANDIDATES_MAX`], in the order they came.
    pub candidates: Vec<Candidate>,
    /// SHA-256 of the peer's certificate.
    pub fingerprint: [u8; 32],
    /// The DTLS role the peer asks for.
    pub setup: Setup,
    /// The name of the audio section.
    pub mid: Option<String>,
    /// The audio section is in a BUNDLE group.
    pub bundle: bool,
    /// Always true: a description without `a=rtcp-mux` is an error.
    pub rtcp_mux: bool,
    /// The payload type of `opus/48000/2`.
    pub opus_pt: u8,
    /// The payload types of telephone-event at 8,000 and 48,000 Hz, in the order of the m-line.
    pub dtmf: Vec<Dtmf>,
    /// The first source the peer announces.
    pub ssrc: Option<u32>,
    /// What the peer wants to send and hear, seen from the peer.
    pub direction: Direction,
    /// Every section of the description, for the answer to mirror.
    pub(super) sections: Vec<Section>,
}

impl Remote {
    /// The clock of a telephone-event payload type, in Hz.
    pub fn dtmf_clock_hz(&self, payload_type: u8) -> Option<u32> {
        self.dtmf.iter().find(|dtmf| dtmf.pt == payload_type).map(|dtmf| dtmf.clock_hz)
    }
}

/// A place at which the peer may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub addr: SocketAddr,
    /// Higher is better.
    pub priority: u32,
    /// How the peer came by it.
    pub kind: CandidateKind,
    /// Candidates of one foundation share their fate.
    pub foundation: String,
    /// Always 1.
    pub component: u16,
}

/// How a candidate was found (RFC 8445 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// An interface's own address.
    Host,
    /// Seen by a STUN server.
    ServerReflexive,
    /// Seen by the other side.
    PeerReflexive,
    /// An allocation on a TURN server.
    Relayed,
}

/// One telephone-event payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtmf {
    /// Payload type.
    pub pt: u8,
    /// Ticks of its durations per second: 8,000 or 48,000.
    pub clock_hz: u32,
}

/// `a=setup` (RFC 4145 §4, RFC 5763 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setup {
    /// Either role; offers only.
    Actpass,
    /// The DTLS client.
    Active,
    /// The DTLS server.
    Passive,
}

impl Setup {
    /// What we answer to it: `active` wherever the choice is ours.
    pub fn answer(self) -> Setup {
        match self {
            Setup::Actpass | Setup::Passive => Setup::Active,
            Setup::Active => Setup::Passive,
        }
    }
}

/// Which way sound flows, seen from whoever says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// Out only.
    SendOnly,
    /// In only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The same seen from the other side.
    pub fn mirrored(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            same => same,
        }
    }
}

/// What we say of ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Our ICE user fragment.
    pub ice_ufrag: String,
    /// Our ICE password.
    pub ice_pwd: String,
    /// Where we can be reached, best first; they become host candidates.
    pub candidates: Vec<SocketAddr>,
    /// Where STUN servers see us, if that is elsewhere.
    pub reflexive: Vec<SocketAddr>,
    /// Addresses held for us by TURN servers.
    pub relayed: Vec<SocketAddr>,
    /// SHA-256 of our certificate.
    pub fingerprint: [u8; 32],
    /// In an offer what we ask for; an answer takes [`Setup::answer`] of the offer's and ignores this.
    pub setup: Setup,
    /// Our one source, for the life of the leg.
    pub ssrc: u32,
    /// The name of our source in RTCP.
    pub cname: String,
    /// `o=`: the same for the life of the leg.
    pub session_id: u64,
    /// `o=`: one more for each description of the leg.
    pub session_version: u64,
}

/// One m-line as the answer must mirror it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) media: String,
    pub(super) proto: String,
    pub(super) first_format: String,
    pub(super) mid: Option<String>,
    pub(super) ours: bool,
}

/// Why a description is refused. Each sentence names the line, or the line that is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// More than [`protocol::limits::SDP_BYTES_MAX`] bytes.
    #[error("sdp has {0} bytes, more than 16384")]
    TooLong(usize),
    /// More than [`SECTIONS_MAX`] m-lines.
    #[error("sdp has {0} m-lines, more than 16")]
    TooManySections(usize),
    /// An m-line with more than [`FORMATS_MAX`] payload types.
    #[error("sdp line `{0}` names more than 64 payload types")]
    TooManyFormats(String),
    /// A line is not SDP.
    #[error("sdp is malformed: {0}")]
    Malformed(String),
    /// No audio section over UDP/TLS/RTP/SAVPF or SAVP.
    #[error("sdp has no usable m=audio line")]
    NoAudio,
    /// Keys in the description instead of DTLS.
    #[error("sdp line `{0}` asks for sdes keys, which are refused")]
    Sdes(String),
    /// A line that must be there is not.
    #[error("sdp has no {0} line")]
    Missing(&'static str),
    /// A line is there and makes no sense.
    #[error("sdp line `{0}` is not valid: {1}")]
    Invalid(String, &'static str),
    /// No `opus/48000/2` among the payload types of the m-line.
    #[error("sdp line `{0}` has no opus/48000/2")]
    NoOpus(String),
}

/// The priority of our `order`-th host candidate, best first (RFC 8445 §5.1.2.1).
pub fn host_priority(order: usize) -> u32 {
    priority(HOST_PREFERENCE, order)
}

/// The priority of our `order`-th server-reflexive candidate.
pub fn reflexive_priority(order: usize) -> u32 {
    priority(REFLEXIVE_PREFERENCE, order)
}

/// The priority of our `order`-th relayed candidate.
pub fn relayed_priority(order: usize) -> u32 {
    priority(RELAYED_PREFERENCE, order)
}

/// The priority the peer would give our candidate of this priority if it learnt it from a check (RFC 8445 §7.1.1).
pub fn peer_reflexive_priority(priority: u32) -> u32 {
    (PEER_REFLEXIVE_PREFERENCE << 24) | (priority & 0x00ff_ffff)
}

fn priority(preference: u32, order: usize) -> u32 {
    let local = u16::MAX.saturating_sub(u16::try_from(order).unwrap_or(u16::MAX));
    (preference << 24) | (u32::from(local) << 8) | 255
}

const HOST_PREFERENCE: u32 = 126;
const PEER_REFLEXIVE_PREFERENCE: u32 = 110;
const REFLEXIVE_PREFERENCE: u32 = 100;
const RELAYED_PREFERENCE: u32 = 0;
/// Candidates kept of one description.
pub const CANDIDATES_MAX: usize = 32;
/// m-lines of one description.
pub const SECTIONS_MAX: usize = 16;
/// Payload types of one m-line.
pub const FORMATS_MAX: usize = 64;

#[cfg(test)]
mod tests;
