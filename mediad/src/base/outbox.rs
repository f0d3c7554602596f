//! The datagrams of one step, in buffers that are used again by the next.

use std::net::SocketAddr;

use crate::base::packet::Packet;

/// The way between a local socket and a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// Our side: the port names the socket, the address is the one the peer talks to and answers leave from.
    pub local: SocketAddr,
    /// The peer, or the relay in front of it.
    pub remote: SocketAddr,
}

/// One datagram on its way out.
#[derive(Debug, Clone)]
pub struct Datagram {
    /// From where to where.
    pub path: Path,
    /// Its bytes.
    pub packet: Packet,
}

/// Datagrams in the order they were written. Its buffers grow to the largest step and stay.
#[derive(Debug, Default)]
pub struct Outbox {
    buffers: Vec<Datagram>,
    len: usize,
}

impl Outbox {
    /// A cleared packet that will leave on `path`, to be written in place.
    pub fn next(&mut self, path: Path) -> &mut Packet {
        let at = self.len;
        if at == self.buffers.len() {
            self.buffers.push(Datagram { path, packet: Packet::new() });
        }
        self.len += 1;
        let datagram = &mut self.buffers[at];
        datagram.path = path;
        datagram.packet.clear();
        &mut datagram.packet
    }

    /// Takes the last packet back: it could not be written.
    pub fn take_back(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    /// What is to be sent, in order.
    pub fn datagrams(&self) -> &[Datagram] {
        &self.buffers[..self.len]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all of them; the buffers stay.
    pub fn clear(&mut self) {
        self.len = 0;
    }
}
