//! The wall clock, read in one place so that everything below the edges takes time as an argument.

use super::Millis;

/// Milliseconds since 1970, UTC.
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
