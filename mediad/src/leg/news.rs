//! What a leg tells of itself.

use protocol::{Hop, LegEnd};

use super::relay::TurnServer;
use super::turn::Loss;

/// Something that happened to the leg as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A way and keys are there: the first time, or after a restart.
    Connected,
    /// The first authenticated RTP packet came in.
    Heard,
    /// Its media is stuck.
    Broken(Hop),
    /// Its media goes on.
    Mended(Hop),
    /// It wants a port towards this server: [`super::Leg::relay_by`].
    RelayWanted(TurnServer),
    /// A TURN server is lost or refused; its port is free again.
    RelayLost {
        /// Which.
        server: String,
        /// Why.
        why: Loss,
        /// It had granted an address.
        was_up: bool,
    },
    /// Another took its place.
    RelayBack(String),
    /// Its description can be written.
    Gathered,
    /// It is over; nothing more comes from it.
    Ended(LegEnd),
}
