//! The recordings' writer, on its own thread behind a bounded queue: a slow disk never delays a packet.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use audio::two_lane::{TwoLane, salvage};
use mio::Waker;
use protocol::{RecordingEnd, RecordingId};

use super::clock;
use crate::bridge::recorder::Batch;
use crate::engine::port::Piece;

/// What became of a recording's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Which.
    pub recording: RecordingId,
    /// How it ended.
    pub why: RecordingEnd,
    /// Milliseconds of sound in the file.
    pub duration_ms: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// The thread, as the loop sees it.
pub struct Spool {
    jobs: SyncSender<(RecordingId, Piece)>,
    written: Receiver<Written>,
    /// Slots that found the queue full: silence takes their place, so that the rest stays where it belongs.
    missed: BTreeMap<RecordingId, u64>,
    /// Ends and beginnings that found the queue full. They must not be lost.
    late: Vec<(RecordingId, Piece)>,
    thread: JoinHandle<()>,
}

impl Spool {
    /// Mends what an earlier life of the process left unfinished, then writes. `spool_dir` is made if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be made, or no thread can be had.
    pub fn open(spool_dir: PathBuf, waker: Arc<Waker>) -> io::Result<Self> {
        fs::create_dir_all(&spool_dir)?;
        let (jobs, queue) = sync_channel(QUEUE_LEN);
        let (tell, written) = channel();
        let thread = thread::Builder::new().name("spool".into()).spawn(move || {
            let mut writer = Writer { spool_dir, open: BTreeMap::new(), tell, waker };
            writer.salvage();
            writer.run(&queue);
        })?;
        Ok(Self { jobs, written, missed: BTreeMap::new(), late: Vec::new(), thread })
    }

    /// Hands a piece to the writer. Never waits. Gives how many slots were lost to a full queue.
    pub fn put(&mut self, recording: RecordingId, piece: Piece) -> u64 {
        self.retry();
        if !self.late.is_empty() && !matches!(piece, Piece::Slots(_)) {
            self.late.push((recording, piece));
            return 0;
        }
        if let Some(slots) = self.missed.remove(&recording)
            && let Err(slots) = self.send(recording.clone(), Piece::Slots(Batch::silent(slots)))
        {
            self.missed.insert(recording.clone(), slots);
        }
        match self.send(recording.clone(), piece) {
            Ok(()) => 0,
            Err(slots) => {
                *self.missed.entry(recording).or_insert(0) += slots;
                slots
            }
        }
    }

    /// The next file that was closed.
    pub fn written(&self) -> Option<Written> {
        self.written.try_recv().ok()
    }

    /// Lets the writer finish and waits for it, at most `patience`.
    pub fn close(mut self, patience: Duration) {
        let until = clock::now() + patience;
        while !self.late.is_empty() && clock::now() < until {
            self.retry();
            thread::sleep(POLL);
        }
        drop(self.jobs);
        while !self.thread.is_finished() && clock::now() < until {
            thread::sleep(POLL);
        }
    }

    /// The number of slots the queue had no room for. A beginning or an end waits in `late` instead.
    fn send(&mut self, recording: RecordingId, piece: Piece) -> Result<(), u64> {
        match self.jobs.try_send((recording, piece)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full((_, Piece::Slots(batch)))) => Err(batch.slots()),
            Err(TrySendError::Full(job)) => {
                self.late.push(job);
                Ok(())
            }
        }
    }

    fn retry(&mut self) {
        while let Some(job) = self.late.first().cloned() {
            if matches!(self.jobs.try_send(job), Err(TrySendError::Full(_))) {
                return;
            }
            self.late.remove(0);
        }
    }
}

struct Writer {
    spool_dir: PathBuf,
    open: BTreeMap<RecordingId, Recording>,
    tell: Sender<Written>,
    waker: Arc<Waker>,
}

struct Recording {
    file: File,
    part: PathBuf,
    sound: TwoLane,
    /// Bytes of whole pages.
    bytes: u64,
    synced: Instant,
    dirty: bool,
}

impl Writer {
    fn run(&mut self, queue: &Receiver<(RecordingId, Piece)>) {
        loop {
            match queue.recv_timeout(SYNC_EVERY / 5) {
                Ok((id, Piece::Begin { serial, call })) => self.begin(id, serial, &call),
                Ok((id, Piece::Slots(batch))) => self.slots(id, &batch),
                Ok((id, Piece::End)) => self.end(&id),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.sync();
        }
        let left: Vec<RecordingId> = self.open.keys().cloned().collect();
        for id in left {
            self.end(&id);
        }
    }

    fn begin(&mut self, id: RecordingId, serial: u32, call: &str) {
        let (sound, head) = TwoLane::new(serial, &[("CALL", call)]);
        let part = self.spool_dir.join(format!("{id}{PART}"));
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(&part);
        let made = file.and_then(|mut file| file.write_all(&head).map(|()| file));
        match made {
            Ok(file) => {
                let bytes = head.len() as u64;
                self.open.insert(id, Recording { file, part, sound, bytes, synced: clock::now(), dirty: true });
            }
            Err(why) => {
                tracing::error!(recording.id = %id, "cannot begin {}: {why}", part.display());
                self.tell(Written { recording: id, why: RecordingEnd::DiskFailed, duration_ms: 0, bytes: 0 });
            }
        }
    }

    fn slots(&mut self, id: RecordingId, batch: &Batch) {
        let Some(recording) = self.open.get_mut(&id) else { return };
        let mut pages = Vec::new();
        batch.write(&mut recording.sound, |page| pages.push(page));
        let wrote = pages.iter().try_for_each(|page| recording.write(page));
        if let Err(why) = wrote {
            self.give_up(&id, &why);
        }
    }

    fn end(&mut self, id: &RecordingId) {
        let Some(mut recording) = self.open.remove(id) else { return };
        let duration_ms = recording.sound.duration_ms();
        let (sound, _) = TwoLane::new(0, &[]);
        let tail = std::mem::replace(&mut recording.sound, sound).finish();
        let done = recording.write(&tail).and_then(|()| recording.file.sync_data());
        let done = done.and_then(|()| fs::rename(&recording.part, whole(&recording.part)));
        match done {
            Ok(()) => {
                let (why, bytes) = (RecordingEnd::Finished, recording.bytes);
                self.tell(Written { recording: id.clone(), why, duration_ms, bytes });
            }
            Err(why) => {
                self.open.insert(id.clone(), recording);
                self.give_up(id, &why);
            }
        }
    }

    /// The disk refused: what is there is made whole.
    fn give_up(&mut self, id: &RecordingId, why: &io::Error) {
        let Some(recording) = self.open.remove(id) else { return };
        tracing::error!(recording.id = %id, "cannot write {}: {why}", recording.part.display());
        let cut = recording.file.set_len(recording.bytes);
        let part = recording.part.clone();
        drop(recording);
        let mended = cut.and_then(|()| mend(&part));
        let (duration_ms, bytes) = mended.unwrap_or((0, 0));
        self.tell(Written { recording: id.clone(), why: RecordingEnd::DiskFailed, duration_ms, bytes });
    }

    /// Bounds what a power cut can cost.
    fn sync(&mut self) {
        let now = clock::now();
        for recording in self.open.values_mut().filter(|recording| recording.dirty) {
            if now.saturating_duration_since(recording.synced) >= SYNC_EVERY {
                recording.synced = now;
                recording.dirty = recording.file.sync_data().is_err();
            }
        }
    }

    /// Files that no end was written to: cut at the last whole page, ended, told.
    fn salvage(&mut self) {
        let Ok(entries) = fs::read_dir(&self.spool_dir) else { return };
        let mut parts: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        parts.sort();
        for part in parts {
            let name = part.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(PART));
            let Some(recording) = name.and_then(|name| RecordingId::new(name).ok()) else { continue };
            match mend(&part) {
                Ok((duration_ms, bytes)) => {
                    tracing::info!(recording.id = %recording, duration_ms, "salvaged recording {recording}");
                    self.tell(Written { recording, why: RecordingEnd::Salvaged, duration_ms, bytes });
                }
                Err(why) => tracing::error!(recording.id = %recording, "cannot salvage {}: {why}", part.display()),
            }
        }
    }

    fn tell(&self, written: Written) {
        // Both fail only when the loop is gone, and then nobody listens.
        let _ = self.tell.send(written);
        let _ = self.waker.wake();
    }
}

impl Recording {
    /// One write a page, so that a kill leaves whole pages.
    fn write(&mut self, page: &[u8]) -> io::Result<()> {
        self.file.write_all(page)?;
        self.bytes += page.len() as u64;
        self.dirty = true;
        Ok(())
    }
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
/// Pieces waiting for the disk: 1,000 recordings give 10,000 a second, so this is a second and a half of them.
const QUEUE_LEN: usize = 16 * 1024;
const SYNC_EVERY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);
