//! The call log.
