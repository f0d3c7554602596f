//! Recordings on their way to the disk, on a thread behind a bounded queue: a slow disk never delays a packet.

mod writer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::Waker;
use protocol::limits::FRAME_MS;
use protocol::{RecordingEnd, RecordingId, Stuck};

use super::clock;
use crate::bridge::recorder::Batch;
use crate::engine::port::Piece;
use writer::Writer;

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Its file was closed.
    Written(Written),
    /// The disk does not take it.
    Stuck {
        /// Which.
        recording: RecordingId,
        /// Why.
        why: Stuck,
    },
    /// The disk takes it again.
    GoesOn {
        /// Which.
        recording: RecordingId,
        /// What is silence in the file for want of room, in milliseconds.
        lost_ms: u64,
    },
}

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
    told: Receiver<Told>,
    /// What the loop itself has noticed.
    noticed: VecDeque<Told>,
    /// Slots that found the queue full: silence takes their place, so that the rest stays where it belongs.
    missed: BTreeMap<RecordingId, u64>,
    /// Ends and beginnings that found the queue full. They must not be lost.
    late: Vec<(RecordingId, Piece)>,
    sent: u64,
    done: Arc<AtomicU64>,
    /// What the writer had done when it last did something, and when.
    moved: (u64, Instant),
    /// Recordings told as slow, and the slots they have lost since.
    slow: BTreeMap<RecordingId, u64>,
    /// Recordings that have begun and not ended.
    open: BTreeSet<RecordingId>,
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
        let (tell, told) = channel();
        let done = Arc::new(AtomicU64::new(0));
        let mut writer = Writer::new(spool_dir, tell, waker, Arc::clone(&done));
        let thread = thread::Builder::new().name("spool".into()).spawn(move || {
            writer.salvage();
            writer.run(&queue);
        })?;
        let (noticed, missed, late, slow, open) = Default::default();
        let moved = (0, clock::now());
        Ok(Self { jobs, told, noticed, missed, late, sent: 0, done, moved, slow, open, thread })
    }

    /// Hands a piece to the writer. Never waits. Gives how many slots were lost to a full queue.
    pub fn put(&mut self, recording: RecordingId, piece: Piece) -> u64 {
        self.note(&recording, &piece);
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
                if let Some(lost) = self.slow.get_mut(&recording) {
                    *lost += slots;
                }
                *self.missed.entry(recording).or_insert(0) += slots;
                slots
            }
        }
    }

    /// What became of a recording, the next of it.
    pub fn told(&mut self) -> Option<Told> {
        self.noticed.pop_front().or_else(|| self.told.try_recv().ok())
    }

    /// Whether the loop itself has noticed something: nothing wakes it for that.
    pub fn has_noticed(&self) -> bool {
        !self.noticed.is_empty()
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

    /// Looks whether the writer still moves. A disk that holds it in one call cannot be told by the writer itself.
    fn note(&mut self, recording: &RecordingId, piece: &Piece) {
        let (now, done) = (clock::now(), self.done.load(Ordering::Relaxed));
        if done != self.moved.0 || done == self.sent {
            self.moved = (done, now);
        }
        match piece {
            Piece::Begin { .. } => drop(self.open.insert(recording.clone())),
            Piece::End => drop(self.open.remove(recording)),
            Piece::Slots(_) => {}
        }
        if now.saturating_duration_since(self.moved.1) > SLOW_AFTER {
            for recording in &self.open {
                if !self.slow.contains_key(recording) {
                    self.slow.insert(recording.clone(), 0);
                    self.noticed.push_back(Told::Stuck { recording: recording.clone(), why: Stuck::DiskSlow });
                }
            }
        } else if self.sent - done < QUEUE_EASY {
            for (recording, lost) in std::mem::take(&mut self.slow) {
                self.noticed.push_back(Told::GoesOn { recording, lost_ms: lost * FRAME_MS });
            }
        }
    }

    /// The number of slots the queue had no room for. A beginning or an end waits in `late` instead.
    fn send(&mut self, recording: RecordingId, piece: Piece) -> Result<(), u64> {
        match self.jobs.try_send((recording, piece)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {
                self.sent += 1;
                Ok(())
            }
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
            self.sent += 1;
            self.late.remove(0);
        }
    }
}

/// Pieces waiting for the disk: 1,000 recordings give 10,000 a second, so this is a second and a half of them.
const QUEUE_LEN: usize = 16 * 1024;
/// A writer that has not moved for this long is held by a slow disk.
const SLOW_AFTER: Duration = Duration::from_secs(1);
/// So few pieces waiting, and it is slow no more.
const QUEUE_EASY: u64 = 64;
const POLL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;
    use audio::limits::Limits;
    use audio::ogg_opus;
    use mio::{Poll, Token};
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::Command;

    /// A spool that has come up, in a folder of its own.
    fn spool() -> (tempfile::TempDir, Poll, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let mut spool = Spool::open(folder.path().to_owned(), waker).unwrap();
        // Once a recording has been written, the salvage of the start is over.
        begin(&mut spool, "first");
        spool.put(named("first"), Piece::End);
        assert!(matches!(told(&mut spool), Told::Written(written) if written.why == RecordingEnd::Finished));
        (folder, poll, spool)
    }

    fn named(name: &str) -> RecordingId {
        RecordingId::new(name).unwrap()
    }

    fn begin(spool: &mut Spool, name: &str) {
        spool.put(named(name), Piece::Begin { serial: 7, call: "call".into() });
    }

    /// Half a second of a conversation.
    fn talk(spool: &mut Spool, name: &str, times: u64) {
        for _ in 0..times {
            assert_eq!(spool.put(named(name), Piece::Slots(Batch::silent(25))), 0);
        }
    }

    /// The next word of the spool, within ten seconds.
    fn told(spool: &mut Spool) -> Told {
        let until = clock::now() + Duration::from_secs(10);
        loop {
            if let Some(told) = spool.told() {
                return told;
            }
            assert!(clock::now() < until, "nothing was told");
            thread::sleep(POLL);
        }
    }

    fn whole_slots(file: &[u8]) -> usize {
        ogg_opus::read(file, &Limits::RECORDING).unwrap()[0].packets.len()
    }

    /// The file is that long, but for the encoder's lead-in of 6.5 ms, which players leave out.
    fn assert_lasts(written: &Written, millis: u64) {
        assert!(millis.abs_diff(written.duration_ms) <= 7, "{} ms, not {millis}", written.duration_ms);
    }

    fn finished(told: &Told) -> &Written {
        match told {
            Told::Written(written) if written.why == RecordingEnd::Finished => written,
            other => panic!("{other:?}"),
        }
    }

    /// Where the part of a recording will be, leading to a disk that is always full.
    fn full_disk(folder: &Path, name: &str) -> PathBuf {
        let part = folder.join(format!("{name}.ogg.part"));
        symlink("/dev/full", &part).unwrap();
        part
    }

    #[test]
    fn a_full_disk_is_told_at_once_and_nothing_is_lost_once_it_has_room_again() {
        let (folder, _poll, mut spool) = spool();
        let part = full_disk(folder.path(), "r");
        begin(&mut spool, "r");
        assert_eq!(told(&mut spool), Told::Stuck { recording: named("r"), why: Stuck::DiskFull });
        talk(&mut spool, "r", 40);
        std::fs::remove_file(part).unwrap();
        assert_eq!(told(&mut spool), Told::GoesOn { recording: named("r"), lost_ms: 0 });
        talk(&mut spool, "r", 20);
        spool.put(named("r"), Piece::End);
        assert_lasts(finished(&told(&mut spool)), 30_000);
        assert_eq!(whole_slots(&std::fs::read(folder.path().join("r.ogg")).unwrap()), 1_500);
        spool.close(Duration::from_secs(5));
    }

    #[test]
    fn what_a_full_disk_leaves_no_room_for_is_silence_and_the_end_waits_for_it() {
        let (folder, _poll, mut spool) = spool();
        let part = full_disk(folder.path(), "r");
        begin(&mut spool, "r");
        assert!(matches!(told(&mut spool), Told::Stuck { .. }));
        talk(&mut spool, "r", 3_000);
        spool.put(named("r"), Piece::End);
        // The next look at the disk comes after the queue is empty: nothing more is told until it has room.
        std::fs::remove_file(part).unwrap();
        let goes_on = told(&mut spool);
        assert!(matches!(goes_on, Told::GoesOn { lost_ms, .. } if lost_ms < 1_500_000), "{goes_on:?}");
        assert_lasts(finished(&told(&mut spool)), 1_500_000);
        assert_eq!(whole_slots(&std::fs::read(folder.path().join("r.ogg")).unwrap()), 75_000);
        spool.close(Duration::from_secs(5));
    }

    #[test]
    fn a_disk_that_holds_the_writer_is_told_as_slow_and_the_loop_never_waits() {
        let (folder, _poll, mut spool) = spool();
        // Opening a pipe waits until someone reads it.
        let part = folder.path().join("r.ogg.part");
        assert!(Command::new("mkfifo").arg(&part).status().unwrap().success());
        begin(&mut spool, "r");
        let (started, mut put, mut slow) = (clock::now(), 0, None);
        while slow.is_none() && started.elapsed() < Duration::from_secs(8) {
            let before = clock::now();
            talk(&mut spool, "r", 1);
            assert!(before.elapsed() < Duration::from_millis(200), "the loop waited");
            put += 1;
            slow = spool.told();
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(slow, Some(Told::Stuck { recording: named("r"), why: Stuck::DiskSlow }));
        let reader = thread::spawn(move || std::fs::read(part).unwrap());
        let goes_on = loop {
            talk(&mut spool, "r", 1);
            put += 1;
            if let Some(told) = spool.told() {
                break told;
            }
            assert!(started.elapsed() < Duration::from_secs(20));
            thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(goes_on, Told::GoesOn { recording: named("r"), lost_ms: 0 });
        spool.put(named("r"), Piece::End);
        assert_lasts(finished(&told(&mut spool)), put * 500);
        assert_eq!(whole_slots(&reader.join().unwrap()), put as usize * 25);
        spool.close(Duration::from_secs(5));
    }
}
