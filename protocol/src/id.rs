//! Names for the things the two daemons talk about. controld chooses them, so a repeated command is harmless.

use serde::{Deserialize, Serialize};

use crate::limits::{CLIP_NAME_BYTES_MAX, ID_BYTES_MAX};

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Empty, or over the named limit of bytes.
    #[error("a name has 1 to {max} bytes, this one has {is}")]
    Length {
        /// Bytes given.
        is: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A byte outside the allowed set.
    #[error("a name holds letters, digits and - _ . only (a clip also /), not {0:?}")]
    Letter(char),
    /// A clip name that climbs out of the audio folder.
    #[error("a clip is named relative to the audio folder, without .. and without a leading /")]
    Climbs,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Takes 1 to 64 letters, digits, `-`, `_` or `.`.
            pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
                let text = text.into();
                check(&text, ID_BYTES_MAX, "-_.")?;
                Ok(Self(text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The business fact a leg belongs to. mediad only repeats it in logs and snapshots.
    CallId
);
name!(
    /// One peer's media.
    LegId
);
name!(
    /// Who hears whom.
    BridgeId
);
name!(
    /// One recording; its file in the spool is `<id>.ogg`.
    RecordingId
);

/// A prepared sound: a path relative to mediad's audio folder, such as `demo/welcome.ogg`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClipName(String);

impl ClipName {
    /// Takes 1 to 200 letters, digits, `-`, `_`, `.` or `/`, staying inside the folder.
    pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
        let text = text.into();
        check(&text, CLIP_NAME_BYTES_MAX, "-_./")?;
        if text.starts_with('/') || text.split('/').any(|part| part == ".." || part.is_empty()) {
            return Err(BadName::Climbs);
        }
        Ok(Self(text))
    }

    /// The relative path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClipName {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl From<ClipName> for String {
    fn from(name: ClipName) -> String {
        name.0
    }
}

impl std::fmt::Display for ClipName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One key of a telephone keypad: `0`–`9`, `*`, `#`, `A`–`D` (RFC 4733 events 0 to 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Digit(u8);

impl Digit {
    /// The key with this RFC 4733 event number, if it is one of the sixteen keys.
    pub fn from_event(event: u8) -> Option<Self> {
        (event < 16).then_some(Self(event))
    }

    /// The RFC 4733 event number, 0 to 15.
    pub fn event(self) -> u8 {
        self.0
    }

    /// The character on the key.
    pub fn as_char(self) -> char {
        char::from(*KEYS.get(usize::from(self.0)).unwrap_or(&b'?'))
    }
}

impl TryFrom<char> for Digit {
    type Error = BadName;
    fn try_from(key: char) -> Result<Self, BadName> {
        let upper = key.to_ascii_uppercase();
        KEYS.iter()
            .position(|k| char::from(*k) == upper)
            .and_then(|at| u8::try_from(at).ok())
            .map(Self)
            .ok_or(BadName::Letter(key))
    }
}

impl From<Digit> for char {
    fn from(digit: Digit) -> char {
        digit.as_char()
    }
}

impl std::fmt::Display for Digit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

fn check(text: &str, max: usize, also: &str) -> Result<(), BadName> {
    if text.is_empty() || text.len() > max {
        return Err(BadName::Length { is: text.len(), max });
    }
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !also.contains(*c)) {
        Some(letter) => Err(BadName::Letter(letter)),
        None => Ok(()),
    }
}

const KEYS: &[u8; 16] = b"0123456789*#ABCD";
