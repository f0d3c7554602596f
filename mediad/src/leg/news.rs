//! What a leg tells of itself.

use protocol::{Hop, LegEnd};

/// Something that happened to the leg as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A way and keys are there: the first time, or after a restart.
    Connected,
    /// The first authenticated RTP packet came in.
    Heard,
    /// Its media is stuck.
    Broken(Hop),
    /// Its media goes on.
    Mended(Hop),
    /// It is over; nothing more comes from it.
    Ended(LegEnd),
}
