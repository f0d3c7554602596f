//! What a user's phone does when the business calls, and what it says.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::faults::Faults;
use super::relay::Source;

/// How a phone takes a call of the business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// From `connect` to RINGING.
    pub ring_after_ms: u64,
    /// What happens then.
    pub then: Then,
    /// From RINGING to that.
    pub after_ms: u64,
    /// The user hangs up this long after the pick-up.
    pub talk_ms: Option<u64>,
    /// What the phone says.
    pub source: SourceWord,
    /// Of `tone`.
    pub tone_hz: f32,
    /// Of `file`.
    pub file: Option<PathBuf>,
    /// What goes wrong with such a call.
    pub faults: Faults,
}

/// What a phone does after it rang.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Rings on, until somebody answers or declines through the control API, or the ring timer ends it.
    #[default]
    RingOn,
    /// The user picks up.
    Answer,
    /// The user declines: REJECTED.
    Decline,
    /// The user is on another call: REJECTED without RINGING.
    Busy,
    /// The phone is off: no RINGING, until the ring timer ends it.
    Unreachable,
}

/// The words for a scripted phone's sound.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceWord {
    /// Encoded silence.
    #[default]
    Silence,
    /// A sine.
    Tone,
    /// The sample voice.
    Speech,
    /// A sound file.
    File,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            ring_after_ms: 150,
            then: Then::default(),
            after_ms: 1000,
            talk_ms: None,
            source: SourceWord::default(),
            tone_hz: TONE_HZ,
            file: None,
            faults: Faults::default(),
        }
    }
}

impl Script {
    /// The sound it names.
    pub fn sound(&self) -> Result<Source, &'static str> {
        self.source.sound(self.tone_hz, self.file.clone())
    }
}

impl SourceWord {
    /// The sound, with what belongs to the word. Errors: `file` without one.
    pub fn sound(self, tone_hz: f32, file: Option<PathBuf>) -> Result<Source, &'static str> {
        Ok(match self {
            SourceWord::Silence => Source::Silence,
            SourceWord::Tone => Source::Tone { hz: tone_hz },
            SourceWord::Speech => Source::Speech,
            SourceWord::File => Source::File(file.ok_or("source file needs a file")?),
        })
    }
}

/// The tone of whoever names none.
pub const TONE_HZ: f32 = 440.0;
