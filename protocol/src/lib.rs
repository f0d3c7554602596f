//! The words mediad and controld share: commands down, replies and events up. No IO.
//!
//! One message is one line of JSON, so a person can hold the conversation with `socat`:
//!
//! ```text
//! > {"hello":{"version":1,"who":"me","seen":null}}
//! < {"welcome":{"version":1,"epoch":"0192f0c4","next_seq":1,"replay":"complete"}}
//! > {"id":1,"do":{"describe":{"leg":"leg-7"}}}
//! < {"re":1,"err":{"code":"unknown_leg","why":"no leg is called leg-7"}}
//! ```
//!
//! Who ends whom: a call's end closes its legs; a leg's end ends its player, its recording and the bridge
//! it is in, unless two parties and the caller are still in it; a bridge's end leaves its legs alive, each on its own
//! filler. Nothing else ends anything.

pub mod command;
pub mod event;
pub mod frame;
pub mod id;
pub mod limits;
pub mod overlay;
pub mod reply;
pub mod snapshot;

pub use command::{Command, Filler, Hello, IceServer, Peer, Reach, Request, Role, ToMediad};
pub use event::{Event, Hop, LegEnd, Numbered, PlayEnd, RecordingEnd, Stuck};
pub use frame::{FrameError, Lines, encode};
pub use id::{BridgeId, CallId, ClipName, Digit, LegId, RecordingId};
pub use overlay::overlay;
pub use reply::{ErrorCode, FromMediad, Refusal, Replay, Reply, Welcome};
pub use snapshot::{BridgeSummary, LegDescription, LegState, LegSummary, RecordingSummary, Snapshot};

/// The version both sides must speak. It changes when a golden file changes in a way an older peer
/// cannot read; new optional fields do not count.
pub const VERSION: u32 = 1;
