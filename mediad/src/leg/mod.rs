//! One peer: datagrams in, frames out.

pub mod dtls;
pub mod ice;
pub mod srtp;
