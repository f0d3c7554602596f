//! Placing a call: who dials, what is offered, and the webhook that tells the business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use serde::Serialize;

use super::call::{Call, Deed, Now, Person, Rules, State};
use super::exchange::{Entry, Exchange, lock};
use super::faults::Faults;
use super::notice;
use super::relay::{OPUS, Open, Phone, TELEPHONE_EVENT};
use super::sdp::{self, Description, Ice};
use super::user::{digits_of, user_id};
use super::wacid::{Direction, Wacid};

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
    /// Places a call: the offer is made, the `connect` webhook leaves.
    pub async fn dial(self: &Arc<Self>, dial: Dial) -> Result<Dialled, DialError> {
        if lock(&self.number).check_calls().is_err() {
            return Err(DialError::Gated("calling is not enabled for this number"));
        }
        let (id, user) = self.who(&dial);
        self.check_room(&user)?;
        let (offer, ticket, answer) = match dial.media {
            DialMedia::External(sdp) => (sdp, None, None),
            DialMedia::Relay(phone) => {
                let (open, older) = self.opening(phone, &dial.faults, [OPUS, TELEPHONE_EVENT]);
                let (ice, ssrc) = (open.ice.clone(), open.ssrc);
                let ticket = self.relay.open(open).await.map_err(DialError::Media)?;
                let offer = self.describe(ice, ssrc, &ticket.fingerprint, older);
                let answer = ticket.browser_answer.clone();
                (offer, Some(ticket), answer)
            }
        };
        let now = self.now();
        self.dialled_by(&user, now);
        let rules = self.rules(&dial.faults);
        let mut call = Call::new(id.clone(), user, dial.faults, rules, offer, now);
        self.announce(&mut call, now);
        let mut calls = lock(&self.calls);
        forget_oldest(&mut calls);
        calls.insert(id.clone(), Entry { call, ticket });
        drop(calls);
        Ok(Dialled { call: id, answer })
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

    fn who(&self, dial: &Dial) -> (Wacid, Person) {
        let phone = dial.from.as_deref().map(digits_of).filter(|digits| !digits.is_empty());
        let (id, phone) = {
            let rng = &mut *lock(&self.rng);
            let phone = phone.unwrap_or_else(|| format!("1555{:07}", rng.random_range(0..10_000_000)));
            (Wacid::new(&phone, &self.line.display_number, Direction::User, rng), phone)
        };
        let id = if dial.faults.awkward_id { id.awkward() } else { id };
        let name = dial.name.clone().unwrap_or_else(|| self.name_of(&phone));
        (id, Person { user_id: user_id(&phone), phone, name })
    }

    fn check_room(&self, user: &Person) -> Result<(), DialError> {
        let calls = lock(&self.calls);
        let live = calls.values().filter(|entry| entry.call.state != State::Ended);
        let mut count = 0;
        for entry in live {
            count += 1;
            if entry.call.user.phone == user.phone {
                return Err(DialError::Busy);
            }
        }
        drop(calls);
        let full = count >= lock(&self.number).standing.concurrent_calls as usize;
        if full { Err(DialError::Gated("the number has as many calls as it may have")) } else { Ok(()) }
    }

    /// What the relay needs of a call, and whether its SDP is of the older kind.
    pub(super) fn opening(&self, phone: Phone, faults: &Faults, payload_types: [u8; 2]) -> (Open, bool) {
        let rng = &mut *lock(&self.rng);
        let ice = if faults.old_sdp { Ice::older(rng) } else { Ice::today(faults.ice_pwd_padded, rng) };
        let open = Open {
            ice,
            ssrc: rng.random(),
            phone,
            rsa: faults.rsa_certificate,
            aead: faults.aead,
            payload_types,
            waits_for_rtp: faults.never_send_first,
            loss_percent: faults.loss_percent,
            seed: rng.random(),
        };
        (open, faults.old_sdp)
    }

    fn describe(&self, ice: Ice, ssrc: u32, fingerprint: &str, older: bool) -> String {
        let description = self.description(ice, ssrc, fingerprint);
        if older { sdp::offer_older(&description) } else { sdp::offer_today(&description) }
    }

    /// The relay's side of an SDP.
    pub(super) fn description(&self, ice: Ice, ssrc: u32, fingerprint: &str) -> Description {
        let rng = &mut *lock(&self.rng);
        Description {
            relay: self.relay.media(),
            ice,
            fingerprint: fingerprint.to_owned(),
            ssrc,
            unix_ms: self.now().unix_ms,
            stream_ids: [sdp::uuid(rng), sdp::uuid(rng)],
        }
    }

    /// How long things may take in a call.
    pub(super) fn rules(&self, faults: &Faults) -> Rules {
        let pick = |knob: Option<u64>, usual: Duration| knob.map_or(usual.mul_f64(self.scale), Duration::from_millis);
        Rules {
            ring: pick(faults.ring_ms, RING),
            start_silence: pick(faults.start_silence_ms, START_SILENCE),
            mid_silence: pick(faults.mid_silence_ms, MID_SILENCE),
            scale: self.scale,
        }
    }
}

/// Ended calls stay to be looked at, but not for ever.
pub(super) fn forget_oldest(calls: &mut BTreeMap<Wacid, Entry>) {
    if calls.len() < CALLS_KEPT {
        return;
    }
    let ended = calls.values().filter(|entry| entry.call.state == State::Ended);
    let oldest = ended.min_by_key(|entry| entry.call.born.at).map(|entry| entry.call.id.clone());
    if let Some(oldest) = oldest {
        calls.remove(&oldest);
    }
}

const RING: Duration = Duration::from_secs(45);
const START_SILENCE: Duration = Duration::from_secs(20);
const MID_SILENCE: Duration = Duration::from_secs(30);
const OVERTAKEN_BY: Duration = Duration::from_millis(400);
const CALLS_KEPT: usize = 10_000;
