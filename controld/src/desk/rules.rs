//! The desk's waits and sounds. Every number that decides how long somebody waits stands here.

use std::net::IpAddr;

use crate::outside::mediad::{ClipName, limits};

/// Waits, in milliseconds. The defaults are the product's; tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A caller waits this long for an agent, unless the organisation says otherwise.
    pub transfer_timeout_ms: u64,
    /// Longest call.
    pub max_call_ms: u64,
    /// A soft tone sounds this long before the longest call is ended.
    pub warning_ms: u64,
    /// Conversations are recorded, where the organisation wants it.
    pub recording: bool,
    /// `accept` waits this long for ICE and DTLS to come up, so that the first word is not clipped.
    pub connect_wait_ms: u64,
    /// Meta gives 30 to 60 s to accept; a connect older than this is answered no more.
    pub accept_window_ms: u64,
    /// A connect whose timestamp is older than this is a ghost.
    pub stale_ms: u64,
    /// A lost agent has this long to come back before the caller returns to the queue.
    pub agent_lost_ms: u64,
    /// An agent without a tab and without a call goes offline after this.
    pub tab_gone_ms: u64,
    /// A leg of mediad that belongs to no call is closed after this.
    pub foreign_leg_ms: u64,
    /// A call that an agent places rings this long.
    pub dial_ms: u64,
    /// Strategies that ring one after the other ring the next agent after this.
    pub next_ring_ms: u64,
    /// Hosts on the operator's own premises that flows may ask, `host` or `host:port`.
    pub vouched_hosts: Vec<String>,
    /// Ports that flows may ask beside 80 and 443.
    pub callback_ports: Vec<u16>,
    /// Calls of one organisation that may be on their way to being answered at once.
    pub arriving_max: i64,
    /// This machine's public addresses: no flow has business there.
    pub own: Vec<IpAddr>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            transfer_timeout_ms: 120_000,
            max_call_ms: 3_600_000,
            warning_ms: 60_000,
            recording: true,
            connect_wait_ms: 2_000,
            accept_window_ms: 30_000,
            stale_ms: 60_000,
            agent_lost_ms: 20_000,
            tab_gone_ms: 20_000,
            foreign_leg_ms: 10_000,
            dial_ms: 60_000,
            next_ring_ms: 12_000,
            vouched_hosts: Vec::new(),
            callback_ports: Vec::new(),
            arriving_max: 200,
            own: Vec::new(),
        }
    }
}

impl Rules {
    /// The life mediad gives the caller's leg: a little longer than ours, so that the desk ends a call in words.
    pub(super) fn caller_life_secs(&self) -> u32 {
        let secs = u32::try_from(self.max_call_ms / 1_000).unwrap_or(u32::MAX).saturating_add(LIFE_SLACK_SECS);
        secs.min(limits::LIFE_SECS_MAX)
    }
}

/// The sounds of the house, below mediad's audio folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sounds {
    /// Hold music, unless the organisation has its own.
    pub hold_music: ClipName,
    /// What an agent hears while it rings at a contact's, unless the organisation has its own.
    pub ringback: ClipName,
    /// Before a call is ended for its length.
    pub warning: ClipName,
    /// "Nobody is free right now."
    pub nobody_free: ClipName,
    /// "We are sorry": before a call is ended for a fault of ours.
    pub apology: ClipName,
}

impl Sounds {
    /// The shipped clips with this hold music; a name that cannot be a clip falls back to the shipped one.
    pub fn with_music(hold_music: &str) -> Option<Self> {
        let clip = |name: &str| ClipName::new(name).ok();
        Some(Self {
            hold_music: clip(hold_music).or_else(|| clip(HOLD_MUSIC))?,
            ringback: clip(RINGBACK)?,
            warning: clip(WARNING)?,
            nobody_free: clip(NOBODY_FREE)?,
            apology: clip(APOLOGY)?,
        })
    }
}

const HOLD_MUSIC: &str = "hold-music.ogg";
const RINGBACK: &str = "ringback.ogg";
const WARNING: &str = "warning.ogg";
const NOBODY_FREE: &str = "demo/nobody-free.ogg";
const APOLOGY: &str = "demo/apology.ogg";
const LIFE_SLACK_SECS: u32 = 30;
