//! The load callers: legs with real ICE, DTLS, SRTP and Opus, cheaper than the server they call.

pub mod figures;
pub mod handshake;
pub mod mailbox;
mod path;
pub mod sdp;
pub mod sound;
pub mod spread;
pub mod srtp;
mod street;
mod stun;
pub mod sys;
mod voice;

pub use figures::Figures;
pub use path::Kind;
pub use street::{Grounds, News, Order, Street};
