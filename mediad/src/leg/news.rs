//! What a leg tells of itself.

use protocol::LegEnd;

/// Something that happened to the leg as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A way and keys are there: the first time, or after a restart.
    Connected,
    /// The first authenticated RTP packet came in.
    Heard,
    /// It is over; nothing more comes from it.
    Ended(LegEnd),
}
