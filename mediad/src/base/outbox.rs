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

    /// Looks at what was written from the `from`-th on, which `keep` may change, and takes back what it does not keep.
    pub fn retain_from(&mut self, from: usize, mut keep: impl FnMut(&mut Path, &mut Packet) -> bool) {
        let mut kept = from.min(self.len);
        let written = kept..self.len;
        for at in written {
            let datagram = &mut self.buffers[at];
            if keep(&mut datagram.path, &mut datagram.packet) {
                self.buffers.swap(kept, at);
                kept += 1;
            }
        }
        self.len = kept;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_taken_back_and_the_rest_keeps_its_order() {
        let path = Path { local: "192.0.2.1:1".parse().unwrap(), remote: "192.0.2.2:2".parse().unwrap() };
        let mut out = Outbox::default();
        (0..6u8).for_each(|n| assert!(out.next(path).extend(&[n])));
        out.retain_from(2, |_, packet| packet.as_slice()[0] % 2 == 1);
        let left: Vec<u8> = out.datagrams().iter().map(|datagram| datagram.packet.as_slice()[0]).collect();
        assert_eq!(left, [0, 1, 3, 5]);
        out.retain_from(9, |_, _| false);
        assert_eq!(out.len(), 4);
    }
}
