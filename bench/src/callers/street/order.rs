//! What the callers' loop is told, what it tells, and what it is built on.

use std::net::{SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::mpsc::UnboundedSender;

use crate::callers::figures::Figures;
use crate::callers::handshake::Begin;
use crate::callers::path::Kind;
use crate::callers::sdp::Answer;
use crate::callers::sound::Ring;
use crate::callers::srtp::Keys;

/// What the street is told.
pub enum Order {
    /// A leg whose offer is on its way.
    Add {
        /// Its number: the caller's to choose, small.
        leg: usize,
        /// What it is.
        kind: Kind,
        /// The socket it lives on.
        socket: usize,
        /// Its source.
        ssrc: u32,
        /// Its ICE user fragment.
        ufrag: String,
        /// Its ICE password.
        pwd: String,
    },
    /// The server's answer.
    Answer {
        /// The leg.
        leg: usize,
        /// What it says.
        answer: Answer,
    },
    /// A handshake has ended.
    Keys {
        /// The leg.
        leg: usize,
        /// Its keys, or why there are none.
        keys: Result<Keys, String>,
    },
    /// A leg that needs no ICE and no DTLS, for the bare loop.
    Direct {
        /// Its number.
        leg: usize,
        /// The socket it lives on.
        socket: usize,
        /// Where it sends.
        to: SocketAddrV4,
        /// Its source.
        ssrc: u32,
        /// Its keys.
        keys: Keys,
    },
    /// Two legs hear each other.
    Pair(usize, usize),
    /// A leg talks, a packet each 20 ms.
    Talk(usize),
    /// A leg is gone.
    Forget(usize),
    /// A window opens.
    Open,
    /// The window closes; its figures go here, once what is on the way has come.
    Close(Sender<Figures>),
    /// The end.
    Stop,
}

/// What the street tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A leg has its keys.
    Up {
        /// Which.
        leg: usize,
    },
    /// A leg will never have them.
    Failed {
        /// Which.
        leg: usize,
        /// Why.
        why: String,
    },
}

/// What a street is built on.
pub struct Grounds {
    /// Its sockets, prepared.
    pub sockets: Vec<Arc<UdpSocket>>,
    /// The server's first port and how many it has.
    pub ports: (u16, u16),
    /// Microseconds between two looks at the clock; divides 20 ms.
    pub tick_us: u32,
    /// What legs say.
    pub ring: Ring,
    /// Where handshakes are made; none for the bare loop.
    pub handshakes: Option<UnboundedSender<Begin>>,
    /// Same seed, same phases.
    pub seed: u64,
}
