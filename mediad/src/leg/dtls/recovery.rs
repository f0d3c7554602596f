//! What a handshake does about loss, about a peer that is not there yet, and about forgers.

use std::time::{Duration, Instant};

use super::{BadRecord, Dtls, DtlsFailure, Proof, Role, State, record};
use crate::base::packet::Packet;

/// The datagrams that wait for an answer. dimpl doubles its waits without end, so that a third lost datagram costs
/// five seconds; a repeated record does no harm (RFC 6347 §4.2.4), so we repeat them at a steady pace besides.
#[derive(Default)]
pub(super) struct Flight {
    pub(super) packets: Vec<Packet>,
    pub(super) sent_at: Option<Instant>,
}

impl Flight {
    pub(super) fn due(&self) -> Option<Instant> {
        self.sent_at.filter(|_| !self.packets.is_empty())?.checked_add(RESEND)
    }
}

impl Dtls {
    /// dimpl calls every error fatal. Before the handshake is done anybody on the peer's address could have caused
    /// it, so the handshake begins anew; afterwards SRTP has its keys and needs dimpl no more.
    pub(super) fn upset(&mut self, now: Instant, error: &dimpl::Error) {
        match self.state {
            State::Handshaking if self.restarts < RESTARTS_MAX => {
                self.restarts = self.restarts.saturating_add(1);
                self.recover(now);
            }
            State::Handshaking => self.fail(DtlsFailure::Handshake(error.to_string())),
            State::Connected | State::Closed => self.engine_due = None,
        }
    }

    /// A server waits for the next hello at once. A client must first let the server tire of the old one, or the
    /// server's repetitions of its old answer would upset the new handshake too.
    fn recover(&mut self, now: Instant) {
        match (self.role, self.begun_at.checked_add(TRY_AGAIN)) {
            (Role::Client, Some(at)) if at > now => {
                self.broken = true;
                self.engine_due = None;
                self.flight = Flight::default();
                self.anew_at = Some(at);
            }
            _ => self.begin_anew(now),
        }
    }

    /// A client that has heard nothing says hello anew: the peer had not been told of us when we began. One that has
    /// heard the server's flight waits longer, for the server may be done and only its last flight be lost.
    pub(super) fn stalled(&mut self, now: Instant) {
        if self.broken {
            self.anew_at = now.checked_add(STALL);
            return self.begin_anew(now);
        }
        let last = self.give_up_at.checked_sub(LAST_TRIES).filter(|last| now < *last);
        match (self.proven, last) {
            (Proof::Nothing, Some(_)) => self.anew_at = now.checked_add(STALL),
            (_, Some(last)) => return self.anew_at = Some(last),
            (_, None) => self.anew_at = now.checked_add(TRY_AGAIN),
        }
        self.begin_anew(now);
    }

    fn begin_anew(&mut self, now: Instant) {
        self.engine = self.certificate.engine(self.role, now);
        self.keys = None;
        self.proven = Proof::Nothing;
        self.hello = None;
        self.flight = Flight::default();
        self.begun_at = now;
        self.broken = false;
        self.start(now);
    }

    /// A client that was upset says hello with a new random; a forger does so too. The first one is answered, another
    /// only after the first has come to nothing for [`HELLO_HOLDS`].
    pub(super) fn weigh_hello(&mut self, now: Instant, bytes: &[u8]) -> Result<(), BadRecord> {
        let Some(random) = record::hello_random(bytes) else { return Ok(()) };
        match self.hello {
            Some((held, _)) if held == random => return Ok(()),
            Some((_, since)) if now.saturating_duration_since(since) < HELLO_HOLDS => {
                return Err(BadRecord::OtherHello);
            }
            Some(_) if self.restarts >= RESTARTS_MAX => return Err(BadRecord::OtherHello),
            Some(_) => {
                self.restarts = self.restarts.saturating_add(1);
                self.begin_anew(now);
            }
            None => {}
        }
        self.hello = Some((random, now));
        Ok(())
    }
}

/// How often an upset handshake begins anew.
pub const RESTARTS_MAX: u32 = 8;
/// Between two sendings of a flight.
const RESEND: Duration = Duration::from_millis(400);
/// After this long without an answer a client says hello anew.
pub(super) const STALL: Duration = Duration::from_secs(5);
/// This long before giving up a client whose handshake got stuck begins it again, and again.
const LAST_TRIES: Duration = Duration::from_secs(6);
/// Longer than a server stays with a hello that came to nothing.
const TRY_AGAIN: Duration = Duration::from_millis(2_500);
/// How long a server stays with the first hello it took.
const HELLO_HOLDS: Duration = Duration::from_secs(2);
