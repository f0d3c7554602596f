//! The load harness, and the stand-in for Meta that tests, load runs and the demo share.

pub mod bare;
pub mod callers;
pub mod cli;
pub mod meta;
pub mod run;
pub mod scenario;
pub mod server;
