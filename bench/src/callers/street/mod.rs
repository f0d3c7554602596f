//! All callers in one loop: it sends what is due, takes in what came, and sleeps to the next tick.

mod hear;
mod obey;
mod order;
mod window;

use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::sync::mpsc::Sender;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub use order::{Grounds, News, Order};

use super::figures::Figures;
use super::mailbox::Mailbox;
use super::path::Path;
use super::sys::{self, Inbox, Outbox};
use super::voice::Talker;

/// Takes news if that can be done at once, and leaves them if not.
pub type Tell = Box<dyn FnMut(&mut Vec<News>) + Send>;

/// The callers' loop.
pub struct Street {
    grounds: Grounds,
    orders: Mailbox<Order>,
    tell: Tell,
    news: Vec<News>,
    paths: Vec<Option<Path>>,
    talkers: Vec<Option<Box<Talker>>>,
    ufrags: HashMap<String, usize>,
    /// Leg by socket and server port.
    routes: Vec<u32>,
    /// Who talks in which tick of the 20 ms, in the order of their sockets.
    phases: Vec<Vec<u32>>,
    inbox: Inbox,
    outbox: Outbox,
    pending: Vec<(u32, u64)>,
    stamp: u64,
    figures: Figures,
    window: Window,
    opened_at: (u64, u64),
    rng: StdRng,
    scan: usize,
    /// The socket to be read next, and how many have not been read empty since the last look.
    next_socket: usize,
    unread: usize,
}

enum Window {
    Shut,
    Open,
    /// Closed; what is on the way has until then.
    Closing(u64, Sender<Figures>),
}

impl Street {
    /// A street without legs. `tell` is called from its thread, again and again until it has taken the news.
    pub fn new(grounds: Grounds, orders: Mailbox<Order>, tell: Tell) -> Self {
        let routes = vec![NOBODY; grounds.sockets.len() * usize::from(grounds.ports.1)];
        let phases = vec![Vec::new(); (FRAME_US / grounds.tick_us.clamp(MIN_TICK_US, FRAME_US)) as usize];
        let rng = StdRng::seed_from_u64(grounds.seed);
        Self {
            grounds,
            orders,
            tell,
            news: Vec::new(),
            paths: Vec::new(),
            talkers: Vec::new(),
            ufrags: HashMap::new(),
            routes,
            phases,
            inbox: Inbox::new(),
            outbox: Outbox::new(),
            pending: Vec::new(),
            stamp: 0,
            figures: Figures::default(),
            window: Window::Shut,
            opened_at: (0, 0),
            rng,
            scan: 0,
            next_socket: 0,
            unread: 0,
        }
    }

    /// Runs until it is told to stop.
    pub fn run(mut self) {
        sys::want_exact_timers();
        let tick_ns = u64::from(FRAME_US) * 1_000 / self.phases.len() as u64;
        let listen_every = (LISTEN_EVERY_NS / tick_ns).max(1);
        let (began, mut tick) = (sys::steady_ns(), 1);
        loop {
            sys::sleep_until(began + tick * tick_ns);
            let now = sys::steady_ns();
            while began + tick * tick_ns <= now {
                self.speak((tick % self.phases.len() as u64) as usize, began + tick * tick_ns);
                tick += 1;
                if tick % listen_every == 0 {
                    self.unread = self.grounds.sockets.len();
                    if !self.turn() {
                        return;
                    }
                }
            }
            self.listen(began + tick * tick_ns);
        }
    }

    /// Everything but speaking and listening. False when it is time to stop.
    fn turn(&mut self) -> bool {
        // WHY: first, for the server's check of a new leg may be here sooner than the leg.
        for order in self.orders.try_take() {
            if !self.obey(order) {
                return false;
            }
        }
        self.wake_paths();
        if !self.news.is_empty() {
            (self.tell)(&mut self.news);
        }
        if matches!(&self.window, Window::Closing(until, _) if sys::steady_ns() >= *until || self.is_all_there()) {
            self.report();
        }
        true
    }

    fn speak(&mut self, phase: usize, due: u64) {
        let Some(legs) = self.phases.get_mut(phase).map(std::mem::take) else { return };
        if !legs.is_empty() {
            let lag = sys::steady_ns().saturating_sub(due);
            let begin = sys::wall_ns();
            self.stamp = begin;
            let mut socket = usize::MAX;
            for leg in &legs {
                let Some(talker) = self.talkers.get_mut(*leg as usize).and_then(Option::as_mut) else { continue };
                let next = talker.mouth.socket;
                if next != socket || self.outbox.is_full() {
                    self.flush(socket, lag, begin);
                    socket = next;
                }
                if let Some(talker) = self.talkers.get_mut(*leg as usize).and_then(Option::as_mut) {
                    self.pending.push((*leg, talker.mouth.said));
                    let (mouth, ring) = (&mut talker.mouth, &self.grounds.ring);
                    self.outbox.add(mouth.to, |room| mouth.say(room, ring));
                }
            }
            self.flush(socket, lag, begin);
        }
        if let Some(room) = self.phases.get_mut(phase) {
            *room = legs;
        }
    }

    /// Sends the batch, and notes of each packet when it left: they leave one after the other.
    fn flush(&mut self, socket: usize, lag: u64, begin: u64) {
        let Some(fd) = self.grounds.sockets.get(socket).map(AsRawFd::as_raw_fd) else { return };
        let count = self.outbox.len();
        let sent = self.outbox.flush(fd);
        let after = sys::wall_ns();
        let span = after.saturating_sub(self.stamp);
        let is_open = matches!(self.window, Window::Open);
        for (at, (leg, n)) in self.pending.drain(..).enumerate() {
            let left = self.stamp + span * (2 * at as u64 + 1) / (2 * count.max(1) as u64);
            if let Some(talker) = self.talkers.get_mut(leg as usize).and_then(Option::as_mut) {
                talker.mouth.left(n, left);
            }
            if is_open {
                self.figures.lateness.add(lag + left.saturating_sub(begin));
            }
        }
        self.figures.sent += sent as u64 * u64::from(is_open);
        self.figures.unsent += (count - sent) as u64;
        self.stamp = after;
    }
}

const NOBODY: u32 = u32::MAX;
const FRAME_US: u32 = 20_000;
/// A shorter tick is all wake-ups.
const MIN_TICK_US: u32 = 50;
/// How often the sockets are looked at. The kernel says when each datagram came, so looking late falsifies nothing.
const LISTEN_EVERY_NS: u64 = 1_000_000;
