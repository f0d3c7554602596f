//! Ogg Opus files (RFC 7845): written page by page, read with limits, never with a panic.

mod head;
pub mod page;
mod read;
mod write;

pub use head::{OpusHead, OpusTags};
pub use read::{Link, ReadError, read};
pub use write::Writer;
