//! Reads prepared clips, on its own thread: a slow disk delays a prompt, never a packet.

use std::collections::VecDeque;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::SystemTime;

use audio::clip::Clip;
use audio::limits::CLIP_BYTES_MAX;
use mio::Waker;
use protocol::{ClipName, Command, Filler};

use crate::engine::port::{Client, ClipFound};

/// The clips a command names: the one it is about, and the music that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The clip.
    pub clip: Option<ClipName>,
    /// The music.
    pub then: Option<ClipName>,
}

/// What became of a question.
pub struct Fetched {
    /// Whose command waits.
    pub client: Client,
    /// The clip.
    pub clip: ClipFound,
    /// The music.
    pub then: ClipFound,
}

/// The thread, as the loop sees it.
pub struct Shelf {
    ask: Sender<(Client, Wanted)>,
    answers: Receiver<Fetched>,
}

impl Shelf {
    /// Starts the thread. It ends when the shelf is dropped.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn open(audio_dir: PathBuf, waker: Arc<Waker>) -> std::io::Result<Self> {
        let (ask, asked) = channel::<(Client, Wanted)>();
        let (answer, answers) = channel();
        thread::Builder::new().name("clips".into()).spawn(move || {
            let mut cache = Cache { audio_dir, kept: VecDeque::new(), bytes: 0 };
            while let Ok((client, wanted)) = asked.recv() {
                let (clip, then) = (cache.find(wanted.clip), cache.find(wanted.then));
                if answer.send(Fetched { client, clip, then }).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { ask, answers })
    }

    /// Asks for the clips of a client's command.
    pub fn ask(&self, client: Client, wanted: Wanted) {
        // The thread lives as long as the shelf; were it gone, the client would wait, and nothing else.
        let _ = self.ask.send((client, wanted));
    }

    /// Reads a clip that will be wanted soon. Nobody is told.
    pub fn read_ahead(&self, clip: Option<ClipName>) {
        self.ask(NOBODY, Wanted { clip, then: None });
    }

    /// The next answer.
    pub fn answer(&self) -> Option<Fetched> {
        self.answers.try_recv().ok()
    }
}

impl Wanted {
    /// The clips a command names, if it names any.
    pub fn by(command: &Command) -> Option<Wanted> {
        let music = |filler: &Filler| match filler {
            Filler::Music(name) => Some(name.clone()),
            Filler::Comfort => None,
        };
        let wanted = match command {
            Command::Play { clip, then, .. } => Wanted { clip: Some(clip.clone()), then: music(then) },
            Command::Beep { clip, .. } => Wanted { clip: Some(clip.clone()), then: None },
            Command::Leave { hears, .. } => Wanted { clip: None, then: music(hears) },
            Command::Fill { with, .. } => Wanted { clip: None, then: music(with) },
            Command::Unbridge { caller_hears, .. } => Wanted { clip: None, then: music(caller_hears) },
            Command::Bridge { music, .. } => Wanted { clip: Some(music.clone()), then: None },
            _ => return None,
        };
        (wanted.clip.is_some() || wanted.then.is_some()).then_some(wanted)
    }
}

/// Clips in memory, the one used last at the back.
struct Cache {
    audio_dir: PathBuf,
    kept: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    name: ClipName,
    stamp: (Option<SystemTime>, u64),
    bytes: usize,
    clip: Arc<Clip>,
}

impl Cache {
    fn find(&mut self, name: Option<ClipName>) -> ClipFound {
        let Some(name) = name else { return ClipFound::NotAsked };
        // A file that brings a decoder down costs itself, not every clip after it.
        let loaded = catch_unwind(AssertUnwindSafe(|| self.load(&name)));
        match loaded.unwrap_or_else(|_| Err("reading it met a defect".to_owned())) {
            Ok(clip) => ClipFound::Found(name, clip),
            Err(why) => ClipFound::Missing(name, why),
        }
    }

    /// From memory if the file has not changed since.
    fn load(&mut self, name: &ClipName) -> Result<Arc<Clip>, String> {
        let path = inside(&self.audio_dir, name)?;
        let about = fs::metadata(&path).map_err(|why| why.to_string())?;
        let stamp = (about.modified().ok(), about.len());
        let at = self.kept.iter().position(|kept| kept.name == *name);
        if let Some(kept) = at.and_then(|at| self.kept.remove(at)) {
            if kept.stamp == stamp {
                let clip = Arc::clone(&kept.clip);
                self.kept.push_back(kept);
                return Ok(clip);
            }
            self.bytes -= kept.bytes;
        }
        if about.len() > CLIP_BYTES_MAX as u64 {
            return Err(format!("{} bytes, more than {CLIP_BYTES_MAX}", about.len()));
        }
        let file = fs::read(&path).map_err(|why| why.to_string())?;
        let mut clip = Clip::read(&file).map_err(|why| why.to_string())?;
        if clip.wants_stops() {
            clip.prepare_stops().map_err(|why| why.to_string())?;
        }
        let (clip, bytes) = (Arc::new(clip), file.len());
        self.keep(Kept { name: name.clone(), stamp, bytes, clip: Arc::clone(&clip) });
        Ok(clip)
    }

    fn keep(&mut self, kept: Kept) {
        self.bytes += kept.bytes;
        self.kept.push_back(kept);
        while self.bytes > CACHE_BYTES_MAX && self.kept.len() > 1 {
            if let Some(old) = self.kept.pop_front() {
                self.bytes -= old.bytes;
            }
        }
    }
}

/// The file of a clip. A link that leads out of the folder is not followed.
fn inside(audio_dir: &Path, name: &ClipName) -> Result<PathBuf, String> {
    let folder = audio_dir.canonicalize().map_err(|why| format!("audio_dir: {why}"))?;
    let path = folder.join(name.as_str()).canonicalize().map_err(|why| why.to_string())?;
    if path.starts_with(&folder) { Ok(path) } else { Err("lies outside audio_dir".to_owned()) }
}

/// Not the number of any client: those are counted from 0.
const NOBODY: Client = Client(u64::MAX);
/// Bytes of clips kept in memory.
const CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;
