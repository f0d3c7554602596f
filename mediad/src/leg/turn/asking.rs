//! Requests to the server: sent again, logged in when it wants that, given up.

use std::time::{Duration, Instant};

use super::{Account, BadTurn, LIFETIME_SECS, Loss, Turn};
use crate::base::packet::Packet;
use crate::wire::stun::turn::{Ask, Login, Method, TurnRequest};
use crate::wire::stun::{Class, Key, Message, Transaction};
use crate::wire::turn::Transport;

/// A request under way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) ask: Ask,
    transaction: Transaction,
    packet: Packet,
    /// Logged in, so that the answer must be signed.
    signed: bool,
    /// How often the server wanted another login for it.
    challenged: u32,
    next_at: Instant,
    give_up_at: Instant,
}

impl Request {
    pub(super) fn due(&self) -> Instant {
        self.next_at.min(self.give_up_at)
    }
}

impl Turn {
    /// Asks for something, unless too much is under way.
    pub(super) fn ask(&mut self, now: Instant, ask: Ask) {
        self.ask_again(now, ask, 0);
    }

    fn ask_again(&mut self, now: Instant, ask: Ask, challenged: u32) {
        if self.requests.len() >= REQUESTS_MAX {
            return;
        }
        let transaction = self.fresh();
        let packet = TurnRequest { transaction, ask }.write(self.login.as_ref());
        let (resend, patience) = match (self.transport, ask) {
            (Transport::Udp, Ask::Allocate) => (RESEND, PATIENCE_ALLOCATE),
            (Transport::Udp, _) => (RESEND, PATIENCE),
            // A stream resends by itself; it also has to be opened, and a TLS handshake made.
            (Transport::Tcp | Transport::Tls, Ask::Allocate) => (PATIENCE_STREAM, PATIENCE_STREAM),
            (Transport::Tcp | Transport::Tls, _) => (PATIENCE, PATIENCE),
        };
        let after = |wait| now.checked_add(wait).unwrap_or(now);
        self.send(packet.clone());
        self.requests.push(Request {
            ask,
            transaction,
            packet,
            signed: self.login.is_some(),
            challenged,
            next_at: after(resend),
            give_up_at: after(patience),
        });
    }

    /// Sends again what was not answered; without any answer in time the server is dead.
    pub(super) fn resend(&mut self, now: Instant) {
        if self.requests.iter().any(|request| now >= request.give_up_at) {
            return self.die(Loss::NoAnswer);
        }
        let mut again = Vec::new();
        for request in self.requests.iter_mut().filter(|request| now >= request.next_at) {
            request.next_at = now.checked_add(RESEND).unwrap_or(now);
            again.push(request.packet.clone());
        }
        for packet in again {
            self.send(packet);
        }
    }

    pub(super) fn take_answer(
        &mut self,
        now: Instant,
        method: Method,
        class: Class,
        message: &Message<'_>,
    ) -> Result<(), BadTurn> {
        let asked = |request: &Request| request.transaction == message.transaction() && request.ask.method() == method;
        let at = self.requests.iter().position(asked).ok_or(BadTurn::Unasked)?;
        let signed = self.requests.get(at).is_some_and(|request| request.signed);
        let wants_login = matches!(message.error_code(), Some(401 | 438));
        // RFC 8489 §9.2.5: whoever knows the password signs. A server that wants a login does not know us yet.
        if signed && !(class == Class::Error && wants_login) {
            let key = self.login.as_ref().map(|login| &login.key).ok_or(BadTurn::Unproven)?;
            message.verify(key).map_err(|_| BadTurn::Unproven)?;
        }
        let request = self.requests.remove(at);
        self.heard_at = now;
        match (class, message.error_code()) {
            (Class::Success, _) => self.granted(now, request.ask, message),
            (_, Some(401 | 438)) => self.log_in(now, &request, message),
            (_, code) => self.refused(now, request.ask, code.unwrap_or(0)),
        }
        Ok(())
    }

    fn granted(&mut self, now: Instant, ask: Ask, message: &Message<'_>) {
        match ask {
            Ask::Allocate => self.come_up(now, message),
            Ask::Refresh(_) => self.refresh_after(now, message),
            Ask::Permit(ip) => {
                self.peers.permitted(now, ip);
                while let Some((peer, mut packet)) = self.peers.release(ip) {
                    if self.wrap(now, peer, &mut packet) {
                        self.send(packet);
                    }
                }
            }
            Ask::Bind(number, _) => self.peers.bound(now, number),
        }
    }

    /// A first challenge, or a nonce that has grown old: asked again with what the server now wants. Three times a
    /// request, so that a server that never has enough is not asked for ever.
    fn log_in(&mut self, now: Instant, request: &Request, message: &Message<'_>) {
        let code = message.error_code().unwrap_or(0);
        let Some(challenge) = message.challenge() else { return self.die(Loss::Senseless) };
        // The same question with the same login again: the password is wrong.
        let same = self.login.as_ref().is_some_and(|login| login.challenge == challenge);
        if request.challenged >= CHALLENGES_MAX || (request.signed && code == 401 && same) {
            return self.die(Loss::Refused(code));
        }
        let Account { username, password } = &self.account;
        let Some(key) = Key::long_term(username, &challenge.realm, password) else { return self.die(Loss::Account) };
        self.login = Some(Login { username: username.clone(), challenge, key });
        self.ask_again(now, request.ask, request.challenged.saturating_add(1));
    }

    fn refused(&mut self, now: Instant, ask: Ask, code: u16) {
        match ask {
            Ask::Allocate | Ask::Refresh(_) => return self.die(Loss::Refused(code)),
            Ask::Permit(ip) => self.peers.denied(ip),
            Ask::Bind(number, _) => self.peers.unbound(number),
        }
        // 403 is about the peer. Anything else may mean that the server has forgotten us, and whether it has is what a
        // refresh tells: servers differ in how they say so.
        if code != 403 && !self.requests.iter().any(|request| matches!(request.ask, Ask::Refresh(_))) {
            self.ask(now, Ask::Refresh(LIFETIME_SECS));
        }
    }
}

/// Requests under way at once.
const REQUESTS_MAX: usize = 16;
const RESEND: Duration = Duration::from_millis(400);
/// How long a server may take to grant an address: a caller waits meanwhile.
const PATIENCE_ALLOCATE: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_millis(2_500);
const PATIENCE_STREAM: Duration = Duration::from_millis(2_800);
const CHALLENGES_MAX: u32 = 3;
