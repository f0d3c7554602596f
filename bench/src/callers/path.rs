//! One leg's way to the server: ICE as its kind does it, up to the handshake.

use std::net::SocketAddrV4;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::mpsc::UnboundedSender;

use super::sdp::Answer;
use super::stun::{self, Class, Key, Message};

/// What a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Meta's relay: ICE-lite, answers checks and makes none.
    Relay,
    /// An agent's browser: full ICE, in control.
    Browser,
}

/// How far a leg's ICE has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The server's answer is not known, or its check has not come.
    Waiting,
    /// Our check is out.
    Checking,
    /// Our nomination is out.
    Nominating,
    /// There is a way.
    Up,
}

/// One leg's ICE.
pub struct Path {
    /// What it is.
    pub kind: Kind,
    /// The socket it lives on.
    pub socket: usize,
    /// The one source it sends with.
    pub ssrc: u32,
    /// The server's answer.
    pub answer: Option<Answer>,
    /// Where DTLS datagrams go while there is a handshake.
    pub handshake: Option<UnboundedSender<Vec<u8>>>,
    ufrag: String,
    key: Key,
    their_key: Option<Key>,
    stage: Stage,
    /// The server nominated a pair before its answer was known.
    nominated: bool,
    transaction: [u8; 12],
    ask_at: u64,
    tie: u64,
}

/// What follows from a STUN message or from time.
#[derive(Debug, Default)]
pub struct Deeds {
    /// To be sent to this address.
    pub send: Vec<(SocketAddrV4, Vec<u8>)>,
    /// There is a way now: the handshake can begin.
    pub is_up: bool,
}

impl Path {
    /// A leg whose offer is being written. Nothing if the password cannot be a key.
    pub fn new(kind: Kind, socket: usize, ssrc: u32, ufrag: String, pwd: &str, rng: &mut StdRng) -> Option<Self> {
        Some(Path {
            kind,
            socket,
            ssrc,
            answer: None,
            handshake: None,
            ufrag,
            key: Key::new(pwd)?,
            their_key: None,
            stage: Stage::Waiting,
            nominated: false,
            transaction: [0; 12],
            ask_at: u64::MAX,
            tie: rng.random(),
        })
    }

    /// The server has answered.
    pub fn answered(&mut self, now_ns: u64, answer: Answer, rng: &mut StdRng) -> Deeds {
        self.their_key = Key::new(&answer.pwd);
        self.answer = Some(answer);
        match self.kind {
            Kind::Relay if self.nominated => self.come_up(now_ns),
            Kind::Relay => Deeds::default(),
            Kind::Browser => {
                self.stage = Stage::Checking;
                self.ask(now_ns, rng)
            }
        }
    }

    /// A STUN message from the server.
    pub fn take(&mut self, now_ns: u64, from: SocketAddrV4, message: &Message<'_>, rng: &mut StdRng) -> Deeds {
        match message.class {
            Class::Request if message.is_genuine(&self.key) => {
                let answer = stun::success(message.transaction(), from, &self.key);
                let mut deeds = Deeds::default();
                if message.nominates && self.kind == Kind::Relay && self.stage == Stage::Waiting {
                    self.nominated = true;
                    if self.answer.is_some() {
                        deeds = self.come_up(now_ns);
                    }
                }
                // WHY: the answer first; the server trusts an address only from then on.
                deeds.send.insert(0, (from, answer));
                deeds
            }
            Class::Success if message.transaction() == self.transaction => {
                let genuine = self.their_key.as_ref().is_some_and(|key| message.is_genuine(key));
                match (genuine, self.stage) {
                    (true, Stage::Checking) => {
                        self.stage = Stage::Nominating;
                        self.ask(now_ns, rng)
                    }
                    (true, Stage::Nominating) => self.come_up(now_ns),
                    _ => Deeds::default(),
                }
            }
            _ => Deeds::default(),
        }
    }

    /// Time has passed: a check is asked again, or consent.
    pub fn wake(&mut self, now_ns: u64, rng: &mut StdRng) -> Deeds {
        if now_ns < self.ask_at {
            return Deeds::default();
        }
        self.ask(now_ns, rng)
    }

    /// Our user fragment.
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    fn come_up(&mut self, now_ns: u64) -> Deeds {
        self.stage = Stage::Up;
        // RFC 7675: consent is asked for by whoever is not lite.
        self.ask_at = if self.kind == Kind::Browser { now_ns + CONSENT_NS } else { u64::MAX };
        Deeds { send: Vec::new(), is_up: true }
    }

    fn ask(&mut self, now_ns: u64, rng: &mut StdRng) -> Deeds {
        let (Some(answer), Some(key)) = (&self.answer, &self.their_key) else { return Deeds::default() };
        self.transaction = rng.random();
        let spread = rng.random_range(0..CONSENT_NS / 4);
        self.ask_at = now_ns + if self.stage == Stage::Up { CONSENT_NS - spread } else { RESEND_NS };
        let username = format!("{}:{}", answer.ufrag, self.ufrag);
        let nominate = self.stage == Stage::Nominating;
        let check = stun::check(self.transaction, &username, key, self.tie, nominate);
        Deeds { send: vec![(answer.at, check)], is_up: false }
    }
}

const RESEND_NS: u64 = 250_000_000;
const CONSENT_NS: u64 = 5_000_000_000;
