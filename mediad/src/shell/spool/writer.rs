//! The recordings' writer: pages to the disk, one write each, and what happens while the disk does not take them.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use audio::two_lane::{TwoLane, salvage};
use mio::Waker;
use protocol::{RecordingEnd, RecordingId, Stuck};

use super::{Told, Written};
use crate::bridge::recorder::Batch;
use crate::engine::port::Piece;
use crate::shell::clock;

/// The writer, on its own thread.
pub struct Writer {
    spool_dir: PathBuf,
    open: BTreeMap<RecordingId, Recording>,
    tell: Sender<Told>,
    waker: Arc<Waker>,
    /// Pieces dealt with: the loop sees by it that the disk moves.
    done: Arc<AtomicU64>,
}

/// A recording on its way to the disk.
struct Recording {
    part: PathBuf,
    file: Option<File>,
    /// None when its end is in the backlog.
    sound: Option<TwoLane>,
    duration_ms: u64,
    /// Bytes of whole pages on the disk.
    bytes: u64,
    /// Pages that the disk has not taken yet.
    backlog: VecDeque<Vec<u8>>,
    backlog_bytes: usize,
    /// Slots for which even the backlog had no room: silence takes their place.
    missed: u64,
    stuck: Option<Trouble>,
    ending_since: Option<Instant>,
    synced: Instant,
    dirty: bool,
}

/// A disk that does not take a recording.
struct Trouble {
    retry_at: Instant,
    /// Slots lost since it began.
    lost: u64,
}

impl Writer {
    /// A writer into `spool_dir`.
    pub fn new(spool_dir: PathBuf, tell: Sender<Told>, waker: Arc<Waker>, done: Arc<AtomicU64>) -> Self {
        Self { spool_dir, open: BTreeMap::new(), tell, waker, done }
    }

    /// Writes until nobody hands in anything more.
    pub fn run(&mut self, queue: &Receiver<(RecordingId, Piece)>) {
        let mut cared_at = clock::now();
        loop {
            match queue.recv_timeout(RETRY_EVERY) {
                Ok((id, piece)) => {
                    // A defect costs the recording it met, not every other one.
                    if catch_unwind(AssertUnwindSafe(|| self.take(id.clone(), piece))).is_err() {
                        tracing::error!(recording.id = %id, "recording {id} met a defect and ends");
                        self.give_up(&id);
                    }
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // It looks at every recording: after every piece of a thousand of them it would do nothing else.
            let now = clock::now();
            if now.saturating_duration_since(cared_at) >= CARE_EVERY {
                cared_at = now;
                self.care();
            }
        }
        let left: Vec<RecordingId> = self.open.keys().cloned().collect();
        for id in left {
            self.end(&id);
            self.give_up(&id);
        }
    }

    /// Files that no end was written to: cut at the last whole page, ended, told.
    pub fn salvage(&mut self) {
        let Ok(entries) = fs::read_dir(&self.spool_dir) else { return };
        let mut parts: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        parts.sort();
        for part in parts {
            let name = part.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(PART));
            let Some(recording) = name.and_then(|name| RecordingId::new(name).ok()) else { continue };
            let mended = catch_unwind(AssertUnwindSafe(|| mend(&part)));
            match mended.unwrap_or_else(|_| Err(io::Error::other("mending it met a defect"))) {
                Ok((duration_ms, bytes)) => {
                    tracing::info!(recording.id = %recording, duration_ms, "salvaged recording {recording}");
                    self.tell(Told::Written(Written { recording, why: RecordingEnd::Salvaged, duration_ms, bytes }));
                }
                Err(why) => tracing::error!(recording.id = %recording, "cannot salvage {}: {why}", part.display()),
            }
        }
    }

    fn take(&mut self, id: RecordingId, piece: Piece) {
        match piece {
            Piece::Begin { serial, call } => {
                let part = self.spool_dir.join(format!("{id}{PART}"));
                self.open.insert(id.clone(), Recording::new(part, serial, &call));
                self.write(&id);
            }
            Piece::Slots(batch) => {
                let Some(recording) = self.open.get_mut(&id) else { return };
                recording.add(&batch);
                if recording.stuck.is_none() {
                    self.write(&id);
                }
            }
            Piece::End => self.end(&id),
        }
    }

    /// Writes what waits. The first refusal is told at once, and so is the moment at which the disk takes everything again.
    fn write(&mut self, id: &RecordingId) {
        let Some(recording) = self.open.get_mut(id) else { return };
        match recording.write() {
            Ok(()) => {
                if let Some(trouble) = recording.stuck.take() {
                    let lost_ms = trouble.lost * protocol::limits::FRAME_MS;
                    tracing::info!(recording.id = %id, lost_ms, "the disk takes recording {id} again");
                    self.tell(Told::GoesOn { recording: id.clone(), lost_ms });
                }
                self.complete(id);
            }
            Err(why) => {
                recording.file = None;
                let retry_at = clock::now() + RETRY_EVERY;
                match recording.stuck.as_mut() {
                    Some(trouble) => trouble.retry_at = retry_at,
                    None => {
                        recording.stuck = Some(Trouble { retry_at, lost: 0 });
                        tracing::error!(recording.id = %id, "cannot write {}: {why}", recording.part.display());
                        let why = if is_full(&why) { Stuck::DiskFull } else { Stuck::DiskFailing };
                        self.tell(Told::Stuck { recording: id.clone(), why });
                    }
                }
            }
        }
    }

    fn end(&mut self, id: &RecordingId) {
        let Some(recording) = self.open.get_mut(id) else { return };
        recording.end();
        self.write(id);
    }

    /// A recording whose end is on the disk gets its name.
    fn complete(&mut self, id: &RecordingId) {
        let Some(recording) = self.open.get_mut(id).filter(|recording| recording.ending_since.is_some()) else {
            return;
        };
        let synced = recording.file.as_ref().map_or(Ok(()), sync);
        if let Err(why) = synced.and_then(|()| fs::rename(&recording.part, whole(&recording.part))) {
            tracing::error!(recording.id = %id, "cannot close {}: {why}", recording.part.display());
            return self.give_up(id);
        }
        let (duration_ms, bytes) = (recording.duration_ms, recording.bytes);
        self.open.remove(id);
        let (recording, why) = (id.clone(), RecordingEnd::Finished);
        self.tell(Told::Written(Written { recording, why, duration_ms, bytes }));
    }

    /// The disk has refused for too long: what is there is made whole.
    fn give_up(&mut self, id: &RecordingId) {
        let Some(recording) = self.open.remove(id) else { return };
        let part = recording.part.clone();
        drop(recording);
        let (duration_ms, bytes) = mend(&part).unwrap_or((0, 0));
        let (recording, why) = (id.clone(), RecordingEnd::DiskFailed);
        self.tell(Told::Written(Written { recording, why, duration_ms, bytes }));
    }

    /// Tries again what was refused, and bounds what a power cut can cost.
    fn care(&mut self) {
        let now = clock::now();
        let tired = |ending: Option<Instant>| ending.is_some_and(|at| now.saturating_duration_since(at) > END_PATIENCE);
        let (mut again, mut over) = (Vec::new(), Vec::new());
        for (id, recording) in &mut self.open {
            match &recording.stuck {
                Some(_) if tired(recording.ending_since) => over.push(id.clone()),
                Some(trouble) if trouble.retry_at <= now => again.push(id.clone()),
                Some(_) => {}
                None => recording.sync(now),
            }
        }
        again.iter().for_each(|id| self.write(id));
        over.iter().for_each(|id| self.give_up(id));
    }

    fn tell(&self, told: Told) {
        // Both fail only when the loop is gone, and then nobody listens.
        let _ = self.tell.send(told);
        let _ = self.waker.wake();
    }
}

impl Recording {
    fn new(part: PathBuf, serial: u32, call: &str) -> Self {
        let (sound, head) = TwoLane::new(serial, &[("CALL", call)]);
        let mut recording = Self {
            part,
            file: None,
            sound: Some(sound),
            duration_ms: 0,
            bytes: 0,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            missed: 0,
            stuck: None,
            ending_since: None,
            synced: clock::now(),
            dirty: false,
        };
        recording.keep(head);
        recording
    }

    fn keep(&mut self, page: Vec<u8>) {
        self.backlog_bytes += page.len();
        self.backlog.push_back(page);
    }

    /// Makes pages of slots, if there is room for them.
    fn add(&mut self, batch: &Batch) {
        if self.missed > 0 || self.backlog_bytes >= BACKLOG_BYTES_MAX {
            self.missed += batch.slots();
            if let Some(trouble) = self.stuck.as_mut() {
                trouble.lost += batch.slots();
            }
            return;
        }
        let Some(mut sound) = self.sound.take() else { return };
        batch.write(&mut sound, |page| self.keep(page));
        self.sound = Some(sound);
    }

    fn end(&mut self) {
        if self.ending_since.is_none() {
            self.ending_since = Some(clock::now());
        }
    }

    /// Everything that waits, and behind it what it had no room for as silence, and the end if it is due.
    fn write(&mut self) -> io::Result<()> {
        loop {
            while let Some(page) = self.backlog.front() {
                let file = match self.file.as_mut() {
                    Some(file) => file,
                    None => self.file.insert(reopen(&self.part, self.bytes)?),
                };
                // One write a page, so that a kill leaves whole pages.
                file.write_all(page)?;
                self.bytes += page.len() as u64;
                self.backlog_bytes -= page.len();
                self.dirty = true;
                self.backlog.pop_front();
            }
            let missed = std::mem::take(&mut self.missed);
            if missed > 0 {
                let now = missed.min(SILENCE_SLOTS);
                self.add(&Batch::silent(now));
                self.missed = missed - now;
                continue;
            }
            let Some(sound) = self.sound.take_if(|_| self.ending_since.is_some()) else { return Ok(()) };
            self.duration_ms = sound.duration_ms();
            self.keep(sound.finish());
        }
    }

    fn sync(&mut self, now: Instant) {
        if !self.dirty || now.saturating_duration_since(self.synced) < SYNC_EVERY {
            return;
        }
        self.synced = now;
        self.dirty = self.file.as_ref().is_some_and(|file| sync(file).is_err());
    }
}

/// The file behind its last whole page. A page that was written in part is cut off.
fn reopen(part: &Path, bytes: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(part)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok(file);
    }
    if about.len() < bytes {
        return Err(io::Error::new(ErrorKind::NotFound, "what was written is gone"));
    }
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes))?;
    Ok(file)
}

/// `fdatasync`; what cannot be synced (a pipe) has nothing to lose.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(why) if why.kind() == ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

fn is_full(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Ends an unfinished file and gives it its name. Milliseconds and bytes of the whole file.
fn mend(part: &Path) -> io::Result<(u64, u64)> {
    let found = salvage(&fs::read(part)?);
    let mut file = OpenOptions::new().write(true).open(part)?;
    let keep = found.keep_bytes as u64;
    // The tail replaces the last page byte for byte, so a crash in between leaves a file that can be mended again.
    file.seek(SeekFrom::Start(keep))?;
    file.write_all(&found.tail)?;
    let bytes = keep + found.tail.len() as u64;
    file.set_len(bytes)?;
    file.sync_data()?;
    fs::rename(part, whole(part))?;
    Ok((found.duration_ms, bytes))
}

/// `x.ogg.part` → `x.ogg`.
fn whole(part: &Path) -> PathBuf {
    part.with_extension("")
}

/// A file with this ending is not finished.
const PART: &str = ".ogg.part";
/// With a look every half second, no more than 5 s lie between two syncs of a file.
const SYNC_EVERY: Duration = Duration::from_millis(4_400);
/// How soon a disk that refused is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// How often the writer looks at every recording.
const CARE_EVERY: Duration = Duration::from_millis(100);
/// How long the end of a recording waits for the disk.
const END_PATIENCE: Duration = Duration::from_secs(60);
/// Pages of one recording kept in memory while the disk refuses: about 40 s.
const BACKLOG_BYTES_MAX: usize = 256 * 1024;
/// A second of silence at a time.
const SILENCE_SLOTS: u64 = 50;

const _: () = assert!(SYNC_EVERY.as_millis() + RETRY_EVERY.as_millis() + CARE_EVERY.as_millis() <= 5_000);
