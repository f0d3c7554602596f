//! Our descriptions, line by line.

use super::{Local, Remote};

/// The answer to `remote`: Opus and telephone-event with the offer's payload types, and nothing else.
pub fn write_answer(_local: &Local, _remote: &Remote) -> String {
    String::new()
}

/// Our offer: Opus as 111, telephone-event/8000 as 126.
pub fn write_offer(_local: &Local) -> String {
    String::new()
}
