//! WhatsApp's Cloud API for calls: what it sends us, and what we ask of it.

pub mod graph;
pub mod parse;
pub mod permission;
pub mod refusal;
pub mod verify;
