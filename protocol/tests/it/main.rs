//! The conversation as bytes: one golden file a message, and the framing under bad input.

mod every_name_keeps_inside_its_limits;
mod framing;
mod golden;
