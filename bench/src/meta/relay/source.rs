//! What a scripted phone says: 20 ms Opus packets, made once and looped.

use std::path::PathBuf;
use std::sync::Arc;

use audio::limits::{FRAME_SAMPLES, Limits};
use audio::opus::{Preset, encode_all};
use audio::pcm::Pcm;

/// Where a scripted phone's sound comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Encoded silence, as a muted phone sends it.
    Silence,
    /// A sine of this frequency at -20 dBFS.
    Tone {
        /// In Hz.
        hz: f32,
    },
    /// The sample voice.
    Speech,
    /// Any sound file that Patchbay can read.
    File(PathBuf),
}

/// Packets to be sent one each 20 ms, over and over.
#[derive(Debug, Clone)]
pub struct Frames(Arc<[Arc<[u8]>]>);

impl Frames {
    /// Reads, decodes and encodes; takes milliseconds, or a file's length of work. Not for the relay's thread.
    pub fn of(source: &Source) -> Result<Frames, String> {
        let pcm = match source {
            Source::Silence => Pcm::silence(200),
            Source::Tone { hz } => Pcm::tone(*hz, TONE_DBFS, TONE_MS),
            Source::Speech => decode(SAMPLE_VOICE)?,
            Source::File(path) => {
                let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                decode(&bytes)?
            }
        };
        let mut samples = pcm.samples;
        samples.resize(samples.len().next_multiple_of(FRAME_SAMPLES).max(FRAME_SAMPLES), 0.0);
        let packets = encode_all(Preset::Live, &samples).map_err(|error| error.to_string())?;
        Ok(Frames(packets.into_iter().map(Arc::from).collect()))
    }

    /// The packet of the `turn`-th slot.
    pub fn packet(&self, turn: usize) -> Option<Arc<[u8]>> {
        self.0.get(turn % self.0.len().max(1)).cloned()
    }
}

fn decode(bytes: &[u8]) -> Result<Pcm, String> {
    audio::decode::decode(bytes, &Limits::UPLOAD).map_err(|error| error.to_string())
}

/// A person reading a few sentences; see `assets/SOURCES.md`.
pub const SAMPLE_VOICE: &[u8] = include_bytes!("../../../assets/sample-voice.ogg");
const TONE_DBFS: f32 = -20.0;
/// Whole periods of every tone of a multiple of 5 Hz.
const TONE_MS: u32 = 2_000;
