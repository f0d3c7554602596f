//! Which leg a datagram belongs to: by the way it came, by the leg's name inside a check, by the question it answers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use crate::base::count::DropReason;
use crate::base::outbox::Path;
use crate::base::slots::Slot;
use crate::wire::demux::{Kind, demux};
use crate::wire::stun::{Class, Message};

/// Finds legs. The maps are looked up and never walked, so their order decides nothing.
#[derive(Debug, Default)]
pub struct Routes {
    /// A pair of local port and next hop belongs to one leg (design D2).
    pairs: HashMap<(u16, SocketAddr), Slot>,
    ufrags: HashMap<String, Slot>,
    /// Ports towards TURN servers: whatever comes by them is for the leg that has an allocation there.
    relays: HashMap<(u16, SocketAddr), Slot>,
    /// The STUN questions that are out.
    asked: HashMap<[u8; 12], Slot>,
    asked_order: VecDeque<[u8; 12]>,
}

/// Where a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// To the leg that owns the pair.
    Known(Slot),
    /// To the leg that a check or an answer names; if the leg accepts it, the pair is its own from now on.
    Claimed(Slot),
}

impl Routes {
    /// The leg for a datagram, or why there is none.
    pub fn find(&self, path: Path, bytes: &[u8]) -> Result<Found, DropReason> {
        if let Some(slot) = self.relay_of(path) {
            // A TURN server answers STUN too, and another leg may have asked it from the same port.
            let asker = self.asker(bytes).filter(|asker| *asker != slot);
            return Ok(asker.map_or(Found::Known(slot), Found::Claimed));
        }
        match demux(bytes) {
            Some(Kind::Stun) => self.find_stun(bytes).map(Found::Claimed).ok_or(DropReason::StunStranger),
            Some(_) => self.owner(path).map(Found::Known).ok_or(DropReason::UnknownSource),
            None => Err(DropReason::UnknownKind),
        }
    }

    /// The leg that owns a pair.
    pub fn owner(&self, path: Path) -> Option<Slot> {
        self.pairs.get(&(path.local.port(), path.remote)).copied()
    }

    /// Whether a leg owns the pair of `port` and `hop`.
    pub fn taken(&self, port: u16, hop: SocketAddr) -> bool {
        self.pairs.contains_key(&(port, hop)) || self.relays.contains_key(&(port, hop))
    }

    /// The leg that speaks to a TURN server by this path.
    pub fn relay_of(&self, path: Path) -> Option<Slot> {
        if self.relays.is_empty() {
            return None;
        }
        self.relays.get(&(path.local.port(), path.remote)).copied()
    }

    /// Gives a leg a port towards a TURN server.
    pub fn relay(&mut self, port: u16, server: SocketAddr, slot: Slot) {
        self.relays.insert((port, server), slot);
    }

    /// Takes it back, if it is still the leg's.
    pub fn unrelay(&mut self, port: u16, server: SocketAddr, slot: Slot) {
        if self.relays.get(&(port, server)) == Some(&slot) {
            self.relays.remove(&(port, server));
        }
    }

    /// Gives a pair to a leg, whoever had it before.
    pub fn claim(&mut self, port: u16, hop: SocketAddr, slot: Slot) {
        self.pairs.insert((port, hop), slot);
    }

    /// Takes a pair back, if it is still the leg's.
    pub fn release(&mut self, port: u16, hop: SocketAddr, slot: Slot) {
        if self.pairs.get(&(port, hop)) == Some(&slot) {
            self.pairs.remove(&(port, hop));
        }
    }

    /// Names a leg by the user fragment it gave its peer.
    pub fn name(&mut self, ufrag: &str, slot: Slot) {
        self.ufrags.insert(ufrag.to_owned(), slot);
    }

    /// Forgets a name.
    pub fn forget(&mut self, ufrag: &str) {
        self.ufrags.remove(ufrag);
    }

    /// Notes what a leg sends: if it is a STUN question, its answer will be the leg's.
    pub fn note(&mut self, slot: Slot, bytes: &[u8]) {
        let Some([0, 1, .., _]) = bytes.get(..STUN_HEADER_BYTES) else { return };
        let Some(id) = bytes.get(8..STUN_HEADER_BYTES).and_then(|id| id.first_chunk::<12>()) else { return };
        if self.asked.insert(*id, slot).is_none() {
            self.asked_order.push_back(*id);
        }
        while self.asked_order.len() > ASKED_MAX {
            if let Some(old) = self.asked_order.pop_front() {
                self.asked.remove(&old);
            }
        }
    }

    fn find_stun(&self, bytes: &[u8]) -> Option<Slot> {
        let message = Message::parse(bytes).ok()?;
        match message.class()? {
            Class::Request | Class::Indication => self.ufrags.get(message.receiver_ufrag()?).copied(),
            Class::Success | Class::Error => self.asker(bytes),
        }
    }

    /// Who asked what this is the answer to: a Binding response, by its transaction id.
    fn asker(&self, bytes: &[u8]) -> Option<Slot> {
        let [1, 1 | 0x11, .., _] = bytes.get(..STUN_HEADER_BYTES)? else { return None };
        self.asked.get(bytes.get(8..STUN_HEADER_BYTES)?.first_chunk::<12>()?).copied()
    }
}

const STUN_HEADER_BYTES: usize = 20;
/// Questions remembered: 4,000 legs ask one every 5 s, and an answer takes less than a second or counts as lost.
const ASKED_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::slots::Slots;

    #[test]
    fn a_turn_servers_answer_to_another_legs_question_is_that_legs() {
        let mut slots = Slots::default();
        let (relayed, other) = (slots.put(1), slots.put(2));
        let (local, remote) = ("192.0.2.1:10000".parse().unwrap(), "198.51.100.7:3478".parse().unwrap());
        let mut routes = Routes::default();
        routes.relay(10_000, remote, relayed);
        let mut question = [0; STUN_HEADER_BYTES];
        question[1] = 1;
        question[8..].copy_from_slice(b"transaction!");
        routes.note(other, &question);
        let mut answer = question;
        answer[0] = 1;
        let path = Path { local, remote };
        assert_eq!(routes.find(path, &answer), Ok(Found::Claimed(other)));
        answer[19] = b'?';
        assert_eq!(routes.find(path, &answer), Ok(Found::Known(relayed)));
    }
}
