//! The conversation as bytes: one golden file a message, and the framing under bad input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed; the lint spares only test functions")]

mod every_name_keeps_inside_its_limits;
mod framing;
mod golden;
