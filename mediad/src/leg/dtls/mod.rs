//! The handshake that gives a leg its SRTP keys, and the proof that the peer holds the certificate its SDP named.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod certificate;
mod record;
mod recovery;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use dimpl::Output;

pub use certificate::{Certificate, NoCertificate};
pub use record::BadRecord;
pub use recovery::RESTARTS_MAX;

use self::recovery::{Flight, STALL};
use super::srtp::{Keys, Profile};
use crate::base::packet::Packet;
use crate::wire::sdp::Setup;

/// One DTLS 1.2 association over the leg's ICE pair: dimpl, behind checks of our own.
///
/// Only datagrams from a source that ICE has validated may be given to it (design D16): it answers without a cookie.
/// What a stranger can spoof is dropped before dimpl sees it, and a handshake that was upset all the same begins anew,
/// at most [`RESTARTS_MAX`] times. Once connected nothing but the peer's authenticated goodbye changes anything.
pub struct Dtls {
    engine: dimpl::Dtls,
    certificate: Certificate,
    role: Role,
    expected: [u8; 32],
    state: State,
    /// When an unfinished handshake is given up.
    give_up_at: Instant,
    /// When a client that got nowhere says hello anew.
    anew_at: Option<Instant>,
    /// When this hello was said, or waited for.
    begun_at: Instant,
    /// The engine is beyond use; nothing is taken until the handshake begins anew.
    broken: bool,
    /// The random of the hello a server is answering, and when it came.
    hello: Option<([u8; 32], Instant)>,
    engine_due: Option<Instant>,
    restarts: u32,
    keys: Option<Keys>,
    proven: Proof,
    outgoing: VecDeque<Packet>,
    flight: Flight,
    events: VecDeque<DtlsEvent>,
    scratch: Vec<u8>,
}

impl Dtls {
    /// Begins an association with the peer whose certificate has the SHA-256 fingerprint `expected`. A client's hello
    /// lies ready at once.
    pub fn new(role: Role, certificate: &Certificate, expected: [u8; 32], now: Instant) -> Self {
        let mut dtls = Dtls {
            engine: certificate.engine(role, now),
            certificate: certificate.clone(),
            role,
            expected,
            state: State::Handshaking,
            give_up_at: now.checked_add(HANDSHAKE_MAX).unwrap_or(now),
            anew_at: now.checked_add(STALL).filter(|_| role == Role::Client),
            begun_at: now,
            broken: false,
            hello: None,
            engine_due: None,
            restarts: 0,
            keys: None,
            proven: Proof::Nothing,
            outgoing: VecDeque::new(),
            flight: Flight::default(),
            events: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES],
        };
        dtls.start(now);
        dtls
    }

    /// Takes a datagram that demux called DTLS, from a validated source.
    ///
    /// # Errors
    /// Says why nothing of the datagram was passed on.
    pub fn take(&mut self, now: Instant, bytes: &[u8]) -> Result<(), BadRecord> {
        if self.state == State::Closed || self.broken {
            return Err(BadRecord::Closed);
        }
        let kept = record::sift(bytes, self.state == State::Connected, self.role)?;
        if self.role == Role::Server && self.state == State::Handshaking {
            self.weigh_hello(now, kept.as_slice())?;
        }
        // dimpl's clock moves only here, and a server must have seen it move before its first packet.
        let timed = self.engine.handle_timeout(now);
        self.absorb(now, timed, Cause::Time);
        if self.state == State::Closed || self.broken {
            // Not the datagram's fault, and there is an event to be heard.
            return Ok(());
        }
        let taken = self.engine.handle_packet(kept.as_slice());
        self.absorb(now, taken, Cause::Progress);
        Ok(())
    }

    /// Time has passed: resends, or gives up.
    pub fn wake(&mut self, now: Instant) {
        if self.state == State::Handshaking && now >= self.give_up_at {
            return self.fail(DtlsFailure::Timeout);
        }
        if self.state == State::Handshaking && self.anew_at.is_some_and(|at| now >= at) {
            return self.stalled(now);
        }
        if self.state != State::Closed && !self.broken && self.engine_due.is_some_and(|due| now >= due) {
            let timed = self.engine.handle_timeout(now);
            self.absorb(now, timed, Cause::Time);
        }
        if self.state == State::Handshaking && self.flight.due().is_some_and(|due| now >= due) {
            self.flight.sent_at = Some(now);
            self.outgoing.extend(self.flight.packets.iter().cloned());
        }
    }

    /// The next datagram to be sent along the selected pair.
    pub fn give(&mut self) -> Option<Packet> {
        self.outgoing.pop_front()
    }

    /// When [`Dtls::wake`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        match self.state {
            State::Handshaking => {
                [self.engine_due, self.flight.due(), self.anew_at, Some(self.give_up_at)].into_iter().flatten().min()
            }
            State::Connected => self.engine_due,
            State::Closed => None,
        }
    }

    /// The next thing that happened.
    pub fn event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    /// Whether the handshake is done and the peer has not said goodbye.
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Says goodbye; the alert lies ready to be sent, and nothing more is taken.
    pub fn close(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        let closed = self.engine.close();
        self.absorb(now, closed, Cause::Time);
        self.state = State::Closed;
    }

    fn start(&mut self, now: Instant) {
        let timed = self.engine.handle_timeout(now);
        self.absorb(now, timed, Cause::Progress);
    }

    /// Drains dimpl after a call into it and weighs the call's result.
    fn absorb(&mut self, now: Instant, result: Result<(), dimpl::Error>, cause: Cause) {
        if let Err(error) = result {
            return self.upset(now, &error);
        }
        let mut done = false;
        let mut sent = Vec::new();
        loop {
            match self.engine.poll_output(&mut self.scratch) {
                Output::Packet(bytes) => sent.extend(Packet::from_slice(bytes)),
                Output::BufferTooSmall { needed } if needed <= SCRATCH_BYTES_MAX => self.scratch.resize(needed, 0),
                Output::BufferTooSmall { .. } => return self.fail(DtlsFailure::CertificateTooLong),
                Output::PeerCert(der) => {
                    let fits = certificate::same(&certificate::fingerprint_of(der), &self.expected);
                    self.proven = if fits { Proof::Fits } else { Proof::Differs };
                }
                Output::KeyingMaterial(bytes, profile) => {
                    self.keys =
                        profile_of(profile).and_then(|p| Keys::from_exported(p, &bytes, self.role == Role::Client));
                }
                Output::Connected => done = true,
                Output::CloseNotify => self.said_goodbye(),
                Output::Timeout(due) => {
                    // A year ahead is dimpl's way to say that it waits for nothing.
                    self.engine_due = Some(due).filter(|due| due.saturating_duration_since(now) < IDLE);
                    break;
                }
                // Application data is not for us, and what a later dimpl may add we do not need.
                _ => {}
            }
        }
        self.send(now, sent, cause);
        if self.proven == Proof::Differs && self.state == State::Handshaking {
            self.refuse_certificate();
        } else if done && self.state == State::Handshaking {
            self.connected();
        }
    }

    fn send(&mut self, now: Instant, sent: Vec<Packet>, cause: Cause) {
        if sent.is_empty() {
            return;
        }
        let room = OUTGOING_MAX.saturating_sub(self.outgoing.len());
        self.outgoing.extend(sent.iter().take(room).cloned());
        if self.state == State::Handshaking {
            self.flight.sent_at = Some(now);
            if cause == Cause::Progress {
                self.flight.packets = sent;
            }
        }
    }

    fn connected(&mut self) {
        self.flight = Flight::default();
        match (self.proven, self.keys.take()) {
            (Proof::Fits, Some(keys)) => {
                self.state = State::Connected;
                self.events.push_back(DtlsEvent::Connected(keys));
            }
            (Proof::Fits, None) => self.fail(DtlsFailure::NoSrtp),
            _ => self.fail(DtlsFailure::Fingerprint),
        }
    }

    fn said_goodbye(&mut self) {
        if self.state == State::Connected {
            self.state = State::Closed;
            self.events.push_back(DtlsEvent::PeerClosed);
        }
    }

    fn refuse_certificate(&mut self) {
        self.outgoing.extend(Packet::from_slice(&BAD_CERTIFICATE_ALERT));
        self.fail(DtlsFailure::Fingerprint);
    }

    fn fail(&mut self, why: DtlsFailure) {
        self.state = State::Closed;
        self.keys = None;
        self.flight = Flight::default();
        self.events.push_back(DtlsEvent::Failed(why));
    }
}

impl std::fmt::Debug for Dtls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dtls({:?}, {:?}, {} restarts)", self.role, self.state, self.restarts)
    }
}

/// Who sends the first hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We do: `a=setup:active`.
    Client,
    /// The peer does: `a=setup:passive`.
    Server,
}

impl Role {
    /// Our role when the peer's final word on it is `theirs`; to `actpass` we are the client.
    pub fn opposite(theirs: Setup) -> Self {
        match theirs {
            Setup::Active => Role::Server,
            Setup::Passive | Setup::Actpass => Role::Client,
        }
    }
}

/// What became of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DtlsEvent {
    /// It is done and the peer's certificate is the one its SDP named.
    Connected(Keys),
    /// The peer said goodbye, authenticated.
    PeerClosed,
    /// It is over; nothing more comes from this association.
    Failed(DtlsFailure),
}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DtlsFailure {
    /// It was not done in 15 s.
    #[error("dtls handshake was not done in 15 s")]
    Timeout,
    /// The peer's certificate is not the one its SDP named.
    #[error("certificate does not have the fingerprint the sdp named")]
    Fingerprint,
    /// The peer's certificate is longer than 16 KiB.
    #[error("certificate is longer than 16 KiB")]
    CertificateTooLong,
    /// The peer agreed on no SRTP profile.
    #[error("peer agreed on no srtp profile")]
    NoSrtp,
    /// The handshake broke more often than it may begin anew; the last reason.
    #[error("dtls handshake broke: {0}")]
    Handshake(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshaking,
    Connected,
    Closed,
}

/// Why dimpl was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Something new: what it sends is a flight of its own.
    Progress,
    /// The clock: what it sends was sent before.
    Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Nothing,
    Fits,
    Differs,
}

fn profile_of(profile: dimpl::SrtpProfile) -> Option<Profile> {
    match profile {
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::AesCm128HmacSha1_80),
        dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
        dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
        _ => None,
    }
}

/// From the first datagram to the keys.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(15);
/// Datagrams that wait to be sent; a flight has five at most.
const OUTGOING_MAX: usize = 64;
const SCRATCH_BYTES: usize = 2_048;
const SCRATCH_BYTES_MAX: usize = 16 * 1_024;
const IDLE: Duration = Duration::from_secs(24 * 3_600);
/// Fatal `bad_certificate` in the clear, numbered far above any flight of ours: a refusal during the handshake has no keys yet.
const BAD_CERTIFICATE_ALERT: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 2, 42];

#[cfg(test)]
mod tests;
