//! Whom the server lets reach us, and who has a channel: each renewed before it ends (RFC 8656 §9, §12).

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::base::packet::Packet;
use crate::wire::stun::turn::Ask;
use crate::wire::turn::CHANNEL_FIRST;

/// Permissions and channels of one allocation, bounded.
#[derive(Debug, Default)]
pub(super) struct Peers {
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
    /// Datagrams that wait for a permission.
    held: VecDeque<(SocketAddr, Packet)>,
}

#[derive(Debug)]
struct Permission {
    ip: IpAddr,
    state: State,
}

#[derive(Debug)]
struct Channel {
    peer: SocketAddr,
    number: u16,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Asked,
    /// To be renewed at this time.
    Granted(Instant),
    /// Granted, and being renewed.
    Renewing,
    Refused,
}

impl State {
    fn is_good(self) -> bool {
        matches!(self, State::Granted(_) | State::Renewing)
    }

    fn due(self) -> Option<Instant> {
        match self {
            State::Granted(at) => Some(at),
            State::Asked | State::Renewing | State::Refused => None,
        }
    }
}

impl Peers {
    /// Whether the server lets `ip` through; nothing if it was never asked.
    pub(super) fn is_permitted(&self, ip: IpAddr) -> Option<bool> {
        self.permissions.iter().find(|permission| permission.ip == ip).map(|permission| permission.state.is_good())
    }

    /// Notes that `ip` is being asked for. False if there is no room.
    pub(super) fn want(&mut self, ip: IpAddr) -> bool {
        let room = self.permissions.len() < PERMISSIONS_MAX;
        if room {
            self.permissions.push(Permission { ip, state: State::Asked });
        }
        room
    }

    pub(super) fn permitted(&mut self, now: Instant, ip: IpAddr) {
        if let Some(permission) = self.permissions.iter_mut().find(|permission| permission.ip == ip) {
            permission.state = State::Granted(now.checked_add(RENEW).unwrap_or(now));
        }
    }

    pub(super) fn denied(&mut self, ip: IpAddr) {
        self.held.retain(|(peer, _)| peer.ip() != ip);
        if let Some(permission) = self.permissions.iter_mut().find(|permission| permission.ip == ip) {
            permission.state = State::Refused;
        }
    }

    /// Keeps a datagram until its peer is permitted. The oldest goes when there is no room.
    pub(super) fn hold(&mut self, peer: SocketAddr, packet: &Packet) {
        let waits = self.permissions.iter().any(|other| other.ip == peer.ip() && other.state == State::Asked);
        if waits {
            if self.held.len() >= HELD_MAX {
                self.held.pop_front();
            }
            self.held.push_back((peer, packet.clone()));
        }
    }

    /// The next datagram that waited for `ip`.
    pub(super) fn release(&mut self, ip: IpAddr) -> Option<(SocketAddr, Packet)> {
        let at = self.held.iter().position(|(peer, _)| peer.ip() == ip)?;
        self.held.remove(at)
    }

    /// The channel media to `peer` goes by.
    pub(super) fn channel_of(&self, peer: SocketAddr) -> Option<u16> {
        let bound = self.channels.iter().find(|channel| channel.peer == peer && channel.state.is_good());
        bound.map(|channel| channel.number)
    }

    /// Whom a channel stands for. It may be used by the server before we know that it is bound.
    pub(super) fn of_channel(&self, number: u16) -> Option<SocketAddr> {
        let known = self.channels.iter().find(|channel| channel.number == number && channel.state != State::Refused);
        known.map(|channel| channel.peer)
    }

    /// The number to ask for, if `peer` has none yet and there is room. No number stands for two peers, ever.
    pub(super) fn want_channel(&mut self, peer: SocketAddr) -> Option<u16> {
        if self.channels.iter().any(|channel| channel.peer == peer) || self.channels.len() >= CHANNELS_MAX {
            return None;
        }
        let number = CHANNEL_FIRST.checked_add(u16::try_from(self.channels.len()).ok()?)?;
        self.channels.push(Channel { peer, number, state: State::Asked });
        Some(number)
    }

    pub(super) fn bound(&mut self, now: Instant, number: u16) {
        if let Some(channel) = self.channels.iter_mut().find(|channel| channel.number == number) {
            channel.state = State::Granted(now.checked_add(RENEW).unwrap_or(now));
        }
    }

    pub(super) fn unbound(&mut self, number: u16) {
        if let Some(channel) = self.channels.iter_mut().find(|channel| channel.number == number) {
            channel.state = State::Refused;
        }
    }

    /// Whether media goes by one.
    pub(super) fn has_channels(&self) -> bool {
        self.channels.iter().any(|channel| channel.state.is_good())
    }

    /// The next that is to be renewed.
    pub(super) fn renew(&mut self, now: Instant) -> Option<Ask> {
        let is_due = |state: State| state.due().is_some_and(|at| now >= at);
        if let Some(permission) = self.permissions.iter_mut().find(|permission| is_due(permission.state)) {
            permission.state = State::Renewing;
            return Some(Ask::Permit(permission.ip));
        }
        let channel = self.channels.iter_mut().find(|channel| is_due(channel.state))?;
        channel.state = State::Renewing;
        Some(Ask::Bind(channel.number, channel.peer))
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let permissions = self.permissions.iter().filter_map(|permission| permission.state.due());
        permissions.chain(self.channels.iter().filter_map(|channel| channel.state.due())).min()
    }
}

/// A permission lives 300 s whatever anybody says (RFC 8656 §9), a channel 600.
const RENEW: Duration = Duration::from_secs(240);
/// Peers of one leg: as many as ICE takes candidates.
const PERMISSIONS_MAX: usize = 32;
const CHANNELS_MAX: usize = 16;
/// Datagrams that wait for permissions: a check to each of a few candidates.
const HELD_MAX: usize = 8;
