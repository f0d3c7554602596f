//! A peer's side of ICE, as little of it as a browser or Meta's relay shows on the wire: it answers what is genuine,
//! and a browser checks the pair it has nominated every 2.5 s. It shares with the leg only the STUN codec.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use crate::base::packet::Packet;
use crate::wire::stun::{BindingRequest, Class, Key, Message, Role, Transaction, binding_success};

/// What a peer knows for its checks.
pub(crate) struct Checks {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    /// Ours, as the leg's description named them.
    pub(crate) far: (String, String),
    /// It makes checks and is in control; else it is ICE-lite.
    pub(crate) full: bool,
    pub(crate) next: Instant,
    /// What makes its transactions differ.
    pub(crate) asked: u64,
}

impl Checks {
    pub(crate) fn new(now: Instant, full: bool, rng: &mut StdRng) -> Self {
        let mut text = |chars: usize| (0..chars).map(|_| rng.random_range(b'a'..=b'z') as char).collect::<String>();
        let (ufrag, pwd) = (text(16), text(24));
        Self { ufrag, pwd, far: (String::new(), String::new()), full, next: now, asked: 0 }
    }

    /// Learns the leg's own names from its description.
    pub(crate) fn learn(&mut self, description: &str) {
        let line = |name: &str| description.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        self.far = (line("a=ice-ufrag:"), line("a=ice-pwd:"));
    }

    /// The check that is due, if one is.
    pub(crate) fn ask(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.full || now < self.next || self.far.0.is_empty() {
            return None;
        }
        self.next = now + PING_AGAIN;
        self.asked += 1;
        let [.., a, b, c, d] = self.asked.to_be_bytes();
        let transaction = Transaction([7, 7, 7, 7, 7, 7, 7, 7, a, b, c, d]);
        let username = format!("{}:{}", self.far.0, self.ufrag);
        let role = Role::Controlling(u64::MAX);
        let check = BindingRequest { transaction, username: &username, priority: 1_853_824_767, role, nominate: true };
        Some(check.write(&Key::new(self.far.1.as_bytes())).as_slice().to_vec())
    }

    /// The answer to a check of the leg's. An answer to one of its own gives it rest.
    pub(crate) fn answer(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Packet> {
        let message = Message::parse(bytes).ok()?;
        if message.class() == Some(Class::Success) && message.verify(&Key::new(self.far.1.as_bytes())).is_ok() {
            self.next = now + PING_EVERY;
            return None;
        }
        let key = Key::new(self.pwd.as_bytes());
        let genuine = message.class() == Some(Class::Request) && message.verify(&key).is_ok();
        genuine.then(|| binding_success(message.transaction(), from, &key))
    }
}

/// libwebrtc's interval for a pair whose last check was not answered.
const PING_AGAIN: Duration = Duration::from_millis(480);
/// And for a stable pair.
const PING_EVERY: Duration = Duration::from_millis(2_500);
