//! The whole boundary of the engine: everything that can happen to it, and everything it can ask for.

use std::net::SocketAddr;
use std::sync::Arc;

use audio::clip::Clip;
use protocol::{ClipName, FromMediad, Hello, Numbered, RecordingEnd, RecordingId, Request, Stuck};

use crate::base::outbox::Path;
use crate::base::packet::Packet;
use crate::bridge::recorder::Batch;
use crate::leg::relay::Plan;

/// A control connection, as the shell numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client(pub u64);

/// Everything that can happen to the engine. If it is not a variant, it cannot happen.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram came in. It is opened in place.
    Datagram {
        /// Which way it came.
        path: Path,
        /// Its bytes.
        packet: &'a mut Packet,
    },
    /// A client opened its conversation. It may send commands from now on, if the answer is a welcome.
    Hello {
        /// Who.
        client: Client,
        /// What it said.
        hello: Hello,
    },
    /// A client wants something done.
    Command {
        /// Who.
        client: Client,
        /// What.
        request: Request,
        /// The clip the command names, if it names one.
        clip: ClipFound,
        /// The music that follows a clip, if the command names some.
        then: ClipFound,
    },
    /// A client is gone.
    Gone {
        /// Who.
        client: Client,
    },
    /// The writer has closed a recording's file: this is what became of it.
    Written {
        /// Which.
        recording: RecordingId,
        /// How it ended.
        why: RecordingEnd,
        /// What is in the file, in milliseconds.
        duration_ms: u64,
        /// Size of the file.
        bytes: u64,
    },
    /// The disk does not take a recording.
    Stuck {
        /// Which.
        recording: RecordingId,
        /// Why.
        why: Stuck,
    },
    /// The disk takes a recording again.
    GoesOn {
        /// Which.
        recording: RecordingId,
        /// What was lost, in milliseconds.
        lost_ms: u64,
    },
    /// The servers by which legs are reached unless a command says otherwise: their names have been looked up.
    Servers(Plan),
    /// The stream to a TURN server broke, or could not be opened.
    LinkDown {
        /// As it was opened: our side and the server.
        path: Path,
    },
    /// A turn of the loop: deadlines are looked at, and work that was put off is taken up.
    Turn,
    /// The process is to end: recordings are closed, peers are told.
    Stop,
}

/// What the shell found for a clip's name.
#[derive(Debug, Clone, Default)]
pub enum ClipFound {
    /// The command names none.
    #[default]
    NotAsked,
    /// It is there.
    Found(ClipName, Arc<Clip>),
    /// It is not, and why.
    Missing(ClipName, String),
}

/// Everything the engine may ask of the shell, datagrams apart: those are in [`super::Drain::datagrams`].
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A line for one client.
    Answer {
        /// Who.
        client: Client,
        /// What.
        message: FromMediad,
    },
    /// A line for every client that was welcomed.
    Tell(Numbered),
    /// Work for the recordings' writer.
    Spool {
        /// Which recording.
        recording: RecordingId,
        /// What to do.
        piece: Piece,
    },
    /// A stream to a TURN server.
    Link(Link),
}

/// A stream to a TURN server. While it stands, datagrams between its port and its server go by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// To be opened.
    Open {
        /// What stands for our side; its port is the leg's.
        local: SocketAddr,
        /// The server.
        server: SocketAddr,
        /// Inside TLS, whose certificate must be this name's.
        name: Option<Arc<str>>,
    },
    /// To be closed, if there is one.
    Close {
        /// The leg's port.
        port: u16,
        /// The server.
        server: SocketAddr,
    },
}

/// One step of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Begin the file.
    Begin {
        /// The Ogg stream's number.
        serial: u32,
        /// The call, for the file's tags.
        call: String,
    },
    /// Add slots.
    Slots(Batch),
    /// Write the end of the stream and close the file; [`Input::Written`] answers.
    End,
}
