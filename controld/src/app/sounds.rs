//! Making clips: an upload is decoded under limits on a thread of its own, a few at once.

use std::io;
use std::path::Path;

use audio::limits::Limits;
use audio::transcode::{TranscodeError, transcode};
use tokio::sync::Semaphore;

pub use audio::transcode::Purpose;

/// Makes clips.
pub struct Sounds {
    /// An upload may take 256 MB while it is decoded; so many at once.
    turns: Semaphore,
}

/// A clip as a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Ogg Opus, packet for packet what callers hear.
    pub ogg: Vec<u8>,
    /// Length.
    pub duration_ms: u64,
    /// Loudness.
    pub lufs: f64,
}

/// Why there is no clip.
#[derive(Debug, thiserror::Error)]
pub enum NoClip {
    /// In words for the person who sent it.
    #[error("{0}")]
    Unfit(#[from] TranscodeError),
    /// Others wait already.
    #[error("too many sounds are being prepared at once; try again in a moment")]
    Busy,
    /// The work was cut.
    #[error("the work was cut")]
    Cut,
}

impl Sounds {
    /// Nothing under way.
    pub fn new() -> Self {
        Self { turns: Semaphore::new(AT_ONCE) }
    }

    /// The clip in these bytes.
    pub async fn prepare(
        &self,
        bytes: impl AsRef<[u8]> + Send + 'static,
        purpose: Purpose,
    ) -> Result<Prepared, NoClip> {
        let _turn = self.turns.try_acquire().map_err(|_| NoClip::Busy)?;
        make(bytes, purpose).await
    }

    /// The same, waiting for a turn: for sounds we make ourselves.
    pub async fn prepare_in_turn(
        &self,
        bytes: impl AsRef<[u8]> + Send + 'static,
        purpose: Purpose,
    ) -> Result<Prepared, NoClip> {
        let _turn = self.turns.acquire().await.map_err(|_| NoClip::Cut)?;
        make(bytes, purpose).await
    }

    /// Writes a clip to its place, which never holds half of one.
    pub async fn put(&self, path: &Path, ogg: &[u8]) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let part = path.with_extension("part");
        tokio::fs::write(&part, ogg).await?;
        tokio::fs::rename(&part, path).await
    }
}

async fn make(bytes: impl AsRef<[u8]> + Send + 'static, purpose: Purpose) -> Result<Prepared, NoClip> {
    let work = move || transcode(bytes.as_ref(), purpose, &Limits::UPLOAD);
    let made = tokio::task::spawn_blocking(work).await.map_err(|_| NoClip::Cut)??;
    Ok(Prepared { ogg: made.ogg, duration_ms: made.duration_ms, lufs: made.lufs })
}

impl Default for Sounds {
    fn default() -> Self {
        Self::new()
    }
}

const AT_ONCE: usize = 2;
