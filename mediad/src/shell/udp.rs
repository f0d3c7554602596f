//! The UDP ports: all of them open from the start, read in batches, written in batches.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use super::sys::{self, Inbox};
use crate::base::outbox::{Datagram, Path};
use crate::base::packet::Packet;

/// The sockets of the port range: one a port, or one a port and family.
pub struct Ports {
    first: u16,
    count: usize,
    /// The families, each with what its sockets are bound to; their sockets stand in this order.
    bound_to: Vec<IpAddr>,
    sockets: Vec<UdpSocket>,
    /// Sockets that were not read empty: the loop must come back to them, for it is not told again.
    unread: Vec<usize>,
    inbox: Inbox,
    outgoing: Outgoing,
}

/// Why the ports cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot open udp port {port} on {ip}: {why}")]
pub struct PortError {
    port: u16,
    ip: IpAddr,
    why: io::Error,
}

impl Ports {
    /// Opens every port of the range on each of `bind` (one address a family) and registers the sockets under tokens
    /// from `tokens` on.
    ///
    /// # Errors
    /// The first port that cannot be opened, and why.
    pub fn open(
        registry: &Registry,
        ports: RangeInclusive<u16>,
        bind: &[IpAddr],
        tokens: usize,
    ) -> Result<Self, PortError> {
        let (first, count) = (*ports.start(), ports.len());
        let mut sockets = Vec::new();
        for ip in bind.iter().copied() {
            for port in ports.clone() {
                let failed = |why| PortError { port, ip, why };
                let mut socket = bind_to(ip, port).map_err(failed)?;
                sys::prepare_socket(socket.as_raw_fd(), ip.is_ipv6()).map_err(failed)?;
                let token = Token(tokens + sockets.len());
                registry.register(&mut socket, token, Interest::READABLE).map_err(failed)?;
                sockets.push(socket);
            }
        }
        Ok(Self {
            first,
            count,
            bound_to: bind.to_vec(),
            sockets,
            unread: Vec::new(),
            inbox: Inbox::new(),
            outgoing: Outgoing::default(),
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// The loop was told that socket `at` can be read.
    pub fn mark(&mut self, at: usize) {
        if !self.unread.contains(&at) {
            self.unread.push(at);
        }
    }

    /// Whether some socket still has to be read.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Reads one batch from each socket that can be read, [`DATAGRAMS_A_TURN`] in all at most. `take` also says whether
    /// a datagram was longer than a packet holds.
    pub fn read(&mut self, mut take: impl FnMut(Path, &mut Packet, bool, &mut Outgoing)) {
        let mut budget = DATAGRAMS_A_TURN;
        let waiting = std::mem::take(&mut self.unread);
        for (done, at) in waiting.iter().copied().enumerate() {
            if budget < sys::BATCH {
                self.unread.extend_from_slice(&waiting[done..]);
                return;
            }
            let Some(socket) = self.sockets.get(at) else { continue };
            let Some(bound_to) = self.bound_to.get(at / self.count).copied() else { continue };
            let port = self.first + (at % self.count) as u16;
            let outgoing = &mut self.outgoing;
            let read = self.inbox.read(socket.as_raw_fd(), |arrival, packet| {
                let local = SocketAddr::new(arrival.to.unwrap_or(bound_to), port);
                take(Path { local, remote: arrival.from }, packet, arrival.cut, outgoing);
            });
            let more = match &read {
                // A full batch: there may be more.
                Ok(count) => *count == sys::BATCH,
                // An ICMP error that an earlier datagram of ours brought back; it says nothing about this socket.
                Err(why) => why.kind() != io::ErrorKind::WouldBlock,
            };
            if more {
                self.unread.push(at);
            }
            budget -= read.unwrap_or(1);
        }
    }

    /// Where datagrams are gathered until [`Ports::flush`].
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Sends what was gathered. Gives how many datagrams the system refused.
    pub fn flush(&mut self) -> usize {
        let out = &mut self.outgoing;
        // Stable: datagrams of one port keep their order.
        out.marks.sort_by_key(Mark::socket);
        let mut refused = 0;
        for group in out.marks.chunk_by(|a, b| a.socket() == b.socket()) {
            let batch: Vec<(Path, &[u8])> =
                group.iter().map(|mark| (mark.path, &out.bytes[mark.from..mark.to])).collect();
            let (is_ipv6, port) = group.first().map_or((false, 0), Mark::socket);
            let family = self.bound_to.iter().position(|ip| ip.is_ipv6() == is_ipv6);
            let at = family.map(|family| family * self.count + usize::from(port.wrapping_sub(self.first)));
            let socket = at.and_then(|at| self.sockets.get(at));
            refused += batch.len() - socket.map_or(0, |socket| sys::send_batch(socket.as_raw_fd(), &batch));
        }
        out.marks.clear();
        out.bytes.clear();
        refused
    }
}

/// Datagrams of one turn, one after the other in one piece of memory.
#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
}

struct Mark {
    path: Path,
    from: usize,
    to: usize,
}

impl Mark {
    /// Which socket it leaves by: family and port.
    fn socket(&self) -> (bool, u16) {
        (self.path.remote.is_ipv6(), self.path.local.port())
    }
}

impl Outgoing {
    /// Takes out what goes another way: `take` says of each whether it has taken it.
    pub fn divert(&mut self, mut take: impl FnMut(Path, &[u8]) -> bool) {
        let bytes = &self.bytes;
        self.marks.retain(|mark| !take(mark.path, &bytes[mark.from..mark.to]));
    }

    /// Adds what a step wants to leave.
    pub fn add(&mut self, datagrams: &[Datagram]) {
        for datagram in datagrams {
            let from = self.bytes.len();
            self.bytes.extend_from_slice(datagram.packet.as_slice());
            self.marks.push(Mark { path: datagram.path, from, to: self.bytes.len() });
        }
    }
}

fn bind_to(ip: IpAddr, port: u16) -> io::Result<UdpSocket> {
    match ip {
        IpAddr::V4(_) => UdpSocket::bind(SocketAddr::new(ip, port)),
        IpAddr::V6(ip) => sys::bind_ipv6(SocketAddrV6::new(ip, port, 0, 0)),
    }
}

/// Datagrams read in one turn, so that frames go out in between.
const DATAGRAMS_A_TURN: usize = 512;
