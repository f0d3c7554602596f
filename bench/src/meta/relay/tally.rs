//! What the relay counted on one call, shared with the exchange and shown by the control API.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use super::heard::Heard;
use crate::meta::call::Media;
use crate::meta::exchange::lock;

/// The exchange's grip on one call of the relay.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The relay's own number of the call.
    pub key: u64,
    /// `AA:BB:…`, SHA-256 of the certificate for this call.
    pub fingerprint: String,
    /// The SDP for the browser, if one dialled.
    pub browser_answer: Option<String>,
    /// Counters.
    pub counts: Arc<Mutex<Counts>>,
    /// What a scripted phone hears.
    pub heard: Option<Arc<Mutex<Heard>>>,
}

/// Everything that is counted.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// RTP from the business, authenticated.
    pub rtp_in: u64,
    /// RTP to the business.
    pub rtp_out: u64,
    /// RTCP from the business, authenticated.
    pub rtcp_in: u64,
    /// RTP from the business before `accept`.
    pub early: u64,
    /// What looked like RTP from the business before it was opened.
    pub seen: u64,
    /// SSRCs the business used.
    pub ssrcs: Vec<u32>,
    /// Payload types the business used that were never offered.
    pub strange_types: Vec<u8>,
    /// Telephone-event packets from the business.
    pub keys_in: u64,
    /// The longest time between two RTP packets of the business since the first, in ms.
    pub gap_ms_max: u64,
    /// Sequence numbers of the business that never came.
    pub lost: u64,
    /// Keys sent to the business.
    pub keys_out: u64,
    /// First RTP of the business.
    pub first_rtp: Option<Instant>,
    /// Last RTP of the business.
    pub last_rtp: Option<Instant>,
    /// Last RTP or RTCP of the business.
    pub life: Option<Instant>,
    /// A valid check came from the business.
    pub ice: Option<Instant>,
    /// DTLS with the business is up.
    pub dtls: Option<Instant>,
    /// The business's current address.
    pub address: Option<std::net::SocketAddr>,
    /// Times another call's check took this call's address.
    pub address_taken: u64,
    /// Checks in which the business said it is controlled.
    pub controlled: u64,
    /// The browser's side: DTLS up, RTP in, RTP out.
    pub browser: Option<(bool, u64, u64)>,
    /// What the media library complained about last.
    pub trouble: Option<String>,
}

impl Ticket {
    /// What the state machine wants to know.
    pub fn media(&self) -> Media {
        let counts = lock(&self.counts);
        Media {
            watched: true,
            early: counts.early,
            rtp: counts.rtp_in,
            life: counts.life,
            ssrcs: counts.ssrcs.len(),
            strange_type: counts.strange_types.first().copied(),
            controlled: counts.controlled > 0,
        }
    }

    /// For the control API; times count from `born`.
    pub fn view(&self, born: Instant, now: Instant) -> Value {
        let counts = lock(&self.counts).clone();
        let since = |at: Option<Instant>| at.map(|at| ms(born, at));
        json!({
            "rtp_in": counts.rtp_in,
            "rtp_out": counts.rtp_out,
            "rtcp_in": counts.rtcp_in,
            "early_rtp": counts.early,
            "refused": counts.seen.saturating_sub(counts.rtp_in),
            "ssrcs_in": counts.ssrcs,
            "strange_types": counts.strange_types,
            "keys_in": counts.keys_in,
            "keys_out": counts.keys_out,
            "lost": counts.lost,
            "gap_ms_max": counts.gap_ms_max,
            "first_rtp_in_ms": since(counts.first_rtp),
            "last_rtp_in_ms": since(counts.last_rtp),
            "silent_for_ms": counts.life.map(|life| ms(life, now)),
            "ice_ms": since(counts.ice),
            "dtls_ms": since(counts.dtls),
            "address": counts.address,
            "address_taken": counts.address_taken,
            "controlled_checks": counts.controlled,
            "browser": counts.browser.map(|(up, rtp_in, rtp_out)| json!({"connected": up, "rtp_in": rtp_in, "rtp_out": rtp_out})),
            "trouble": counts.trouble,
            "heard": self.heard.as_ref().map(|heard| lock(heard).view()),
        })
    }

    /// An Ogg Opus file of what the scripted phone heard since `accept`.
    pub fn heard(&self) -> Option<Vec<u8>> {
        self.heard.as_ref().map(|heard| lock(heard).ogg())
    }

    /// The same, decoded on the clock: a WAV of 48 kHz mono.
    pub fn heard_wav(&self) -> Option<Vec<u8>> {
        self.heard.as_ref().and_then(|heard| lock(heard).wav())
    }
}

fn ms(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}
