//! The media server: it owns the UDP ports, the legs, the bridges, the players and the recorder, and knows nothing else.
//!
//! Six floors, top to bottom: `shell` touches the world, `engine` is one pure machine, `bridge` knows who hears
//! whom, `leg` is one peer, `wire` turns bytes into values, `base` holds tools. A floor imports only floors below.

pub mod base;
pub mod bridge;
pub mod engine;
pub mod leg;
pub mod shell;
pub mod wire;

#[cfg(test)]
mod world;
