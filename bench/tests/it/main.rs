//! The stand-in for Meta, held against the facts it imitates; the load callers, held against the real mediad.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed; the lint spares only test functions")]

mod business;
mod facade;
mod faults;
mod load;
mod media;
mod messages;
mod outgoing;
mod permission;
mod refusals;
mod states;
mod world;
