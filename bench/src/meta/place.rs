//! Placing a call for the business: Meta's checks in their order, the answer to its offer, and the user's phone.

use std::sync::Arc;
use std::time::Duration;

use super::answer::{self, Kind, Remote};
use super::call::{Call, Now, Person, State};
use super::dial::forget_oldest;
use super::exchange::{Entry, Exchange, lock};
use super::faults::{DtlsRole, Faults};
use super::notice;
use super::outgoing::Plan;
use super::people::secs;
use super::permission::DAY;
use super::refusal::Refusal;
use super::relay::{OPUS, Phone, TELEPHONE_EVENT, Ticket};
use super::script::Script;
use super::sdp_answer::{self, Mirror};
use super::user::{phone_of, user_id};
use super::wacid::{Direction, Wacid};

/// `connect` as the business asked for it.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The user's number, digits only.
    pub phone: String,
    /// The offer.
    pub sdp: String,
    /// Comes back in webhooks.
    pub opaque: Option<String>,
}

/// Why a ringing call could not be picked up.
#[derive(Debug, thiserror::Error)]
pub enum PickUpError {
    /// There is no such call, or it does not ring.
    #[error("no such call rings")]
    NotRinging,
    /// The browser's offer or the sound file is unusable.
    #[error("{0}")]
    Media(String),
}

impl Exchange {
    /// `connect`: all checks, media, and the webhook with the answer. Gives back the call's id.
    pub async fn connect(self: &Arc<Self>, wish: Wish) -> Result<Wacid, Refusal> {
        let now = self.now();
        self.check_connect(&wish.phone, now)?;
        let (script, person) = {
            let mut users = lock(&self.users);
            let name = users.get(&wish.phone).name.clone();
            (users.script_for(&wish.phone), Person { phone: wish.phone.clone(), name, user_id: user_id(&wish.phone) })
        };
        let faults = &script.faults;
        let remote = answer::validate(&wish.sdp, Kind::Offer, faults.lax_codecs)
            .map_err(|details| if faults.sdp_138008 { Refusal::Sdp(details) } else { Refusal::Parameter(details) })?;
        if faults.connect_timeout {
            return Err(Refusal::ConnectTimeout);
        }
        let (sdp, ticket) = self.answer_business(&script, remote).await?;
        let now = self.now();
        let id = Wacid::new(&wish.phone, &self.line.display_number, Direction::Business, &mut *lock(&self.rng));
        let id = if faults.awkward_id { id.awkward() } else { id };
        let mut call = Call::new(id.clone(), person, faults.clone(), self.rules(faults), sdp, now);
        call.answer = Some(wish.sdp);
        call.plan = Some(plan(&script, wish.opaque));
        let delay = Duration::from_millis(faults.graph_delay_ms);
        self.enlist(Entry { call, ticket: Some(ticket) }, now)?;
        tokio::time::sleep(delay).await;
        Ok(id)
    }

    /// The user picks up what rings: with a phone, or as the call's script has it.
    pub async fn pick_up(self: &Arc<Self>, id: &Wacid, phone: Option<Phone>) -> Result<Option<String>, PickUpError> {
        let rings = |entry: &mut Entry| entry.ticket.as_ref().filter(|_| entry.call.rings()).map(|ticket| ticket.key);
        let key = self.with(id, rings).flatten().ok_or(PickUpError::NotRinging)?;
        let attached = match phone {
            Some(phone) => Some(self.relay.attach(key, phone).await.map_err(PickUpError::Media)?),
            None => None,
        };
        let answer = attached.as_ref().and_then(|attached| attached.browser_answer.clone());
        self.with(id, |entry| {
            if let (Some(attached), Some(ticket)) = (attached, &mut entry.ticket) {
                (ticket.heard, ticket.browser_answer) = (attached.heard, attached.browser_answer);
            }
            let now = self.now();
            let deeds = entry.call.pick_up(now);
            if deeds.is_empty() {
                return Err(PickUpError::NotRinging);
            }
            self.carry_out(entry, deeds, now);
            Ok(answer)
        })
        .unwrap_or(Err(PickUpError::NotRinging))
    }

    /// The user declines. False if nothing of that id rings.
    pub fn decline(self: &Arc<Self>, id: &Wacid) -> bool {
        self.with(id, |entry| {
            let now = self.now();
            let deeds = entry.call.decline(now);
            let rang = !deeds.is_empty();
            self.carry_out(entry, deeds, now);
            rang
        })
        .unwrap_or(false)
    }

    /// Restricted, allow-list, callable, permission, limits, room, duplicate: the order the answers depend on.
    fn check_connect(&self, phone: &str, now: Now) -> Result<(), Refusal> {
        let standing = lock(&self.number).standing.clone();
        standing.check_business_calls()?;
        standing.check_recipient(phone)?;
        let at = secs(now);
        {
            let mut users = lock(&self.users);
            let user = users.get(phone);
            if !user.traits.callable {
                return Err(Refusal::Uncallable);
            }
            user.leave.check_call(at, standing.rules())?;
            users.connects.retain(|placed| placed + DAY > at);
            if users.connects.len() >= standing.connects_a_day as usize {
                return Err(Refusal::CallRate);
            }
        }
        let calls = lock(&self.calls);
        let live = || calls.values().filter(|entry| entry.call.state != State::Ended);
        if live().count() >= standing.concurrent_calls as usize {
            return Err(Refusal::Concurrent);
        }
        if live().any(|entry| entry.call.user.phone == phone) { Err(Refusal::Duplicate) } else { Ok(()) }
    }

    async fn answer_business(&self, script: &Script, remote: Remote) -> Result<(String, Ticket), Refusal> {
        let faults = &script.faults;
        let active = relay_is_client(&remote, faults);
        let mirror = Mirror::of(&remote, active, [OPUS, TELEPHONE_EVENT]);
        let sound = script.sound().map_err(|why| Refusal::Parameter(why.to_owned()))?;
        let (open, older) = self.opening(Phone::Scripted(sound), faults, [mirror.opus, mirror.keys]);
        let (ice, ssrc) = (open.ice.clone(), open.ssrc);
        let ticket = self.relay.open(open).await.map_err(Refusal::Parameter)?;
        self.relay.answer(&ticket, remote, active);
        let description = self.description(ice, ssrc, &ticket.fingerprint);
        let write = if older { sdp_answer::answer_older } else { sdp_answer::answer_today };
        Ok((write(&description, &mirror), ticket))
    }

    /// Into the table, unless another request was faster; then the webhook leaves.
    fn enlist(self: &Arc<Self>, mut entry: Entry, now: Now) -> Result<(), Refusal> {
        let mut calls = lock(&self.calls);
        let phone = entry.call.user.phone.clone();
        if calls.values().any(|other| other.call.state != State::Ended && other.call.user.phone == phone) {
            entry.ticket.iter().for_each(|ticket| self.relay.close(ticket));
            return Err(Refusal::Duplicate);
        }
        lock(&self.users).connects.push_back(secs(now));
        let call = &mut entry.call;
        let body = notice::connect(&self.line, call);
        let overtaken = call.faults.terminate_before_connect;
        let delay = Duration::from_millis(call.faults.delay_ms) + if overtaken { OVERTAKEN_BY } else { Duration::ZERO };
        self.post_letter(call, "connect", &body, delay, now);
        call.offered(now);
        self.tell(call, "placed");
        if overtaken {
            let deeds = entry.call.decline(now);
            self.carry_out(&mut entry, deeds, now);
        }
        forget_oldest(&mut calls);
        calls.insert(entry.call.id.clone(), entry);
        Ok(())
    }
}

/// Whom `to` or `recipient` names; `to` wins. None if neither is a number or an id of ours.
pub fn addressee(to: Option<&str>, recipient: Option<&str>) -> Option<String> {
    let digits = to.map(super::user::digits_of).filter(|digits| !digits.is_empty());
    digits.or_else(|| recipient.and_then(phone_of).map(str::to_owned))
}

/// RFC 8842 §5.3: an offer of one role leaves the other; only `actpass` leaves the choice.
fn relay_is_client(offer: &Remote, faults: &Faults) -> bool {
    match offer.setup.as_deref() {
        Some("active") => false,
        Some("passive") => true,
        _ => faults.dtls_role == DtlsRole::Active,
    }
}

fn plan(script: &Script, opaque: Option<String>) -> Plan {
    Plan {
        ring_after: Duration::from_millis(script.ring_after_ms),
        then: script.then,
        after: Duration::from_millis(script.after_ms),
        talk: script.talk_ms.map(Duration::from_millis),
        rang: None,
        opaque,
    }
}

const OVERTAKEN_BY: Duration = Duration::from_millis(400);
