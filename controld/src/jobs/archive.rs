//! Recordings on their way from the spool to the archive: looked at, copied, entered, and only then cleared away.
//!
//! A kill between any two steps loses nothing: the spool file is the proof until the row says `archived`, and each step
//! can be repeated.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio::two_lane::{Salvaged, salvage};
use chrono::{DateTime, Datelike, Utc};
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use crate::config::Config;
use crate::model::counts::Counts;
use crate::model::{Millis, RecordingId};
use crate::store::recordings::{RecordingRow, RecordingState};
use crate::store::{Store, StoreError};

/// The archive and the way into it.
pub struct Archive {
    store: Store,
    spool: PathBuf,
    shelf: PathBuf,
    counts: Arc<Counts>,
    /// What failed and is not tried again before its time.
    resting: HashMap<RecordingId, Rest>,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    tries: u32,
    until: Millis,
}

/// What became of a recording in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is in the archive, and the spool is clear of it.
    Archived,
    /// mediad has not finished its file yet, or is about to mend it.
    Waiting,
    /// There is nothing to hear; the row says why.
    Failed,
}

/// Why a recording did not get on.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file.
    #[error("the disk refused: {0}")]
    Disk(#[from] io::Error),
    /// The row.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What was read back is not what was written.
    #[error("the copy differs from the original")]
    Differs,
    /// The work was cut.
    #[error("the work was cut")]
    Cut,
}

/// A copy that lies safely in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Path below the archive's folder.
    pub place: String,
    /// Of its bytes, hex.
    pub sha256: String,
    /// Its size.
    pub bytes: i64,
    /// Its length.
    pub duration_ms: i64,
    /// Why it is shorter than the talk.
    pub reason: Option<String>,
}

impl Archive {
    /// The archive this configuration names.
    pub fn at(config: &Config, store: Store, counts: Arc<Counts>) -> Self {
        let (spool, shelf) = (config.media.spool_dir.clone().into(), config.media.recordings_dir.clone().into());
        Self { store, spool, shelf, counts, resting: HashMap::new() }
    }

    /// Looks at everything that is not in the archive, and clears the spool of what is.
    pub async fn pass(&mut self, now: Millis) {
        let waiting = match self.store.recordings_to_archive().await {
            Ok(waiting) => waiting,
            Err(why) => return warn!(error = %why, "the archive cannot see its work: {why}"),
        };
        self.resting.retain(|id, _| waiting.iter().any(|(row, _)| row.id == *id));
        for (row, ended_at) in &waiting {
            if self.resting.get(&row.id).is_some_and(|rest| now < rest.until) {
                continue;
            }
            match self.take(row, *ended_at, now).await {
                Ok(_) => drop(self.resting.remove(&row.id)),
                Err(why) => self.rest(&row.id, now, &why),
            }
        }
        if let Err(why) = self.clear_leftovers().await {
            warn!(error = %why, "the spool was not cleared: {why}");
        }
    }

    /// One recording, as far as it gets.
    pub async fn take(
        &self,
        row: &RecordingRow,
        call_ended_at: Option<Millis>,
        now: Millis,
    ) -> Result<Became, ArchiveError> {
        let over_ms = call_ended_at.map_or(0, |at| now.saturating_sub(at));
        match self.copy(row, over_ms).await? {
            Look::Copied(copied) => {
                self.enter(&row.id, &copied).await?;
                self.clear(&row.id)?;
                self.counts.archived.add();
                info!(recording.id = %row.id, bytes = copied.bytes, "recording {} is in the archive", row.id);
                Ok(Became::Archived)
            }
            Look::Waiting => Ok(Became::Waiting),
            Look::Nothing(why) => {
                self.store.recording_failed(&row.id, why).await?;
                self.counts.archive_failed.add();
                warn!(recording.id = %row.id, "recording {} holds nothing to hear: {why}", row.id);
                Ok(Became::Failed)
            }
        }
    }

    /// Step one: a whole, checked copy in the archive. The spool is not touched.
    async fn copy(&self, row: &RecordingRow, over_ms: Millis) -> Result<Look, ArchiveError> {
        let (spooled, shelf, place) = (self.spool_file(&row.id), self.shelf.clone(), place(row));
        let row = row.clone();
        let work = move || copy(&spooled, &shelf, place, &row, over_ms);
        tokio::task::spawn_blocking(work).await.map_err(|_| ArchiveError::Cut)?
    }

    /// Step two: the row says where the bytes are.
    async fn enter(&self, id: &RecordingId, copied: &Copied) -> Result<(), ArchiveError> {
        let Copied { place, sha256, bytes, duration_ms, reason } = copied;
        Ok(self.store.recording_archived(id, place, sha256, *duration_ms, *bytes, reason.as_deref()).await?)
    }

    /// Step three: the spool is clear of it.
    fn clear(&self, id: &RecordingId) -> Result<(), ArchiveError> {
        match fs::remove_file(self.spool_file(id)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why.into()),
            _ => Ok(()),
        }
    }

    /// A kill between steps two and three left these behind.
    async fn clear_leftovers(&self) -> Result<(), ArchiveError> {
        let Ok(files) = fs::read_dir(&self.spool) else { return Ok(()) };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        for name in names.take(LEFTOVERS_MAX) {
            let Some(id) = name.strip_suffix(".ogg").map(RecordingId::from) else { continue };
            let Some(row) = self.store.recording_of_anyone(&id).await? else { continue };
            let safe = row.place.is_some_and(|place| self.shelf.join(place).is_file());
            if row.state == RecordingState::Archived && safe {
                self.clear(&id)?;
            }
        }
        Ok(())
    }

    fn rest(&mut self, id: &RecordingId, now: Millis, why: &ArchiveError) {
        self.counts.archive_retries.add();
        let tries = self.resting.get(id).map_or(0, |rest| rest.tries).saturating_add(1);
        let wait_ms = (FIRST_REST_MS << tries.min(20)).min(REST_MS_MAX);
        self.resting.insert(id.clone(), Rest { tries, until: now.saturating_add(wait_ms) });
        warn!(recording.id = %id, error = %why, wait_ms, "recording {id} did not get into the archive: {why}");
    }

    fn spool_file(&self, id: &RecordingId) -> PathBuf {
        self.spool.join(format!("{id}.ogg"))
    }
}

/// What a look at the spool found.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Copied(Copied),
    Waiting,
    Nothing(&'static str),
}

fn copy(
    spooled: &Path,
    shelf: &Path,
    place: String,
    row: &RecordingRow,
    over_ms: Millis,
) -> Result<Look, ArchiveError> {
    let to = shelf.join(&place);
    let (bytes, in_spool) = match fs::read(spooled) {
        Ok(bytes) => (bytes, true),
        Err(why) if why.kind() == io::ErrorKind::NotFound => match fs::read(&to) {
            Ok(bytes) => (bytes, false),
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.into()),
            Err(_) if row.state == RecordingState::Recording && over_ms < MEND_MS => return Ok(Look::Waiting),
            // mediad still has it, or mends it at its next start: what can be heard must not be called lost.
            Err(_) if spooled.with_extension("ogg.part").exists() => return Ok(Look::Waiting),
            Err(_) => return Ok(Look::Nothing("its file is gone")),
        },
        Err(why) => return Err(why.into()),
    };
    let found = salvage(&bytes);
    if !found.complete && row.state == RecordingState::Recording && over_ms < MEND_MS {
        return Ok(Look::Waiting);
    }
    if found.empty {
        return Ok(Look::Nothing("its file holds no sound"));
    }
    let bytes = if found.complete { bytes } else { found.apply(&bytes) };
    let sha256 = hex::encode(Sha256::digest(&bytes));
    if in_spool {
        put(&to, &bytes)?;
    }
    if hex::encode(Sha256::digest(fs::read(&to)?)) != sha256 {
        return Err(ArchiveError::Differs);
    }
    Ok(Look::Copied(copied(place, sha256, &bytes, &found, row)))
}

fn copied(place: String, sha256: String, bytes: &[u8], found: &Salvaged, row: &RecordingRow) -> Copied {
    let cut = (!found.complete).then(|| "it was cut off; what is there is whole".to_owned());
    Copied {
        place,
        sha256,
        bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        duration_ms: i64::try_from(found.duration_ms).unwrap_or(i64::MAX),
        reason: cut.or_else(|| row.reason.clone()),
    }
}

/// Writes beside the place, makes it durable, and moves it in: the place never holds half a file.
fn put(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = to.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, to)?;
    // The new name, and the names of folders that may be new, are durable only with their folders.
    for folder in folder.ancestors().take(FOLDERS) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// `<org>/<yyyy>/<mm>/<id>.ogg`
fn place(row: &RecordingRow) -> String {
    let began = DateTime::<Utc>::from_timestamp_millis(row.started_at).unwrap_or_default();
    format!("{}/{:04}/{:02}/{}.ogg", row.org, began.year(), began.month(), row.id)
}

/// A call is over for this long: mediad will not finish or mend the file any more, so we do.
const MEND_MS: Millis = 10 * 60 * 1000;
const FIRST_REST_MS: Millis = 500;
const REST_MS_MAX: Millis = 5 * 60 * 1000;
const LEFTOVERS_MAX: usize = 10_000;
/// The month's, the year's, the tenant's and the archive's own folder.
const FOLDERS: usize = 4;

#[cfg(test)]
mod tests;
