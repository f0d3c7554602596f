//! Bytes to values and back: no state, no time, and no input that panics.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod demux;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod stun;
pub mod telephone_event;
pub mod turn;

/// Cuts the first `N` bytes off `bytes`.
fn split<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    Some((*head, rest))
}

#[cfg(test)]
mod tests;
