//! What comes in: to its leg, opened or followed by its header, counted.

use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;

use super::{NOBODY, Street, Window};
use crate::callers::handshake::Begin;
use crate::callers::path::Deeds;
use crate::callers::stun::{self, Message};
use crate::callers::sys;
use crate::callers::voice::{Checked, Order as Standing, Talker};

impl Street {
    /// Reads the sockets one after the other, until all are empty or it is time to speak again.
    pub(super) fn listen(&mut self, until: u64) {
        let mut inbox = std::mem::take(&mut self.inbox);
        let count = self.grounds.sockets.len();
        while self.unread > 0 {
            let socket = self.next_socket % count;
            let fd = self.grounds.sockets[socket].as_raw_fd();
            let read = inbox.read(fd, |arrival| self.take(socket, arrival.from, arrival.at_ns, arrival.bytes));
            // An error is an ICMP answer to something we sent; it says nothing about this socket.
            if read.unwrap_or(0) < sys::BATCH {
                self.next_socket = socket + 1;
                self.unread -= 1;
            }
            if sys::steady_ns() >= until {
                break;
            }
        }
        self.inbox = inbox;
    }

    pub(super) fn take(&mut self, socket: usize, from: SocketAddrV4, at_ns: u64, bytes: &mut [u8]) {
        match bytes.first() {
            Some(128..=191) => match bytes.get(1) {
                Some(192..=223) => self.figures.rtcp += 1,
                _ => match self.leg_at(socket, from) {
                    Some(leg) => self.hear(leg, at_ns, bytes),
                    None => self.figures.strays += 1,
                },
            },
            Some(20..=63) => self.pass_to_handshake(socket, from, bytes),
            _ if stun::is_stun(bytes) => self.take_stun(socket, from, bytes),
            _ => self.figures.strays += 1,
        }
    }

    pub(super) fn hear(&mut self, leg: usize, at_ns: u64, bytes: &[u8]) {
        let at_ns = if at_ns == 0 { sys::wall_ns() } else { at_ns };
        let Some(mut talker) = self.talkers.get_mut(leg).and_then(Option::take) else {
            self.figures.strays += 1;
            return;
        };
        self.figures.taken += u64::from(matches!(self.window, Window::Open));
        match talker.ear.take(bytes, at_ns) {
            None => self.figures.strays += 1,
            Some(came) => {
                match came.order {
                    Standing::Newest => {}
                    Standing::Late => self.figures.late += 1,
                    Standing::Again => self.figures.again += 1,
                }
                if let Some(gap) = came.gap_ns.filter(|_| !matches!(self.window, Window::Shut)) {
                    self.figures.gap.add(gap);
                }
                match talker.ear.check(bytes) {
                    Checked::Skipped => {}
                    Checked::False => self.figures.unverified += 1,
                    Checked::Says(payload) => self.compare(&mut talker, came.number, &payload),
                }
                if came.order != Standing::Again {
                    self.count(&mut talker, came.number, at_ns);
                }
            }
        }
        self.talkers[leg] = Some(talker);
    }

    /// Holds what a packet says against what the other leg has said.
    pub(super) fn compare(&mut self, talker: &mut Talker, number: u64, payload: &[u8]) {
        let Some(other) = talker.hears.and_then(|other| self.talkers.get(other)?.as_ref()) else {
            self.figures.verified += 1;
            return;
        };
        let ring = &self.grounds.ring;
        if talker.ear.said_as(number).is_some_and(|n| other.mouth.packet(n, ring) == payload) {
            self.figures.verified += 1;
        } else if let Some(n) = other.mouth.find(payload, ring) {
            self.figures.moved += u64::from(talker.ear.relate(number, n));
            self.figures.verified += 1;
        } else {
            self.figures.foreign += 1;
        }
    }

    pub(super) fn count(&mut self, talker: &mut Talker, number: u64, at_ns: u64) {
        let Some(other) = talker.hears else {
            if matches!(self.window, Window::Open) {
                talker.ear.came += 1;
            }
            return;
        };
        let Some(other) = self.talkers.get(other).and_then(Option::as_ref) else { return };
        let Some(n) = talker.ear.said_as(number).filter(|n| (other.window.0..=other.window.1).contains(n)) else {
            return;
        };
        talker.ear.came += 1;
        if let Some(left) = other.mouth.left_at(n) {
            self.figures.latency.add(at_ns.saturating_sub(left));
        }
    }

    pub(super) fn leg_at(&self, socket: usize, from: SocketAddrV4) -> Option<usize> {
        let (first, count) = self.grounds.ports;
        let port = from.port().checked_sub(first).filter(|port| *port < count)?;
        let leg = *self.routes.get(socket * usize::from(count) + usize::from(port))?;
        (leg != NOBODY).then_some(leg as usize)
    }

    pub(super) fn route(&mut self, socket: usize, from: SocketAddrV4, leg: u32) {
        let (first, count) = self.grounds.ports;
        let Some(port) = from.port().checked_sub(first).filter(|port| *port < count) else { return };
        if let Some(room) = self.routes.get_mut(socket * usize::from(count) + usize::from(port)) {
            *room = leg;
        }
    }

    pub(super) fn pass_to_handshake(&mut self, socket: usize, from: SocketAddrV4, bytes: &[u8]) {
        let leg = self.leg_at(socket, from).and_then(|leg| self.paths.get(leg)?.as_ref());
        // After the handshake nothing is expected but the server's farewell.
        if let Some(handshake) = leg.and_then(|path| path.handshake.as_ref()) {
            let _ = handshake.send(bytes.to_vec());
        }
    }

    pub(super) fn take_stun(&mut self, socket: usize, from: SocketAddrV4, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else { return };
        let named = message.receiver.and_then(|ufrag| self.ufrags.get(ufrag)).copied();
        let Some(leg) = named.or_else(|| self.leg_at(socket, from)) else {
            self.figures.strays += 1;
            return;
        };
        let now = sys::steady_ns();
        let Some(path) = self.paths.get_mut(leg).and_then(Option::as_mut) else { return };
        let deeds = path.take(now, from, &message, &mut self.rng);
        if named.is_some() && !deeds.send.is_empty() {
            self.route(socket, from, leg as u32);
        }
        self.carry_out(leg, deeds);
    }

    pub(super) fn carry_out(&mut self, leg: usize, deeds: Deeds) {
        let Some(path) = self.paths.get_mut(leg).and_then(Option::as_mut) else { return };
        let Some(socket) = self.grounds.sockets.get(path.socket) else { return };
        for (to, bytes) in deeds.send {
            let _ = socket.send_to(&bytes, to);
        }
        if let (true, Some(answer), Some(begin)) = (deeds.is_up, &path.answer, &self.grounds.handshakes) {
            let (give, datagrams) = unbounded_channel();
            path.handshake = Some(give);
            let (server, fingerprint) = (answer.at, answer.fingerprint);
            let _ = begin.send(Begin { leg, socket: Arc::clone(socket), server, fingerprint, datagrams });
        }
    }
}
