//! The load harness, and the stand-in for Meta that tests, load runs and the demo share.

pub mod cli;
pub mod meta;
