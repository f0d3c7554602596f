//! A call begins, or is taken up again after a restart of ours where the journal left it (D14).

use std::sync::Arc;

use tokio::sync::mpsc;

use super::call::{Call, Due, leg_name};
use super::ending::{AtWhatsApp, Ending};
use super::memo::{Arriving, Memo, Stage, Talking};
use super::post::{Found, Post};
use super::{DeskError, House, tab};
use crate::ivr::deed::{Heard, HttpAnswer};
use crate::ivr::flow::{Flows, Published};
use crate::ivr::parse::parse;
use crate::model::{Direction, FlowId, Millis, OrgId, clock};
use crate::outside::mediad::LegId;
use crate::outside::whatsapp::graph::Line;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::calls::CallRow;
use crate::store::orgs::Org;

/// The memo of a call that WhatsApp has just offered.
pub(super) fn first_memo(offer: String, now: Millis) -> Memo {
    let arriving = Arriving { offer, answer: None, accepting: false, connected: false };
    Memo { media_seen: None, so_far: Vec::new(), phase_since: now, stage: Stage::Arriving(arriving) }
}

/// Runs a call that has just got its row.
pub(super) fn run_new(house: &Arc<House>, row: CallRow, account: &Account, org: &Org, flows: Flows, memo: Memo) {
    let letters = house.switchboard.open(&row.id, &row.wacid, &row.account, &row.org);
    let (id, row_is_outgoing) = (row.id.clone(), row.direction == Direction::Outgoing);
    let Some(mut call) = Call::new(house, row, line_of(account), org, flows, memo) else {
        house.switchboard.close(&id);
        return;
    };
    if row_is_outgoing {
        call.offer_leg();
    } else {
        call.open_leg();
    }
    tokio::spawn(call.run(letters));
}

/// Takes up every call that is not over. Their first letter will be what mediad has of them.
pub(super) async fn calls(house: &Arc<House>) -> Result<(), DeskError> {
    for row in house.store.live_calls().await? {
        let id = row.id.clone();
        match adopt(house, row).await {
            Ok((call, letters)) => {
                // Before the first conversation: the first snapshot says what is left of it.
                house.switchboard.leg_is_open(&id, call.leg.as_str(), 0);
                tokio::spawn(call.run(letters));
            }
            Err(why) => tracing::error!(call.id = %id, "call {id} cannot be taken up: {why}"),
        }
    }
    Ok(())
}

/// Puts everyone who was at work back on the floor; who has no tab soon goes home.
pub(super) async fn agents(house: &Arc<House>) -> Result<(), DeskError> {
    for duty in house.store.all_on_duty().await? {
        let user = duty.user.clone();
        house.floor.enter(duty);
        tab::go_home_later(house, user);
    }
    Ok(())
}

/// The published flows of an organisation, and the version this call began on.
pub(super) async fn flows(house: &House, org: &OrgId, begun_on: Option<&(FlowId, i64)>) -> Result<Flows, StoreError> {
    let mut flows = Flows::new(house.prompts.clone());
    for (flow, version) in house.store.published_flows(org).await? {
        if let Some(published) = published(house, org, &flow, version).await? {
            flows.publish(published);
        }
    }
    if let Some((flow, version)) = begun_on
        && let Some(published) = published(house, org, flow, *version).await?
    {
        flows.keep(published);
    }
    Ok(flows)
}

impl Call {
    /// What mediad has of this call, after a reconnect.
    pub(super) async fn found(&mut self, found: Option<Found>) {
        let is_adopted = std::mem::take(&mut self.is_adopted);
        let Some(found) = found else { return self.media_is_lost(is_adopted).await };
        match &self.memo.stage {
            Stage::Arriving(_) => self.found_arriving(&found, is_adopted).await,
            Stage::Dialling(_) if is_adopted => self.dial_again(found.connected).await,
            Stage::Menu(_) if is_adopted => self.found_in_flow(&found).await,
            Stage::Waiting(_) if is_adopted => self.found_waiting(&found).await,
            Stage::Talking(_) => self.found_bridge(found.bridge).await,
            Stage::Leaving(leaving) if is_adopted => {
                if found.clip.is_none_or(|clip| clip.as_str() != leaving.clip) {
                    self.left().await;
                }
            }
            Stage::Dialling(_) | Stage::Menu(_) | Stage::Waiting(_) | Stage::Leaving(_) | Stage::Ended => {}
        }
    }

    /// A leg that has to be opened a second time gets another name: events of the first still on their way are not its.
    pub(super) fn rename_leg(&mut self) {
        let Ok(leg) = LegId::new(format!("{}-{:04x}", leg_name(&self.row.id), rand::random::<u16>())) else { return };
        self.row.leg = Some(leg.as_str().to_owned());
        self.house.switchboard.name_leg(&self.row.id, leg.as_str());
        self.leg = leg;
    }

    async fn media_is_lost(&mut self, is_adopted: bool) {
        if is_adopted && matches!(self.memo.stage, Stage::Arriving(_)) {
            return self.arrive_again(false).await;
        }
        self.end(Ending::failed("media_lost", "The media of the call was lost", AtWhatsApp::Terminate)).await;
    }

    async fn found_arriving(&mut self, found: &Found, is_adopted: bool) {
        if let Stage::Arriving(arriving) = &mut self.memo.stage {
            arriving.connected |= found.connected;
        }
        if is_adopted {
            self.arrive_again(true).await;
        }
    }

    async fn found_in_flow(&mut self, found: &Found) {
        let Stage::Menu(menu) = &mut self.memo.stage else { return };
        let heard = match (&menu.playing, menu.asking) {
            (_, true) => {
                menu.asking = false;
                // The request may have been sent; a second one could charge a card twice.
                Heard::Answered(HttpAnswer::Failed { why: "Patchbay was restarted meanwhile".to_owned(), took_ms: 0 })
            }
            (Some(playing), _) if found.clip.as_ref().is_none_or(|clip| clip.as_str() != playing) => {
                menu.playing = None;
                Heard::PromptEnded
            }
            _ => return,
        };
        self.walk(heard, vec![]).await;
    }

    async fn found_waiting(&mut self, found: &Found) {
        let claimed_by = match self.house.store.hunt(&self.row.id).await {
            Ok(hunt) => hunt.and_then(|hunt| hunt.claimed_by),
            Err(error) => {
                tracing::error!(call.id = %self.row.id, "the hunt of call {} cannot be read: {error}", self.row.id);
                None
            }
        };
        if let Some(agent) = claimed_by {
            // The claim was written and we died before the bridge, or before writing it down.
            self.claimed(agent).await;
            return self.found_bridge(found.bridge.clone()).await;
        }
        if found.clip.as_ref() != Some(&self.music) {
            self.play_music();
        }
        self.declined = self.house.store.declined(&self.row.id).await.unwrap_or_default().into_iter().collect();
        self.look_around().await;
    }

    /// Sets the deadlines that ran when we died, by what is left of them.
    fn resume_deadlines(&mut self) {
        let now = clock::now();
        let left = |at: Millis| u64::try_from(at.saturating_sub(now)).unwrap_or_default();
        let lost_ms = self.house.rules.agent_lost_ms;
        match &self.memo.stage {
            Stage::Menu(menu) => {
                if let Some((id, at)) = menu.timer {
                    self.due.set(Due::Flow(id), left(at));
                }
            }
            Stage::Dialling(dialling) => {
                let dial_ms = Millis::try_from(self.house.rules.dial_ms).unwrap_or(Millis::MAX);
                self.due.set(Due::Dial, left(dialling.since.saturating_add(dial_ms)));
            }
            Stage::Waiting(waiting) => self.due.set(Due::NobodyFree, left(waiting.deadline)),
            Stage::Talking(talking) if talking.lost_since.is_some() => self.due.set(Due::AgentLost, lost_ms),
            Stage::Leaving(_) => self.due.set(Due::Leaving, lost_ms),
            Stage::Arriving(_) | Stage::Talking(_) | Stage::Ended => {}
        }
    }
}

async fn adopt(house: &Arc<House>, row: CallRow) -> Result<(Call, mpsc::Receiver<Post>), String> {
    let words = |error: StoreError| error.to_string();
    let account = house.store.account(&row.account).await.map_err(words)?.ok_or("its number is gone")?;
    let org = house.store.org(&row.org).await.map_err(words)?.ok_or("its organisation is gone")?;
    let flows = flows(house, &row.org, row.flow.as_ref()).await.map_err(words)?;
    let memo = house.store.place(&row.id).await.map_err(words)?;
    let memo = memo.as_deref().map(serde_json::from_str::<Memo>);
    let memo = memo.transpose().map_err(|error| format!("its place is not readable: {error}"))?;
    let memo = memo.ok_or("it has no place")?;
    let letters = house.switchboard.open(&row.id, &row.wacid, &row.account, &row.org);
    let id = row.id.clone();
    let Some(mut call) = Call::new(house, row, line_of(&account), &org, flows, memo) else {
        house.switchboard.close(&id);
        return Err("its leg has no name".to_owned());
    };
    call.is_adopted = true;
    call.resume_deadlines();
    let agent = match &call.memo.stage {
        Stage::Talking(talking) => Some(talking.agent.clone()),
        Stage::Dialling(dialling) => Some(dialling.agent.clone()),
        _ => None,
    };
    if let Stage::Talking(Talking { bridge: Some(bridge), .. }) = &call.memo.stage {
        house.switchboard.name_bridge(&id, bridge);
    }
    if let Some(agent) = agent {
        if let Ok(Some(duty)) = house.store.on_duty(&agent).await {
            house.floor.enter(duty);
        }
        call.show();
    }
    Ok((call, letters))
}

/// A published version never changes, so it is read once.
async fn published(
    house: &House,
    org: &OrgId,
    flow: &FlowId,
    version: i64,
) -> Result<Option<Arc<Published>>, StoreError> {
    if let Some(known) = house.known_flow(flow, version) {
        return Ok(Some(known));
    }
    let Some(body) = house.store.flow_version(flow, version).await? else { return Ok(None) };
    match parse(&body) {
        Ok(mut body) => {
            if body.unspoken().next().is_some() {
                body.speak(&house.store.speech_of(org).await?);
            }
            let published = Arc::new(Published { id: flow.clone(), version, flow: body });
            house.know_flow(&published);
            Ok(Some(published))
        }
        Err(error) => {
            tracing::error!("version {version} of flow {flow} cannot be read: {error}");
            Ok(None)
        }
    }
}

/// The number that acts at WhatsApp.
pub(super) fn line_of(account: &Account) -> Line {
    Line { phone_number_id: account.phone_number_id.clone(), token: account.token.clone() }
}
