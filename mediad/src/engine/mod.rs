//! The pure machine: one step, then drain.
