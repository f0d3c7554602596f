//! All calls and users of one stand-in: the business's actions, time, and the deeds that follow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::Serialize;
use tokio::sync::broadcast;

use super::answer::Remote;
use super::call::{Call, Deed, Now, State};
use super::notice::Line;
use super::number::Number;
use super::people::Users;
use super::refusal::Refusal;
use super::relay::{Relay, Ticket};
use super::standing::Orders;
use super::template::Templates;
use super::wacid::Wacid;
use super::webhooks::Post;

/// The switchboard. Every entrance (Graph, control API, ticker) comes through here.
pub struct Exchange {
    /// The business number this stand-in plays for.
    pub line: Line,
    /// The bearer token Graph asks for.
    pub token: String,
    /// The number's calling settings, and its standing.
    pub number: Mutex<Number>,
    /// Refusals that a test has ordered.
    pub orders: Mutex<Orders>,
    /// Message templates of the account.
    pub templates: Mutex<Templates>,
    pub(super) relay: Relay,
    pub(super) post: Post,
    pub(super) scale: f64,
    /// INVARIANT: whoever holds two of these locks took `calls` before `users` before `number` before `rng`.
    pub(super) calls: Mutex<BTreeMap<Wacid, Entry>>,
    pub(super) users: Mutex<Users>,
    pub(super) rng: Mutex<StdRng>,
    ahead_ms: AtomicU64,
    changes: broadcast::Sender<News>,
}

/// One call with its media.
pub struct Entry {
    /// The machine.
    pub call: Call,
    /// The relay's side; none when the SDP came from outside.
    pub ticket: Option<Ticket>,
}

/// What is pushed to whoever listens at `/control/events`.
#[derive(Debug, Clone)]
pub enum News {
    /// About a call.
    Call(Change),
    /// About a user: chat or permission. The number.
    User(String),
}

/// Something happened to a call.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Which call.
    pub call: Wacid,
    /// Its state afterwards.
    pub state: &'static str,
    /// What happened, in words.
    pub what: String,
    /// The user's number.
    pub phone: String,
    /// `user_initiated` or `business_initiated`.
    pub direction: &'static str,
}

impl Exchange {
    /// Puts the parts together.
    pub fn new(line: Line, token: String, relay: Relay, post: Post, scale: f64, seed: u64) -> Exchange {
        Exchange {
            line,
            token,
            number: Mutex::new(Number::default()),
            orders: Mutex::default(),
            templates: Mutex::default(),
            relay,
            post,
            scale,
            calls: Mutex::new(BTreeMap::new()),
            users: Mutex::default(),
            ahead_ms: AtomicU64::new(0),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            changes: broadcast::channel(CHANGES_KEPT).0,
        }
    }

    /// Both clocks; Meta's calendar runs ahead of ours by what tests have asked for.
    pub fn now(&self) -> Now {
        let now = clock();
        Now { unix_ms: now.unix_ms.saturating_add(self.ahead_ms.load(Ordering::Relaxed)), ..now }
    }

    /// Moves Meta's calendar on: permissions, windows and limits see it, running calls do not.
    pub fn advance(&self, secs: u64) {
        self.ahead_ms.fetch_add(secs.min(ADVANCE_SECS_MAX) * 1000, Ordering::Relaxed);
    }

    /// The business's `pre_accept`.
    pub fn pre_accept(self: &Arc<Self>, id: &Wacid, sdp: &str) -> Result<(), Refusal> {
        self.business(id, |call, now| call.pre_accept(now, sdp))
    }

    /// The business's `accept`.
    pub fn accept(self: &Arc<Self>, id: &Wacid, sdp: &str) -> Result<(), Refusal> {
        self.business(id, |call, now| call.accept(now, sdp))
    }

    /// The business's `reject`.
    pub fn reject(self: &Arc<Self>, id: &Wacid) -> Result<(), Refusal> {
        self.business(id, Call::reject)
    }

    /// The business's `terminate`.
    pub fn terminate(self: &Arc<Self>, id: &Wacid) -> Result<(), Refusal> {
        self.business(id, Call::terminate)
    }

    /// The caller hangs up. False if there is no such call.
    pub fn hang_up(self: &Arc<Self>, id: &Wacid) -> bool {
        self.with(id, |entry| {
            let now = self.now();
            let deeds = entry.call.hang_up(now);
            self.carry_out(entry, deeds, now);
        })
        .is_some()
    }

    /// The caller presses keys. False if there is no such call or no phone of ours behind it.
    pub fn press(self: &Arc<Self>, id: &Wacid, digits: &str) -> bool {
        self.with(id, |entry| {
            let Some(ticket) = &entry.ticket else { return false };
            self.relay.press(ticket, digits);
            entry.call.note(self.now(), format!("pressed {digits}"));
            self.tell(&entry.call, format!("pressed {digits}"));
            true
        })
        .unwrap_or(false)
    }

    /// Looks at one call.
    pub fn with<T>(&self, id: &Wacid, look: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        lock(&self.calls).get_mut(id).map(look)
    }

    /// Looks at every call, oldest id first.
    pub fn each<T>(&self, look: impl FnMut(&Entry) -> T) -> Vec<T> {
        lock(&self.calls).values().map(look).collect()
    }

    /// What is slow or wrong on purpose about Graph for this call.
    pub fn graph_delay(&self, id: &Wacid) -> Duration {
        let delay_ms = self.with(id, |entry| entry.call.faults.graph_delay_ms).unwrap_or(0);
        Duration::from_millis(delay_ms)
    }

    /// Whether the webhook address has been verified.
    pub fn verified(&self) -> bool {
        self.post.verified()
    }

    /// Every change from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.changes.subscribe()
    }

    /// Lets time pass for all calls until the exchange is dropped.
    pub async fn run(exchange: Weak<Exchange>) {
        let mut beat = tokio::time::interval(TICK);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            beat.tick().await;
            let Some(exchange) = exchange.upgrade() else { return };
            exchange.tick();
        }
    }

    fn tick(self: &Arc<Self>) {
        let now = self.now();
        for entry in lock(&self.calls).values_mut() {
            if entry.call.state == State::Ended {
                continue;
            }
            let media = entry.ticket.as_ref().map(Ticket::media).unwrap_or_default();
            let faults_before = entry.call.faults_of_ours.len();
            let deeds = entry.call.wake(now, media);
            for fault in entry.call.faults_of_ours.iter().skip(faults_before) {
                self.tell(&entry.call, format!("fault of the business: {fault}"));
            }
            self.carry_out(entry, deeds, now);
        }
    }

    fn business(
        self: &Arc<Self>,
        id: &Wacid,
        act: impl FnOnce(&mut Call, Now) -> Result<Vec<Deed>, Refusal>,
    ) -> Result<(), Refusal> {
        let now = self.now();
        self.with(id, |entry| {
            let media = entry.ticket.as_ref().map(Ticket::media).unwrap_or_default();
            if media.early > 0 && entry.call.state != State::Ended {
                let deeds = entry.call.wake(now, media);
                self.carry_out(entry, deeds, now);
            }
            let deeds = act(&mut entry.call, now)?;
            self.carry_out(entry, deeds, now);
            Ok(())
        })
        .unwrap_or_else(|| Err(Refusal::Parameter("call_id is not a call of this phone number".to_owned())))
    }

    pub(super) fn carry_out(self: &Arc<Self>, entry: &mut Entry, deeds: Vec<Deed>, now: Now) {
        for deed in deeds {
            match (deed, &entry.ticket) {
                (Deed::Apply(remote), ticket) => {
                    if let Some(ticket) = ticket {
                        let client = remote.setup.as_deref() == Some("passive");
                        self.relay.answer(ticket, Remote::clone(&remote), client);
                    }
                    self.tell(&entry.call, "answer of the business applied");
                }
                (Deed::Open, ticket) => {
                    if let Some(ticket) = ticket {
                        self.relay.accept(ticket);
                    }
                    self.tell(&entry.call, "accepted");
                    self.connected(&entry.call, now);
                }
                (Deed::Tell(status), _) => self.say(&mut entry.call, status, now),
                (Deed::End(ending), ticket) => {
                    if let Some(ticket) = ticket {
                        self.relay.close(ticket);
                    }
                    self.tell(&entry.call, format!("ended: {}", ending.by));
                    self.say_goodbye(&mut entry.call, &ending, now);
                    self.remember(&entry.call, now);
                }
            }
        }
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, call: &Call, what: impl Into<String>) {
        let direction = if call.by_business() { "business_initiated" } else { "user_initiated" };
        self.push(News::Call(Change {
            call: call.id.clone(),
            state: call.state.word(),
            what: what.into(),
            phone: call.user.phone.clone(),
            direction,
        }));
    }

    pub(super) fn push(&self, news: News) {
        // WHY: nobody listening is no error; a slow listener loses the oldest and asks again.
        let _ = self.changes.send(news);
    }
}

/// Both clocks, read in one place.
fn clock() -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { at: Instant::now(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
}

/// A poisoned lock holds sound data here: every change is a single assignment.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const TICK: Duration = Duration::from_millis(20);
/// Ten years.
const ADVANCE_SECS_MAX: u64 = 315_360_000;
const CHANGES_KEPT: usize = 1024;
