//! The whole house, as its users meet it: real daemons, real sockets, peers we did not write. One module a behaviour.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed; the lint spares only test functions")]

mod a_flow_is_drawn_published_and_called;
mod an_agent_calls_a_contact;
mod daemons_killed_mid_call;
mod pion_calls_and_aiortc_answers;
mod recordings;
mod tidy;
mod two_browsers_hold_a_call;
mod two_commands;
