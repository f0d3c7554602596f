//! A call that an agent places: our offer, WhatsApp's name for it, the ring, the pick-up (§5.4).

use std::sync::Arc;

use serde_json::json;

use super::call::{Call, Due, ringing};
use super::ending::{AtWhatsApp, Ending};
use super::memo::{Dialling, Memo, Stage};
use super::post::{News, Post};
use super::{House, adopt};
use crate::ivr::flow::Flows;
use crate::model::softphone::{AgentCall, AgentCallState};
use crate::model::{AccountId, CallStatus, ContactId, Direction, EndedBy, Millis, OrgId, UserId, clock};
use crate::outside::mediad::{ClipName, Command, ErrorCode, Filler, MediaCallId, MediadError, Peer, Reach, Refusal};
use crate::outside::whatsapp::graph::GraphError;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::calls::{CallRow, Move};
use crate::store::contacts::Contact;
use crate::store::journal::NewEntry;
use crate::store::orgs::Org;

/// Places a call to a contact, or says in one sentence why not.
pub(super) async fn dial(
    house: &Arc<House>,
    user: &UserId,
    contact: &ContactId,
    account: Option<&AccountId>,
) -> Result<(), String> {
    let duty = house.store.on_duty(user).await.map_err(unsaved)?.ok_or("you are signed out")?;
    if !house.floor.is_reachable(user) {
        return Err("your sound is not connected yet".to_owned());
    }
    let org = house.store.org(&duty.org).await.map_err(unsaved)?.ok_or("your organisation is gone")?;
    let contact = house.store.contact_of(&org.id, contact).await.map_err(unsaved)?.ok_or("no such contact")?;
    let callee = contact.callee().ok_or(NOBODY)?;
    let account = from_number(house, &org, &contact, account).await?;
    let now = clock::now();
    let row = new_row(&account, contact, user.clone(), now);
    let dialling = Dialling {
        agent: user.clone(),
        agent_name: duty.name,
        callee,
        since: now,
        asked: false,
        rings: false,
        answer: None,
        connected: false,
        picked_up: false,
        declined: false,
    };
    let entry = NewEntry::new("dialled", format!("{} called {}", dialling.agent_name, row.caller_name), json!({}));
    let stage = Stage::Dialling(dialling);
    let memo = Memo { media_seen: None, so_far: Vec::new(), phase_since: now, stage };
    let place = serde_json::to_string(&memo).unwrap_or_default();
    let first = Move { row: &row, place: &place, entries: &[entry], hunt: None, at: now };
    if !house.store.begin_outgoing(&first, user).await.map_err(unsaved)? {
        return Err("you are on another call".to_owned());
    }
    tracing::info!(call.id = %row.id, agent.id = %user, "{user} places call {}", row.id);
    adopt::run_new(house, row, &account, &org, Flows::new(house.prompts.clone()), memo);
    Ok(())
}

/// The number this contact would be called from.
pub(super) async fn number_for(house: &House, org: &OrgId, contact: &Contact) -> Result<Account, String> {
    let org = house.store.org(org).await.map_err(unsaved)?.ok_or("your organisation is gone")?;
    from_number(house, &org, contact, None).await
}

/// The number a contact is called from: the one that was asked for, or the one they were last on, or the first.
async fn from_number(
    house: &House,
    org: &Org,
    contact: &Contact,
    wanted: Option<&AccountId>,
) -> Result<Account, String> {
    let mut accounts = house.store.accounts_of(&org.id).await.map_err(unsaved)?;
    let last = match wanted {
        Some(wanted) => Some(wanted.clone()),
        None => house.store.last_account(&contact.id).await.map_err(unsaved)?,
    };
    let at = last.and_then(|last| accounts.iter().position(|account| account.id == last));
    if wanted.is_some() && at.is_none() {
        return Err("no such number".to_owned());
    }
    if accounts.is_empty() {
        return Err("your organisation has no WhatsApp number".to_owned());
    }
    let account = accounts.swap_remove(at.unwrap_or_default());
    if !org.calling_enabled || !account.calling_enabled {
        return Err(format!("calling is turned off for {}", account.name));
    }
    Ok(account)
}

fn new_row(account: &Account, contact: Contact, agent: UserId, now: Millis) -> CallRow {
    let row = ringing(account, Direction::Outgoing, now);
    let caller_phone = contact.wa_id.clone().unwrap_or_default();
    let caller_key = contact.user_key.clone().unwrap_or_else(|| caller_phone.clone());
    let caller_name = if contact.name.is_empty() { caller_key.clone() } else { contact.name };
    CallRow {
        // Until WhatsApp has named it.
        wacid: row.id.as_str().to_owned(),
        contact: Some(contact.id),
        caller_name,
        caller_phone,
        caller_key,
        agent: Some(agent),
        ..row
    }
}

impl Call {
    /// The first deed of a call that is placed: its leg.
    pub(super) fn offer_leg(&mut self) {
        let Ok(call) = MediaCallId::new(self.row.id.as_str()) else { return };
        self.due.set(Due::Dial, self.house.rules.dial_ms);
        self.show();
        let life_secs = self.house.rules.caller_life_secs();
        let command =
            Command::OfferLeg { leg: self.leg.clone(), call, peer: Peer::Meta, life_secs, reach: Reach::default() };
        let asked = self.house.mediad.ask(command);
        self.errand(async move { Post::Offered(asked.sdp().await) });
    }

    /// mediad has made our offer: WhatsApp is asked, once.
    pub(super) async fn offered(&mut self, offer: Result<String, MediadError>) {
        let Stage::Dialling(dialling) = &mut self.memo.stage else { return };
        let offer = match offer {
            Ok(offer) => offer,
            Err(error) => {
                let text = format!("The call could not be placed: {error}");
                return self.end(Ending::failed("media_refused", text, AtWhatsApp::Nothing)).await;
            }
        };
        dialling.asked = true;
        let callee = dialling.callee.clone();
        self.house.switchboard.leg_is_open(&self.row.id, self.leg.as_str(), self.house.mediad.conversation());
        // Written before WhatsApp hears it: after a restart the call may be there though nobody has told us its name.
        self.save(&[], None, clock::now()).await;
        let (graph, line, ours) = (self.house.graph.clone(), self.line.clone(), self.row.id.clone());
        self.errand(async move { Post::Placed(graph.connect(&line, &callee, &offer, ours.as_str()).await) });
    }

    /// WhatsApp has placed the call, or not.
    pub(super) async fn placed(&mut self, placed: Result<String, GraphError>) {
        if !matches!(self.memo.stage, Stage::Dialling(_)) {
            return;
        }
        match placed {
            Ok(wacid) => self.named(&wacid).await,
            Err(GraphError::Refused(refusal)) => {
                let (reason, text) = (format!("whatsapp_{}", refusal.code), format!("Not called: {refusal}"));
                self.end(Ending::failed(&reason, text, AtWhatsApp::Nothing)).await;
            }
            // The call may be there: its webhooks will carry our name for it, and end it.
            Err(error) => {
                let text = format!("Not called: {error}");
                self.end(Ending::failed("whatsapp_unreachable", text, AtWhatsApp::Nothing)).await;
            }
        }
    }

    /// What a webhook tells of a call we placed. It may be quicker than the answer to our request.
    pub(super) async fn outgoing(&mut self, wacid: &str, news: News) {
        self.named(wacid).await;
        let Stage::Dialling(dialling) = &mut self.memo.stage else { return };
        match news {
            News::Rings if !dialling.rings => {
                dialling.rings = true;
                self.ring_back(true);
                self.show();
                let entry = NewEntry::new("rings", "WhatsApp rings", json!({}));
                self.save(&[entry], None, clock::now()).await;
            }
            News::Answer(sdp) if dialling.answer.is_none() => {
                dialling.answer = Some(sdp);
                self.save(&[], None, clock::now()).await;
                self.answer_leg();
            }
            News::PickedUp => self.picked_up().await,
            News::Declined => dialling.declined = true,
            News::Rings | News::Answer(_) => {}
        }
    }

    /// mediad has taken Meta's answer, or not.
    pub(super) async fn answer_taken(&mut self, taken: Result<(), MediadError>) {
        match taken {
            // After a restart the answer may have been given already.
            Ok(()) | Err(MediadError::Refused(Refusal { code: ErrorCode::WrongState, .. })) => {}
            Err(error) => {
                let text = format!("WhatsApp's answer could not be used: {error}");
                self.end(Ending::failed("media_refused", text, AtWhatsApp::Terminate)).await;
            }
        }
    }

    /// The contact has answered: WhatsApp says so, or their voice was quicker.
    pub(super) async fn picked_up(&mut self) {
        let Stage::Dialling(dialling) = &mut self.memo.stage else { return };
        dialling.picked_up = true;
        self.join_dialled().await;
    }

    /// Joins the two once the contact has picked up and the media is up.
    pub(super) async fn join_dialled(&mut self) {
        let Stage::Dialling(dialling) = &self.memo.stage else { return };
        if !dialling.picked_up || !dialling.connected {
            return;
        }
        let (agent, name) = (dialling.agent.clone(), dialling.agent_name.clone());
        self.due.clear(Due::Dial);
        self.house.mediad.tell(Command::OpenGate { leg: self.leg.clone() });
        self.row.answered_at = Some(clock::now());
        self.start_talking(agent, name, None).await;
    }

    /// The contact did not answer in time.
    pub(super) async fn not_answered(&mut self) {
        if matches!(self.memo.stage, Stage::Dialling(_)) {
            self.end(no_answer(AtWhatsApp::Terminate)).await;
        }
    }

    /// The agent who places this call hangs up.
    pub(super) async fn cancelled(&mut self) {
        let Stage::Dialling(dialling) = &self.memo.stage else { return };
        let text = format!("{} hung up before anybody answered", dialling.agent_name);
        self.end(Ending {
            status: CallStatus::Missed,
            by: EndedBy::Agent,
            reason: "agent_hung_up".to_owned(),
            text,
            at_whatsapp: AtWhatsApp::Terminate,
        })
        .await;
    }

    /// Takes up a call that was being placed when we died.
    pub(super) async fn dial_again(&mut self, connected: bool) {
        let is_named = self.row.wacid != self.row.id.as_str();
        let Stage::Dialling(dialling) = &mut self.memo.stage else { return };
        if !is_named {
            let text = "Not called: Patchbay was restarted meanwhile";
            return self.end(Ending::failed("media_lost", text, AtWhatsApp::Nothing)).await;
        }
        dialling.connected |= connected;
        let (rings, is_answered) = (dialling.rings, dialling.answer.is_some());
        if rings {
            self.ring_back(true);
        }
        if is_answered && !connected {
            self.answer_leg();
        }
        self.join_dialled().await;
    }

    /// What the screen of the agent who places this call shows.
    pub(super) fn show_dialling(&self, dialling: &Dialling) {
        let state = if dialling.rings { AgentCallState::Ringing } else { AgentCallState::Dialling };
        let shown = AgentCall {
            call: self.row.id.clone(),
            caller: self.caller(),
            direction: self.row.direction,
            team: String::new(),
            state,
            since: dialling.since,
            held_since: None,
            recording: false,
            so_far: Vec::new(),
        };
        self.house.floor.show_call(&dialling.agent, shown);
    }

    /// The agent hears the ringing, or nothing any more.
    pub(super) fn ring_back(&self, on: bool) {
        let Stage::Dialling(dialling) = &self.memo.stage else { return };
        let Some(standing) = self.house.floor.leg(&dialling.agent) else { return };
        let with = if on { Filler::Music(self.ringback.clone()) } else { Filler::Comfort };
        if on {
            self.house.mediad.tell(Command::OpenGate { leg: standing.leg.clone() });
        }
        self.house.mediad.tell(Command::Fill { leg: standing.leg, with });
    }

    /// WhatsApp's name for this call.
    async fn named(&mut self, wacid: &str) {
        if self.row.wacid == wacid || self.row.direction != Direction::Outgoing {
            return;
        }
        self.row.wacid = wacid.to_owned();
        self.house.switchboard.name_wacid(&self.row.id, wacid);
        self.save(&[], None, clock::now()).await;
    }

    fn answer_leg(&mut self) {
        let Stage::Dialling(Dialling { answer: Some(answer), .. }) = &self.memo.stage else { return };
        let asked = self.house.mediad.ask(Command::AnswerLeg { leg: self.leg.clone(), answer: answer.clone() });
        self.errand(async move { Post::AnswerTaken(asked.done().await) });
    }
}

/// Nobody picked up.
pub(super) fn no_answer(at_whatsapp: AtWhatsApp) -> Ending {
    Ending {
        status: CallStatus::Missed,
        by: EndedBy::System,
        reason: "no_answer".to_owned(),
        text: "The contact did not answer".to_owned(),
        at_whatsapp,
    }
}

/// The organisation's own ringback, or the house's.
pub(super) fn ringback(house: &House, org: &Org) -> ClipName {
    let own = org.ringback.as_ref().and_then(|name| ClipName::new(name.clone()).ok());
    own.unwrap_or_else(|| house.sounds.ringback.clone())
}

/// A contact that a merge has left empty.
pub(super) const NOBODY: &str = "this contact has neither a number nor a user id";

fn unsaved(error: StoreError) -> String {
    tracing::error!("a call could not be placed: {error}");
    "the call could not be saved; please try again".to_owned()
}
