//! The way to mediad: commands with answers, numbered events, a snapshot after every reconnect. The only room that
//! speaks `protocol`.

mod link;
mod start;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

pub use protocol::{
    BridgeId, CallId as MediaCallId, ClipName, Command, Digit, ErrorCode, Event, Filler, LegEnd, LegId, LegState, Peer,
    PlayEnd, Reach, RecordingEnd, RecordingId as MediaRecordingId, Refusal, Reply, limits,
};

/// mediad, as the desk sees it. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Mediad {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// Where mediad is, and how to start one if nobody answers there (D14).
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// Its Unix socket.
    pub socket: PathBuf,
    /// The program; `None`: one is started by somebody else.
    pub binary: Option<PathBuf>,
    /// The configuration file it is started with.
    pub config: Option<PathBuf>,
}

/// What mediad tells without being asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// The conversation is open. Events the desk has missed come next, then a snapshot.
    Up {
        /// Which life of mediad this is.
        epoch: String,
        /// The event after which the telling begins.
        after: u64,
    },
    /// The conversation broke off; it is being taken up again.
    Down,
    /// Something happened.
    Event {
        /// Its number within the life of mediad.
        seq: u64,
        /// When, by mediad's clock, in milliseconds since 1970.
        at_ms: u64,
        /// What.
        event: Event,
    },
    /// Everything that is alive, told once after every `Up`. Legs that were opened during this conversation may be
    /// missing in it.
    Snapshot {
        /// Which conversation: 1, 2, 3 … since our start.
        conversation: u64,
        /// What is alive.
        alive: Alive,
    },
}

/// Everything that is alive in mediad.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alive {
    /// Legs, by name.
    pub legs: Vec<protocol::LegSummary>,
    /// Bridges.
    pub bridges: Vec<protocol::BridgeSummary>,
    /// Recordings.
    pub recordings: Vec<protocol::RecordingSummary>,
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediadError {
    /// mediad said no.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// mediad is gone, or was started anew and knows nothing of it.
    #[error("mediad is gone")]
    Gone,
    /// No answer in time.
    #[error("mediad did not answer within {ANSWER_TIMEOUT_MS} ms")]
    Late,
    /// Too many commands wait.
    #[error("{ORDERS_MAX} commands wait for mediad already")]
    Full,
    /// More than a line of the conversation holds.
    #[error("that is more than mediad can be told at once")]
    TooLong,
    /// An answer that does not fit the command.
    #[error("mediad gave an answer to another question")]
    Mistaken,
}

impl MediadError {
    /// mediad does not know the name: its leg, bridge or recording is over.
    pub fn is_unknown(&self) -> bool {
        use ErrorCode::{UnknownBridge, UnknownLeg, UnknownRecording};
        matches!(self, Self::Refused(Refusal { code: UnknownLeg | UnknownBridge | UnknownRecording, .. }))
    }
}

/// An answer on its way. The command is sent already; dropping this only means not to listen.
#[derive(Debug)]
pub struct Asked(Result<oneshot::Receiver<Result<Reply, MediadError>>, MediadError>);

impl Asked {
    /// Whatever the answer is.
    pub async fn reply(self) -> Result<Reply, MediadError> {
        let answer = tokio::time::timeout(Duration::from_millis(ANSWER_TIMEOUT_MS), self.0?).await;
        answer.map_err(|_| MediadError::Late)?.map_err(|_| MediadError::Gone)?
    }

    /// It was carried out.
    pub async fn done(self) -> Result<(), MediadError> {
        self.reply().await.map(|_| ())
    }

    /// The session description it brought.
    pub async fn sdp(self) -> Result<String, MediadError> {
        match self.reply().await? {
            Reply::LegOpened { answer } => Ok(answer),
            Reply::LegOffered { offer } => Ok(offer),
            _ => Err(MediadError::Mistaken),
        }
    }
}

impl Mediad {
    /// Takes up the conversation and keeps it up. `seen` is the last event that was dealt with: life and number.
    /// `first_id` must be above every command number used before, so that none is taken for a repeat.
    pub fn start(whereabouts: Whereabouts, seen: Option<(String, u64)>, first_id: u64) -> (Self, mpsc::Receiver<Told>) {
        let (orders, order_queue) = mpsc::channel(ORDERS_MAX);
        let (told, told_queue) = mpsc::channel(TOLD_MAX);
        let (stopping, stop) = watch::channel(false);
        let shared = Arc::new(Shared {
            pid: AtomicI32::new(0),
            up: AtomicBool::new(false),
            conversation: AtomicU64::new(0),
            stopping,
        });
        tokio::spawn(link::Link::new(whereabouts, order_queue, told, Arc::clone(&shared), seen, first_id).run(stop));
        (Self { orders, shared }, told_queue)
    }

    /// Sends a command. It leaves in the order of the calls, whether or not the answer is awaited.
    pub fn ask(&self, command: Command) -> Asked {
        let (answer, listen) = oneshot::channel();
        let order = Order { command, answer: Some(answer) };
        Asked(self.orders.try_send(order).map(|()| listen).map_err(|error| full_or_gone(&error)))
    }

    /// Sends a command whose answer nobody waits for; a refusal is logged.
    pub fn tell(&self, command: Command) {
        if let Err(error) = self.orders.try_send(Order { command, answer: None }) {
            tracing::error!("a command to mediad was lost: {}", full_or_gone(&error));
        }
    }

    /// The conversation is open.
    pub fn is_up(&self) -> bool {
        self.shared.up.load(Ordering::Relaxed)
    }

    /// Which conversation it is: 0 before the first, one more with each.
    pub fn conversation(&self) -> u64 {
        self.shared.conversation.load(Ordering::Acquire)
    }

    /// Ends mediad, whoever started it, and waits until it is gone or 5 s are over. For Ctrl-C only: a controld that
    /// restarts leaves mediad and its calls alone.
    pub async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        start::end(self.shared.pid.load(Ordering::Relaxed)).await;
    }

    /// Lets go of mediad and leaves it running.
    pub fn leave(&self) {
        self.shared.stopping.send_replace(true);
    }
}

#[derive(Debug)]
struct Order {
    command: Command,
    answer: Option<oneshot::Sender<Result<Reply, MediadError>>>,
}

#[derive(Debug)]
struct Shared {
    pid: AtomicI32,
    up: AtomicBool,
    conversation: AtomicU64,
    stopping: watch::Sender<bool>,
}

fn full_or_gone(error: &mpsc::error::TrySendError<Order>) -> MediadError {
    match error {
        mpsc::error::TrySendError::Full(_) => MediadError::Full,
        mpsc::error::TrySendError::Closed(_) => MediadError::Gone,
    }
}

/// Commands that may wait to be written.
const ORDERS_MAX: usize = 4_096;
/// Events that may wait for the desk; beyond it mediad keeps them in its ring.
const TOLD_MAX: usize = 4_096;
const ANSWER_TIMEOUT_MS: u64 = 5_000;
