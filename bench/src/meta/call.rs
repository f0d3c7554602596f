//! One call as Meta sees it, whoever dialled: a pure machine, time is an argument. What only calls by the business do
//! is in `outgoing`.

use std::time::{Duration, Instant};

use super::answer::{self, Kind, Remote};
use super::faults::Faults;
use super::outgoing::Plan;
use super::refusal::Refusal;
use super::wacid::Wacid;

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For durations.
    pub at: Instant,
    /// For timestamps that leave the house, in milliseconds since 1970.
    pub unix_ms: u64,
}

/// The WhatsApp user: who dials, or who is called.
#[derive(Debug, Clone)]
pub struct Person {
    /// Digits, no plus sign.
    pub phone: String,
    /// The WhatsApp profile's name.
    pub name: String,
    /// The business-scoped user id.
    pub user_id: String,
}

/// How long things may take, already scaled.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The caller's phone rings this long.
    pub ring: Duration,
    /// After `accept`, the first RTP of the business must have come by then.
    pub start_silence: Duration,
    /// Then this long without RTP or RTCP ends the call.
    pub mid_silence: Duration,
    /// Seconds of a test that stand for one second of a call.
    pub scale: f64,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Dialled; the business does not know yet.
    Dialled,
    /// The `connect` webhook is out.
    Offered,
    /// The business answered the SDP; ICE and DTLS may come up.
    PreAccepted,
    /// A call by the business: the user's phone rings.
    Ringing,
    /// Picked up.
    Accepted {
        /// When `accept` was taken.
        since: Instant,
        /// The same, as the webhook will say it.
        start_secs: u64,
    },
    /// Over.
    Ended,
}

impl State {
    /// The word of the control API.
    pub fn word(self) -> &'static str {
        match self {
            State::Dialled => "dialled",
            State::Offered => "offered",
            State::PreAccepted => "pre_accepted",
            State::Ringing => "ringing",
            State::Accepted { .. } => "accepted",
            State::Ended => "ended",
        }
    }
}

/// How a call ended: what the `terminate` webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Failed calls carry an error.
    pub failed: Option<u32>,
    /// Start, end and whole seconds; only of a call that was picked up.
    pub talk: Option<Talk>,
    /// When, in seconds since 1970.
    pub at_secs: u64,
    /// Who or what ended it, in words.
    pub by: &'static str,
}

/// The picked-up part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// Seconds since 1970.
    pub start_secs: u64,
    /// Seconds since 1970.
    pub end_secs: u64,
    /// Whole seconds.
    pub duration_secs: u64,
}

/// What the relay has seen from the business so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Media {
    /// Whether the relay carries this call at all.
    pub watched: bool,
    /// RTP packets before `accept`.
    pub early: u64,
    /// RTP packets so far.
    pub rtp: u64,
    /// The last RTP or RTCP.
    pub life: Option<Instant>,
    /// SSRCs seen.
    pub ssrcs: usize,
    /// A payload type that was never offered.
    pub strange_type: Option<u8>,
    /// A check said that the business is controlled; Meta answered 487.
    pub controlled: bool,
}

/// What a status webhook says of a call by the business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The user's phone rings.
    Ringing,
    /// The user picked up.
    Accepted,
    /// The user declined, or is busy.
    Rejected,
}

/// What the exchange must do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Give the business's SDP to the relay.
    Apply(Box<Remote>),
    /// The call is picked up: media may flow.
    Open,
    /// Post a status webhook.
    Tell(Status),
    /// Post the `terminate` webhook and close the relay's side.
    End(Ending),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// Meta's id.
    pub id: Wacid,
    /// The user's end.
    pub user: Person,
    /// What the user's phone will do; only of calls by the business.
    pub plan: Option<Plan>,
    /// What goes wrong with it.
    pub faults: Faults,
    /// Where it stands.
    pub state: State,
    /// The SDP in the `connect` webhook: an offer, or the answer to the business's.
    pub offer: String,
    /// The SDP of the business, once it answered, or its offer.
    pub answer: Option<String>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// (milliseconds since it was dialled, what happened).
    pub events: Vec<(u64, String)>,
    /// What the business did wrong, each once.
    pub faults_of_ours: Vec<String>,
    /// When it was dialled.
    pub born: Now,
    /// Webhooks that will come again after the end: (event, body).
    pub ghosts: Vec<(&'static str, String)>,
    /// How long things may take.
    pub rules: Rules,
}

impl Call {
    /// A call that was just dialled.
    pub fn new(id: Wacid, user: Person, faults: Faults, rules: Rules, offer: String, now: Now) -> Call {
        let mut call = Call {
            id,
            user,
            plan: None,
            faults,
            state: State::Dialled,
            offer,
            answer: None,
            ending: None,
            events: Vec::new(),
            faults_of_ours: Vec::new(),
            born: now,
            ghosts: Vec::new(),
            rules,
        };
        call.note(now, "dialled");
        call
    }

    /// The `connect` webhook leaves.
    pub fn offered(&mut self, now: Now) {
        if self.state == State::Dialled {
            self.state = State::Offered;
            self.note(now, "offered");
        }
    }

    /// Whether the business dialled.
    pub fn by_business(&self) -> bool {
        self.plan.is_some()
    }

    /// `pre_accept`: the SDP is applied, the caller still hears it ring.
    pub fn pre_accept(&mut self, now: Now, sdp: &str) -> Result<Vec<Deed>, Refusal> {
        match self.state {
            State::Dialled | State::Offered if !self.by_business() => {}
            State::PreAccepted => return Err(self.refuse(now, "pre_accept", "the call is already pre-accepted")),
            _ => return Err(self.not_now(now, "pre_accept")),
        }
        let deeds = self.apply(now, sdp)?;
        self.state = State::PreAccepted;
        self.note(now, "pre_accepted");
        Ok(deeds)
    }

    /// `accept`: picked up. After a `pre_accept` the SDP must be the same.
    pub fn accept(&mut self, now: Now, sdp: &str) -> Result<Vec<Deed>, Refusal> {
        let mut deeds = match self.state {
            State::Dialled | State::Offered if !self.by_business() => self.apply(now, sdp)?,
            State::PreAccepted if self.answer.as_deref() == Some(sdp) => Vec::new(),
            State::PreAccepted => {
                self.fault(now, "accept with another SDP than pre_accept");
                return Err(self.refuse(now, "accept", "the SDP differs from the one given with pre_accept"));
            }
            _ => return Err(self.not_now(now, "accept")),
        };
        self.state = State::Accepted { since: now.at, start_secs: now.unix_ms / 1000 };
        self.note(now, "accepted");
        deeds.push(Deed::Open);
        Ok(deeds)
    }

    /// `reject`, before the call is picked up.
    pub fn reject(&mut self, now: Now) -> Result<Vec<Deed>, Refusal> {
        match self.state {
            State::Dialled | State::Offered | State::PreAccepted if !self.by_business() => {
                Ok(self.end(now, None, "rejected by the business"))
            }
            _ => Err(self.not_now(now, "reject")),
        }
    }

    /// `terminate` by the business, at any time while it lives.
    pub fn terminate(&mut self, now: Now) -> Result<Vec<Deed>, Refusal> {
        match self.state {
            State::Ended => Err(self.not_now(now, "terminate")),
            _ => Ok(self.end(now, None, "business hung up")),
        }
    }

    /// The user hangs up, or declines what rings; a second time does nothing.
    pub fn hang_up(&mut self, now: Now) -> Vec<Deed> {
        match self.state {
            State::Ended => Vec::new(),
            State::Accepted { .. } if self.by_business() => self.end(now, None, "user hung up"),
            _ if self.by_business() => self.decline(now),
            _ => self.end(now, None, "caller hung up"),
        }
    }

    /// Time passed: ring timer, media watchdogs, faults of the business.
    pub fn wake(&mut self, now: Now, media: Media) -> Vec<Deed> {
        // WHY: for calls by the business nothing forbids sound before the pick-up; nobody hears it.
        if media.early > 0 && !self.by_business() {
            self.fault(now, "rtp before accept");
        }
        if media.ssrcs > 1 {
            self.fault(now, "more than one ssrc");
        }
        if let Some(strange) = media.strange_type {
            self.fault(now, &format!("payload type {strange} was not offered"));
        }
        if media.controlled {
            self.fault(now, "ice: the business must be controlling");
        }
        if let Some(code) = self.fails_now(now) {
            return self.end(now, Some(code), "failed on purpose");
        }
        match self.state {
            State::Dialled | State::Offered | State::PreAccepted | State::Ringing => {
                if now.at.duration_since(self.born.at) >= self.rules.ring {
                    return self.end(now, None, "not answered");
                }
                return self.wake_outgoing(now);
            }
            State::Accepted { since, .. } if self.talked_enough(now, since) => {
                return self.end(now, None, "user hung up");
            }
            State::Accepted { since, .. } if media.watched => {
                let silent = match media.life {
                    Some(life) if media.rtp > 0 => now.at.saturating_duration_since(life) >= self.rules.mid_silence,
                    _ => now.at.saturating_duration_since(since) >= self.rules.start_silence,
                };
                if silent {
                    self.fault(now, "no media");
                    return self.end(now, Some(NO_MEDIA), "no media from the business");
                }
            }
            State::Accepted { .. } | State::Ended => {}
        }
        Vec::new()
    }

    /// Writes a line into the call's own log.
    pub fn note(&mut self, now: Now, what: impl Into<String>) {
        if self.events.len() < EVENTS_MAX {
            let at_ms = now.at.saturating_duration_since(self.born.at).as_millis();
            self.events.push((u64::try_from(at_ms).unwrap_or(u64::MAX), what.into()));
        }
    }

    fn fails_now(&self, now: Now) -> Option<u32> {
        let after = Duration::from_millis(self.faults.fail_after_ms);
        let due = now.at.saturating_duration_since(self.born.at) >= after;
        self.faults.fail_code.filter(|_| due && self.state != State::Ended)
    }

    fn fault(&mut self, now: Now, what: &str) {
        if !self.faults_of_ours.iter().any(|known| known == what) {
            self.faults_of_ours.push(what.to_owned());
            self.note(now, format!("fault of the business: {what}"));
        }
    }

    fn apply(&mut self, now: Now, sdp: &str) -> Result<Vec<Deed>, Refusal> {
        if self.faults.connect_timeout {
            self.note(now, "refused on purpose: 138007");
            return Err(Refusal::ConnectTimeout);
        }
        match answer::validate(sdp, Kind::Answer, false) {
            Ok(remote) => {
                self.answer = Some(sdp.to_owned());
                Ok(vec![Deed::Apply(Box::new(remote))])
            }
            Err(details) => {
                self.fault(now, &format!("bad sdp: {details}"));
                Err(if self.faults.sdp_138008 { Refusal::Sdp(details) } else { Refusal::Parameter(details) })
            }
        }
    }

    /// The call is over.
    pub(super) fn end(&mut self, now: Now, failed: Option<u32>, by: &'static str) -> Vec<Deed> {
        let talk = match self.state {
            State::Accepted { since, start_secs } => {
                let real = now.at.saturating_duration_since(since).as_secs_f64();
                let duration_secs = (real / self.rules.scale).round() as u64;
                Some(Talk { start_secs, end_secs: start_secs + duration_secs, duration_secs })
            }
            _ => None,
        };
        let ending = Ending { failed, talk, at_secs: talk.map_or(now.unix_ms / 1000, |talk| talk.end_secs), by };
        self.state = State::Ended;
        self.ending = Some(ending.clone());
        self.note(now, format!("ended: {by}"));
        vec![Deed::End(ending)]
    }

    fn not_now(&mut self, now: Now, action: &str) -> Refusal {
        let why = match self.state {
            State::Accepted { .. } => "the call is already in progress",
            State::Ended => "the call has already ended",
            _ => "the call is not in a state for it",
        };
        self.refuse(now, action, why)
    }

    fn refuse(&mut self, now: Now, action: &str, why: &str) -> Refusal {
        self.note(now, format!("{action} refused: {why}"));
        Refusal::Parameter(format!("Cannot {action}: {why}."))
    }
}

/// "WhatsApp client terminated the call due to not receiving any media for a long time."
pub const NO_MEDIA: u32 = 138_021;
const EVENTS_MAX: usize = 500;
