//! Every way a call can be made to go wrong, one knob each; none is on by itself.

use serde::{Deserialize, Serialize};

/// What goes wrong with one call. In the control API: `"faults": {"duplicate": 2, "ice_pwd_padded": true}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Extra copies of every webhook of this call.
    pub duplicate: u32,
    /// Webhooks that never arrive.
    pub drop: Dropped,
    /// Delay before the `connect` webhook is posted. Of a call by the business: the SDP answer comes late; more than
    /// the script's `ring_after_ms`, and RINGING overtakes it.
    pub delay_ms: u64,
    /// Every webhook of this call is late by a random time up to this, so they overtake each other.
    pub shuffle_ms: u64,
    /// This long after the call's end all its webhooks come once more in random order, their timestamps old. Those
    /// that were dropped come for the first time.
    pub ghosts_after_ms: Option<u64>,
    /// The caller gives up at once and `terminate` overtakes `connect`.
    pub terminate_before_connect: bool,
    /// The signature is of another secret.
    pub wrong_signature: bool,
    /// The `connect` timestamp lies this far in the past.
    pub stale_secs: u64,
    /// No `contacts` in any webhook.
    pub missing_contacts: bool,
    /// A user with a username only: no `wa_id`, `from`, `to`; `from_user_id` instead.
    pub missing_phone: bool,
    /// The call's id has `+`, `/` and `=` in it: percent-encode it in the control API's paths.
    pub awkward_id: bool,
    /// Keys a client has never seen.
    pub extra_keys: bool,
    /// Keys of every object in random order.
    pub shuffled_keys: bool,
    /// `/` written as `\/` before signing.
    pub slashes_escaped: bool,
    /// On failure the error list stands in the call and beside it, as captured. Off: in the call alone.
    pub errors_doubled: bool,
    /// `Failed`/`Completed` as the guide's samples print, not `FAILED`/`COMPLETED`.
    pub status_title_case: bool,
    /// The offer, or the answer to a business's offer, as Meta's older published sample has it.
    pub old_sdp: bool,
    /// The ICE password ends in `==`.
    pub ice_pwd_padded: bool,
    /// The relay's DTLS certificate is RSA-2048, not ECDSA P-256.
    pub rsa_certificate: bool,
    /// The relay's SRTP is AEAD_AES_128_GCM, not AES_CM_128_HMAC_SHA1_80.
    pub aead: bool,
    /// The relay sends nothing until the business has sent RTP.
    pub never_send_first: bool,
    /// Graph answers this call's actions this late.
    pub graph_delay_ms: u64,
    /// `pre_accept` and `accept` are refused with 138007.
    pub connect_timeout: bool,
    /// A bad SDP is refused with 138008 instead of 100.
    pub sdp_138008: bool,
    /// RTP the relay loses on its way to the business.
    pub loss_percent: u8,
    /// The relay's DTLS role when the business offers `actpass`. An offer of `active` or `passive` decides by itself.
    pub dtls_role: DtlsRole,
    /// The business's offer may name codecs that Meta does not speak.
    pub lax_codecs: bool,
    /// A `connect` with an answer carries the deprecated `connection` beside `session`.
    pub legacy_connection: bool,
    /// `from` and `to` the wrong way round in a call by the business, as in some samples.
    pub numbers_swapped: bool,
    /// Status webhooks have `contacts`.
    pub status_contacts: bool,
    /// ACCEPTED comes this long after the pick-up; media does not wait.
    pub accepted_lag_ms: u64,
    /// The call fails with this code (138019 to 138023), `fail_after_ms` after it was placed.
    pub fail_code: Option<u32>,
    /// See `fail_code`.
    pub fail_after_ms: u64,
    /// Overrides the time the caller lets it ring. Default 45 s, scaled.
    pub ring_ms: Option<u64>,
    /// Overrides the no-media-from-the-start rule. Default 20 s, scaled.
    pub start_silence_ms: Option<u64>,
    /// Overrides the no-media-mid-call rule. Default 30 s, scaled.
    pub mid_silence_ms: Option<u64>,
}

/// Which webhooks are lost for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// All are delivered.
    #[default]
    None,
    /// `connect` is lost.
    Connect,
    /// `terminate` is lost.
    Terminate,
    /// RINGING is lost.
    Ringing,
    /// ACCEPTED is lost.
    Accepted,
    /// REJECTED is lost.
    Rejected,
    /// All are lost.
    All,
}

/// Who begins the DTLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DtlsRole {
    /// The relay, as the published answer has it.
    #[default]
    Active,
    /// The business, as the documentation's text advises.
    Passive,
}

impl Dropped {
    /// Whether the webhook of this event is lost.
    pub fn loses(self, event: &str) -> bool {
        match self {
            Dropped::None => false,
            Dropped::Connect => event == "connect",
            Dropped::Terminate => event == "terminate",
            Dropped::Ringing => event == "ringing",
            Dropped::Accepted => event == "accepted",
            Dropped::Rejected => event == "rejected",
            Dropped::All => true,
        }
    }
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            duplicate: 0,
            drop: Dropped::None,
            delay_ms: 0,
            shuffle_ms: 0,
            ghosts_after_ms: None,
            terminate_before_connect: false,
            wrong_signature: false,
            stale_secs: 0,
            missing_contacts: false,
            missing_phone: false,
            awkward_id: false,
            extra_keys: false,
            shuffled_keys: false,
            slashes_escaped: false,
            errors_doubled: true,
            status_title_case: false,
            old_sdp: false,
            ice_pwd_padded: false,
            rsa_certificate: false,
            aead: false,
            never_send_first: false,
            graph_delay_ms: 0,
            connect_timeout: false,
            sdp_138008: false,
            loss_percent: 0,
            dtls_role: DtlsRole::Active,
            lax_codecs: false,
            legacy_connection: false,
            numbers_swapped: false,
            status_contacts: false,
            accepted_lag_ms: 0,
            fail_code: None,
            fail_after_ms: 0,
            ring_ms: None,
            start_silence_ms: None,
            mid_silence_ms: None,
        }
    }
}
