//! All calls of one stand-in: dialling, the business's actions, time, and the deeds that follow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::Serialize;
use tokio::sync::broadcast;

use super::answer::Remote;
use super::call::{Call, Deed, Ending, Now, State};
use super::json::{self, Style};
use super::notice::{self, Line};
use super::number::Number;
use super::refusal::Refusal;
use super::relay::{Relay, Ticket};
use super::wacid::Wacid;
use super::webhooks::{Letter, Post, Report};

/// The switchboard. Every entrance (Graph, control API, ticker) comes through here.
pub struct Exchange {
    /// The business number this stand-in plays for.
    pub line: Line,
    /// The bearer token Graph asks for.
    pub token: String,
    /// The number's calling settings.
    pub number: Mutex<Number>,
    pub(super) relay: Relay,
    post: Post,
    pub(super) scale: f64,
    pub(super) calls: Mutex<BTreeMap<Wacid, Entry>>,
    pub(super) rng: Mutex<StdRng>,
    changes: broadcast::Sender<Change>,
}

/// One call with its media.
pub struct Entry {
    /// The machine.
    pub call: Call,
    /// The relay's side; none when the SDP came from outside.
    pub ticket: Option<Ticket>,
}

/// Something happened to a call: pushed to whoever listens at `/control/events`.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Which call.
    pub call: Wacid,
    /// Its state afterwards.
    pub state: &'static str,
    /// What happened, in words.
    pub what: String,
}

impl Exchange {
    /// Puts the parts together.
    pub fn new(line: Line, token: String, relay: Relay, post: Post, scale: f64, seed: u64) -> Exchange {
        Exchange {
            line,
            token,
            number: Mutex::new(Number::default()),
            relay,
            post,
            scale,
            calls: Mutex::new(BTreeMap::new()),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            changes: broadcast::channel(CHANGES_KEPT).0,
        }
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
            let now = clock();
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
            entry.call.note(clock(), format!("pressed {digits}"));
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
    pub fn listen(&self) -> broadcast::Receiver<Change> {
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
        let now = clock();
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
        let now = clock();
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

    fn carry_out(self: &Arc<Self>, entry: &mut Entry, deeds: Vec<Deed>, now: Now) {
        for deed in deeds {
            match (deed, &entry.ticket) {
                (Deed::Apply(remote), ticket) => {
                    if let Some(ticket) = ticket {
                        self.relay.answer(ticket, Remote::clone(&remote));
                    }
                    self.tell(&entry.call, "answer of the business applied");
                }
                (Deed::Open, ticket) => {
                    if let Some(ticket) = ticket {
                        self.relay.accept(ticket);
                    }
                    self.tell(&entry.call, "accepted");
                }
                (Deed::End(ending), ticket) => {
                    if let Some(ticket) = ticket {
                        self.relay.close(ticket);
                    }
                    self.tell(&entry.call, format!("ended: {}", ending.by));
                    self.say_goodbye(&mut entry.call, &ending, now);
                }
            }
        }
    }

    pub(super) fn say_goodbye(self: &Arc<Self>, call: &mut Call, ending: &Ending, now: Now) {
        let body = notice::terminate(&self.line, call, ending);
        self.post_letter(call, "terminate", &body, Duration::ZERO, now);
    }

    pub(super) fn post_letter(
        self: &Arc<Self>,
        call: &mut Call,
        event: &'static str,
        body: &serde_json::Value,
        delay: Duration,
        now: Now,
    ) {
        if call.faults.drop.loses(event) {
            call.note(now, format!("webhook {event}: dropped on purpose"));
            return;
        }
        let style = Style { shuffled: call.faults.shuffled_keys, slashes_escaped: call.faults.slashes_escaped };
        let letter = Letter {
            call: call.id.clone(),
            event,
            body: json::write(body, style, &mut *lock(&self.rng)),
            delay,
            duplicate: call.faults.duplicate,
            wrong_signature: call.faults.wrong_signature,
        };
        self.post.send(letter, self.report());
    }

    fn report(self: &Arc<Self>) -> Report {
        let exchange = Arc::downgrade(self);
        Arc::new(move |id, what| {
            let Some(exchange) = exchange.upgrade() else { return };
            exchange.with(id, |entry| {
                entry.call.note(clock(), what.clone());
                exchange.tell(&entry.call, what);
            });
        })
    }

    pub(super) fn tell(&self, call: &Call, what: impl Into<String>) {
        // WHY: nobody listening is no error; a slow listener loses the oldest and asks again.
        let _ = self.changes.send(Change { call: call.id.clone(), state: call.state.word(), what: what.into() });
    }
}

/// Both clocks, read in one place.
pub fn clock() -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { at: Instant::now(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
}

/// A poisoned lock holds sound data here: every change is a single assignment.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const TICK: Duration = Duration::from_millis(20);
const CHANGES_KEPT: usize = 1024;
