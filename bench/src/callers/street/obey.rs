//! Orders, and what time asks of the paths.

use rand::RngExt as _;

use super::{NOBODY, News, Order, Street};
use crate::callers::path::Path;
use crate::callers::srtp::Keys;
use crate::callers::voice::Talker;
use crate::callers::{stun, sys};

impl Street {
    /// Looks at a part of the paths, so that each is looked at every 50 ms.
    pub(super) fn wake_paths(&mut self) {
        let (count, now) = (self.paths.len(), sys::steady_ns());
        for _ in 0..count.div_ceil(PATHS_IN_TURNS) {
            self.scan = (self.scan + 1) % count;
            let leg = self.scan;
            let Some(path) = self.paths.get_mut(leg).and_then(Option::as_mut) else { continue };
            let deeds = path.wake(now, &mut self.rng);
            if !deeds.send.is_empty() {
                self.carry_out(leg, deeds);
            }
        }
    }

    pub(super) fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Add { leg, kind, socket, ssrc, ufrag, pwd } => {
                if let Some(path) = Path::new(kind, socket, ssrc, ufrag, &pwd, &mut self.rng) {
                    self.ufrags.insert(path.ufrag().to_owned(), leg);
                    put(&mut self.paths, leg, path);
                }
            }
            Order::Answer { leg, answer } => {
                let now = sys::steady_ns();
                let Some(path) = self.paths.get_mut(leg).and_then(Option::as_mut) else { return true };
                let (socket, at) = (path.socket, answer.at);
                let deeds = path.answered(now, answer, &mut self.rng);
                self.route(socket, at, leg as u32);
                self.carry_out(leg, deeds);
            }
            Order::Keys { leg, keys } => self.take_keys(leg, keys),
            Order::Direct { leg, socket, to, ssrc, keys } => {
                self.route(socket, to, leg as u32);
                if let Some(talker) = Talker::new(socket, to, ssrc, &keys, self.rng.random()) {
                    put(&mut self.talkers, leg, Box::new(talker));
                }
            }
            Order::Pair(a, b) => {
                for (one, other) in [(a, b), (b, a)] {
                    if let Some(talker) = self.talkers.get_mut(one).and_then(Option::as_mut) {
                        talker.hears = Some(other);
                    }
                }
            }
            Order::Talk(leg) => self.talk(leg),
            Order::Forget(leg) => self.forget(leg),
            Order::Open => self.open(),
            Order::Close(to) => self.close(to),
            Order::Stop => return false,
        }
        true
    }

    pub(super) fn take_keys(&mut self, leg: usize, keys: Result<Keys, String>) {
        let Some(path) = self.paths.get_mut(leg).and_then(Option::as_mut) else { return };
        path.handshake = None;
        let to = path.answer.as_ref().map_or(stun::NOWHERE, |answer| answer.at);
        let (socket, ssrc) = (path.socket, path.ssrc);
        match keys.map(|keys| Talker::new(socket, to, ssrc, &keys, self.rng.random())) {
            Ok(Some(talker)) => {
                put(&mut self.talkers, leg, Box::new(talker));
                self.news.push(News::Up { leg });
            }
            Ok(None) => self.news.push(News::Failed { leg, why: "the keys are of no use".to_owned() }),
            Err(why) => self.news.push(News::Failed { leg, why }),
        }
    }

    pub(super) fn talk(&mut self, leg: usize) {
        let phase = self.rng.random_range(0..self.phases.len());
        let Some(socket) = self.talkers.get(leg).and_then(Option::as_ref).map(|talker| talker.mouth.socket) else {
            return;
        };
        let (talkers, phases) = (&self.talkers, &mut self.phases);
        let socket_of = |leg: &u32| talkers.get(*leg as usize).and_then(Option::as_ref).map(|t| t.mouth.socket);
        if let Some(legs) = phases.get_mut(phase) {
            let at = legs.partition_point(|other| socket_of(other).is_some_and(|other| other <= socket));
            legs.insert(at, leg as u32);
        }
    }

    pub(super) fn forget(&mut self, leg: usize) {
        if let Some(path) = self.paths.get_mut(leg).and_then(Option::take) {
            self.ufrags.remove(path.ufrag());
            if let Some(at) = path.answer.map(|answer| answer.at)
                && self.leg_at(path.socket, at) == Some(leg)
            {
                self.route(path.socket, at, NOBODY);
            }
        }
        if let Some(room) = self.talkers.get_mut(leg) {
            *room = None;
        }
        self.phases.iter_mut().for_each(|legs| legs.retain(|other| *other as usize != leg));
    }
}

fn put<T>(room: &mut Vec<Option<T>>, at: usize, value: T) {
    if room.len() <= at {
        room.resize_with(at + 1, || None);
    }
    room[at] = Some(value);
}

/// Turns in which each path is looked at once.
const PATHS_IN_TURNS: usize = 50;
