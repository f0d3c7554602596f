//! The real binary under strangers' bytes and a person's commands.
