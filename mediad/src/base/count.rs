//! Counters: why a stranger's bytes were dropped, and how much work was done.

use std::collections::BTreeMap;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Why a datagram was dropped. Dropping is never logged, only counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum DropReason {
            $($(#[$doc])* $name),*
        }

        impl DropReason {
            /// Every reason, in the order of the counters.
            pub const ALL: [DropReason; [$($text),*].len()] = [$(DropReason::$name),*];

            /// The name in descriptions and metrics.
            pub fn name(self) -> &'static str {
                match self {
                    $(DropReason::$name => $text),*
                }
            }
        }
    };
}

reasons! {
    /// RFC 7983 knows no such first byte, or the datagram is empty.
    UnknownKind = "unknown_kind",
    /// Over 1500 bytes.
    TooLong = "too_long",
    /// From an address no leg has proven.
    UnknownSource = "unknown_source",
    /// STUN that no leg can be meant by.
    StunStranger = "stun_stranger",
    /// STUN that a leg refused: no or wrong integrity, unknown transaction, malformed.
    StunRefused = "stun_refused",
    /// From a TURN server, and neither an answer of it nor a peer's packet.
    TurnRefused = "turn_refused",
    /// Straight from a peer, to a leg that speaks through a relay only.
    NotRelayed = "not_relayed",
    /// Straight to a peer, from a leg that speaks through a relay only: a defect of ours that the last gate held.
    RelayLeak = "relay_leak",
    /// DTLS or media from an address whose checks this leg has not seen succeed.
    NotValidated = "not_validated",
    /// DTLS the handshake refused.
    DtlsRefused = "dtls_refused",
    /// Handshake datagrams over what one turn may cost, and over the room to keep them.
    DtlsBusy = "dtls_busy",
    /// Media before keys were agreed.
    NoKeys = "no_keys",
    /// Media that is no RTP or RTCP by its own header.
    BadHeader = "bad_header",
    /// SRTP or SRTCP whose tag is wrong.
    AuthFailed = "auth_failed",
    /// SRTP or SRTCP seen before, or too old to tell.
    Replayed = "replayed",
    /// More SSRCs than a leg may have.
    TooManySsrcs = "too_many_ssrcs",
    /// More packets in a second than one peer may send.
    Flood = "flood",
    /// A payload type that was not agreed.
    UnknownPayload = "unknown_payload",
    /// An authenticated payload that breaks its own format.
    BadPayload = "bad_payload",
    /// Came too late to be forwarded in order.
    TooLate = "too_late",
    /// Authentic, but the gate of its hearer is closed or its hearer has no keys yet.
    HearerNotReady = "hearer_not_ready",
}

/// One counter a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Default for Drops {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl Drops {
    /// Counts one.
    pub fn add(&mut self, why: DropReason) {
        let cell = &mut self.0[why as usize];
        *cell = cell.saturating_add(1);
    }

    /// How many so far.
    pub fn of(&self, why: DropReason) -> u64 {
        self.0[why as usize]
    }

    /// Adds another's counts to ours.
    pub fn absorb(&mut self, other: &Drops) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours = ours.saturating_add(theirs);
        }
    }

    /// Those above zero, by name.
    pub fn named(&self) -> BTreeMap<String, u64> {
        DropReason::ALL
            .iter()
            .map(|why| (why.name().to_owned(), self.of(*why)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// Work done since the start; `shell/admin` prints it.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Datagrams taken in.
    pub datagrams_in: u64,
    /// Datagrams handed out.
    pub datagrams_out: u64,
    /// RTP packets handed from one leg, or from a mix, to another.
    pub forwarded: u64,
    /// Frames of a mix handed to an ear.
    pub mixed: u64,
    /// Mixes encoded.
    pub encoded: u64,
    /// Frames of voices made up for lost packets before they were mixed.
    pub concealed: u64,
    /// Frames of prepared sound sent.
    pub played: u64,
    /// Frames of comfort or silence sent by the sender itself.
    pub filled: u64,
    /// Legs opened.
    pub legs_opened: u64,
    /// Legs ended.
    pub legs_ended: u64,
    /// Legs ended by a defect of ours.
    pub defects: u64,
    /// Commands carried out.
    pub commands: u64,
    /// Commands refused.
    pub refusals: u64,
    /// Key presses heard.
    pub digits: u64,
    /// Recorded frames that had to be decoded and encoded again.
    pub transcoded: u64,
    /// Times a TURN server was lost or refused.
    pub relays_lost: u64,
    /// Drops whose leg is unknown or gone.
    pub drops: Drops,
}
