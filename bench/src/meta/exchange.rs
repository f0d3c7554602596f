//! All calls of one stand-in: dialling, the business's actions, time, and the deeds that follow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tokio::sync::broadcast;

use super::answer::Remote;
use super::call::{Call, Caller, Deed, Ending, Now, Rules, State};
use super::faults::Faults;
use super::json::{self, Style};
use super::notice::{self, Line};
use super::number::Number;
use super::refusal::Refusal;
use super::relay::{Open, Phone, Relay, Ticket};
use super::sdp::{self, Description, Ice};
use super::wacid::{Direction, Wacid};
use super::webhooks::{Letter, Post, Report};

/// The switchboard. Every entrance (Graph, control API, ticker) comes through here.
pub struct Exchange {
    /// The business number this stand-in plays for.
    pub line: Line,
    /// The bearer token Graph asks for.
    pub token: String,
    /// The number's calling settings.
    pub number: Mutex<Number>,
    relay: Relay,
    post: Post,
    scale: f64,
    calls: Mutex<BTreeMap<Wacid, Entry>>,
    rng: Mutex<StdRng>,
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

/// A wish to call the business.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Digits; random if absent.
    pub from: Option<String>,
    /// Profile name.
    pub name: Option<String>,
    /// What carries the caller's media.
    pub media: DialMedia,
    /// What goes wrong.
    pub faults: Faults,
}

/// Who is at the caller's end of the media.
#[derive(Debug, Clone)]
pub enum DialMedia {
    /// A phone inside the relay, or a browser behind it.
    Relay(Phone),
    /// Somebody else: this SDP goes into the webhook as it is.
    External(String),
}

/// A call that was placed.
#[derive(Debug, Clone, Serialize)]
pub struct Dialled {
    /// Its id.
    pub call: Wacid,
    /// The SDP answer for the browser, if a browser dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Why a call could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// WhatsApp would not let the user dial; the business hears nothing.
    #[error("the caller hears a failure tone: {0}")]
    Gated(&'static str),
    /// This user is on a call already.
    #[error("this caller is on a call already")]
    Busy,
    /// The browser's offer or the sound file is unusable.
    #[error("{0}")]
    Media(String),
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

    /// Places a call: the offer is made, the `connect` webhook leaves.
    pub async fn dial(self: &Arc<Self>, dial: Dial) -> Result<Dialled, DialError> {
        if lock(&self.number).check_calls().is_err() {
            return Err(DialError::Gated("calling is not enabled for this number"));
        }
        let (id, caller) = self.who(&dial);
        self.check_room(&caller)?;
        let (offer, ticket, answer) = match dial.media {
            DialMedia::External(sdp) => (sdp, None, None),
            DialMedia::Relay(phone) => {
                let (open, older) = self.opening(phone, &dial.faults);
                let (ice, ssrc) = (open.ice.clone(), open.ssrc);
                let ticket = self.relay.open(open).await.map_err(DialError::Media)?;
                let offer = self.describe(ice, ssrc, &ticket.fingerprint, older);
                let answer = ticket.browser_answer.clone();
                (offer, Some(ticket), answer)
            }
        };
        let now = clock();
        let rules = self.rules(&dial.faults);
        let mut call = Call::new(id.clone(), caller, dial.faults, rules, offer, now);
        self.announce(&mut call, now);
        lock(&self.calls).insert(id.clone(), Entry { call, ticket });
        Ok(Dialled { call: id, answer })
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
        self.business(id, |call, now| call.reject(now))
    }

    /// The business's `terminate`.
    pub fn terminate(self: &Arc<Self>, id: &Wacid) -> Result<(), Refusal> {
        self.business(id, |call, now| call.terminate(now))
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

    fn announce(self: &Arc<Self>, call: &mut Call, now: Now) {
        let body = notice::connect(&self.line, call);
        let mut delay = Duration::from_millis(call.faults.delay_ms);
        if call.faults.terminate_before_connect {
            delay += OVERTAKEN_BY;
            let deeds = call.hang_up(now);
            for deed in deeds {
                if let Deed::End(ending) = deed {
                    self.say_goodbye(call, &ending, now);
                }
            }
        }
        self.post_letter(call, "connect", &body, delay, now);
        call.offered(now);
        self.tell(call, "ringing");
    }

    fn say_goodbye(self: &Arc<Self>, call: &mut Call, ending: &Ending, now: Now) {
        let body = notice::terminate(&self.line, call, ending);
        self.post_letter(call, "terminate", &body, Duration::ZERO, now);
    }

    fn post_letter(
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

    fn tell(&self, call: &Call, what: impl Into<String>) {
        // WHY: nobody listening is no error; a slow listener loses the oldest and asks again.
        let _ = self.changes.send(Change { call: call.id.clone(), state: call.state.word(), what: what.into() });
    }

    fn who(&self, dial: &Dial) -> (Wacid, Caller) {
        let rng = &mut *lock(&self.rng);
        let digits = |text: &String| text.chars().filter(char::is_ascii_digit).take(15).collect::<String>();
        let phone = dial.from.as_ref().map(digits).filter(|digits| !digits.is_empty());
        let phone = phone.unwrap_or_else(|| format!("1555{:07}", rng.random_range(0..10_000_000)));
        let id = Wacid::new(&phone, &self.line.display_number, Direction::User, rng);
        let name = dial.name.clone().unwrap_or_else(|| phone.clone());
        (id, Caller { user_id: format!("US.1349{phone}"), phone, name })
    }

    fn check_room(&self, caller: &Caller) -> Result<(), DialError> {
        let calls = lock(&self.calls);
        let live = calls.values().filter(|entry| entry.call.state != State::Ended);
        let mut count = 0;
        for entry in live {
            count += 1;
            if entry.call.caller.phone == caller.phone {
                return Err(DialError::Busy);
            }
        }
        if count >= CALLS_MAX { Err(DialError::Gated("the number has 1000 calls already")) } else { Ok(()) }
    }

    fn opening(&self, phone: Phone, faults: &Faults) -> (Open, bool) {
        let rng = &mut *lock(&self.rng);
        let ice = if faults.old_sdp { Ice::older(rng) } else { Ice::today(faults.ice_pwd_padded, rng) };
        let open = Open {
            ice,
            ssrc: rng.random(),
            phone,
            rsa: faults.rsa_certificate,
            waits_for_rtp: faults.never_send_first,
            loss_percent: faults.loss_percent,
            seed: rng.random(),
        };
        (open, faults.old_sdp)
    }

    fn describe(&self, ice: Ice, ssrc: u32, fingerprint: &str, older: bool) -> String {
        let rng = &mut *lock(&self.rng);
        let description = Description {
            relay: self.relay.media(),
            ice,
            fingerprint: fingerprint.to_owned(),
            ssrc,
            unix_ms: clock().unix_ms,
            stream_ids: [sdp::uuid(rng), sdp::uuid(rng)],
        };
        if older { sdp::offer_older(&description) } else { sdp::offer_today(&description) }
    }

    fn rules(&self, faults: &Faults) -> Rules {
        let pick = |knob: Option<u64>, usual: Duration| knob.map_or(usual.mul_f64(self.scale), Duration::from_millis);
        Rules {
            ring: pick(faults.ring_ms, RING),
            start_silence: pick(faults.start_silence_ms, START_SILENCE),
            mid_silence: pick(faults.mid_silence_ms, MID_SILENCE),
            scale: self.scale,
        }
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
const RING: Duration = Duration::from_secs(45);
const START_SILENCE: Duration = Duration::from_secs(20);
const MID_SILENCE: Duration = Duration::from_secs(30);
const OVERTAKEN_BY: Duration = Duration::from_millis(400);
const CALLS_MAX: usize = 1000;
const CHANGES_KEPT: usize = 1024;
