//! One call: its task, its mailbox, its deadlines. Everything that happens to a call passes through [`Call::take`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::House;
use super::memo::{Memo, Stage};
use super::outgoing;
use super::post::Post;
use crate::ivr::flow::Flows;
use crate::model::softphone::Caller;
use crate::model::{CallId, CallStatus, Direction, Millis, UserId, clock};
use crate::outside::mediad::{ClipName, Event, LegId, PlayEnd};
use crate::outside::whatsapp::graph::Line;
use crate::store::accounts::Account;
use crate::store::calls::{CallRow, Move};
use crate::store::hunts::NewHunt;
use crate::store::journal::NewEntry;
use crate::store::orgs::Org;

/// A live call. Its task owns its row.
pub(super) struct Call {
    pub(super) house: Arc<House>,
    pub(super) row: CallRow,
    pub(super) line: Line,
    pub(super) leg: LegId,
    pub(super) music: ClipName,
    pub(super) ringback: ClipName,
    pub(super) transfer_timeout_ms: u64,
    pub(super) is_recorded: bool,
    pub(super) flows: Flows,
    pub(super) memo: Memo,
    pub(super) due: Deadlines,
    /// Who is being rung, and who has declined.
    pub(super) ringing: BTreeSet<UserId>,
    pub(super) declined: BTreeSet<UserId>,
    /// A request under way: to WhatsApp while arriving, to a web service in the flow.
    pub(super) errand: Option<AbortHandle>,
    /// Taken up after a restart, and mediad has not said yet what it has of the call.
    pub(super) is_adopted: bool,
}

/// Every reason for which a call may wake by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// ICE and DTLS are not up; accept anyway.
    ConnectWait,
    /// Nobody picks up.
    Dial,
    /// The flow's timer with this id.
    Flow(u32),
    /// The last sentence should be over.
    Leaving,
    /// Nobody has answered in time.
    NobodyFree,
    /// Ring one agent more.
    NextRing,
    /// The agent has not come back.
    AgentLost,
    /// The call will soon have reached the longest length.
    NearEnd,
    /// The call has reached the longest length.
    MaxCall,
}

/// When a call wakes by itself.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeMap<Due, Instant>);

impl Deadlines {
    pub(super) fn set(&mut self, due: Due, after_ms: u64) {
        self.0.insert(due, Instant::now() + Duration::from_millis(after_ms));
    }

    pub(super) fn clear(&mut self, due: Due) {
        self.0.remove(&due);
    }

    pub(super) fn is_set(&self, due: Due) -> bool {
        self.0.contains_key(&due)
    }

    pub(super) fn clear_flow(&mut self) {
        self.0.retain(|due, _| !matches!(due, Due::Flow(_)));
    }

    fn next(&self) -> Option<(Due, Instant)> {
        self.0.iter().min_by_key(|(_, at)| **at).map(|(due, at)| (*due, *at))
    }
}

impl Call {
    /// A call with what it needs to know, standing where `memo` says.
    pub(super) fn new(
        house: &Arc<House>,
        row: CallRow,
        line: Line,
        org: &Org,
        flows: Flows,
        memo: Memo,
    ) -> Option<Self> {
        let leg = LegId::new(row.leg.clone()?).ok()?;
        let own_music = org.hold_music.as_ref().and_then(|name| ClipName::new(name.clone()).ok());
        let timeout = org.transfer_timeout_secs.map(|secs| u64::from(secs).saturating_mul(1_000));
        let mut due = Deadlines::default();
        let age_ms = u64::try_from(clock::now().saturating_sub(row.started_at)).unwrap_or_default();
        let left_ms = house.rules.max_call_ms.saturating_sub(age_ms);
        due.set(Due::MaxCall, left_ms);
        if let Some(to_warning_ms) = left_ms.checked_sub(house.rules.warning_ms) {
            due.set(Due::NearEnd, to_warning_ms);
        }
        house.switchboard.name_leg(&row.id, leg.as_str());
        Some(Self {
            line,
            leg,
            ringback: outgoing::ringback(house, org),
            music: own_music.unwrap_or_else(|| house.sounds.hold_music.clone()),
            transfer_timeout_ms: timeout.unwrap_or(house.rules.transfer_timeout_ms),
            is_recorded: house.rules.recording && org.recording_enabled,
            flows,
            memo,
            due,
            ringing: BTreeSet::new(),
            declined: BTreeSet::new(),
            errand: None,
            is_adopted: false,
            house: Arc::clone(house),
            row,
        })
    }

    /// Runs the call to its end.
    pub(super) async fn run(mut self, mut letters: mpsc::Receiver<Post>) {
        let mut floor = self.house.floor.watch();
        while self.memo.stage != Stage::Ended {
            let next = self.due.next();
            let alarm = async move {
                match next {
                    Some((due, at)) => {
                        tokio::time::sleep_until(at).await;
                        due
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                letter = letters.recv() => match letter {
                    Some(letter) => self.take(letter).await,
                    None => break,
                },
                due = alarm => {
                    self.due.clear(due);
                    self.wake(due).await;
                }
                Ok(()) = floor.changed(), if matches!(self.memo.stage, Stage::Waiting(_)) => self.look_around().await,
            }
        }
        self.house.switchboard.close(&self.row.id);
    }

    /// Everything that can happen to a call.
    async fn take(&mut self, letter: Post) {
        match letter {
            Post::Media { seen, event } => self.hear(seen, event).await,
            Post::Found(found) => self.found(found).await,
            Post::Opened(answer) => self.opened(answer).await,
            Post::PreAccepted(result) => self.pre_accepted(result).await,
            Post::Accepted(result) => self.accepted(result).await,
            Post::Offered(offer) => self.offered(offer).await,
            Post::Placed(placed) => self.placed(placed).await,
            Post::Outgoing { wacid, news } => self.outgoing(&wacid, news).await,
            Post::AnswerTaken(taken) => self.answer_taken(taken).await,
            Post::CallerGone { failed, errors, done } => {
                self.caller_gone(failed, errors).await;
                // The inbox may have stopped waiting.
                let _late = done.send(());
            }
            Post::CannotPlay { clip, why } => self.cannot_play(&clip, &why).await,
            Post::Answered(answer) => self.web_answered(answer).await,
            Post::Claim { user, done } => self.claim(user, done).await,
            Post::Decline { user, done } => self.decline(user, done).await,
            Post::Wish { user, wish, done } => {
                let said = self.wish(&user, wish).await;
                let _gone = done.send(said);
            }
            Post::EndBy { user, done } => {
                self.end_by_force(&user).await;
                let _gone = done.send(());
            }
            Post::AgentLegUp { user } => self.agent_leg_up(&user).await,
        }
    }

    /// A deadline has passed.
    async fn wake(&mut self, due: Due) {
        match due {
            Due::ConnectWait => self.accept().await,
            Due::Dial => self.not_answered().await,
            Due::Flow(id) => self.flow_timer(id).await,
            Due::Leaving => self.left().await,
            Due::NobodyFree => self.nobody_free().await,
            Due::NextRing => self.look_around().await,
            Due::AgentLost => self.agent_lost().await,
            Due::NearEnd => self.warn_of_end(),
            Due::MaxCall => self.too_long().await,
        }
    }

    /// Something mediad tells. An event from before a restart that was dealt with then is not dealt with again.
    async fn hear(&mut self, seen: (String, u64), event: Event) {
        let is_old = |(epoch, seq): &(String, u64)| *epoch == seen.0 && *seq >= seen.1;
        if self.memo.media_seen.as_ref().is_some_and(is_old) {
            return;
        }
        self.memo.media_seen = Some(seen);
        match event {
            Event::LegConnected { .. } => self.leg_connected().await,
            Event::LegHeard { .. } => self.picked_up().await,
            Event::LegEnded { why, .. } => self.leg_ended(why).await,
            Event::Digit { digit, .. } => self.digit(digit.as_char()).await,
            Event::PlayEnded { clip, why: PlayEnd::Finished, .. } => self.clip_ended(&clip).await,
            Event::AgentSilent { bridge } => self.agent_silent(bridge.as_str()).await,
            Event::AgentBack { bridge } => self.agent_back(bridge.as_str()).await,
            Event::BridgeEnded { bridge } => self.bridge_ended(bridge.as_str()).await,
            // A clip that a digit or another clip has stopped needs no answer; the rest is not about calls.
            Event::PlayEnded { .. }
            | Event::Quality { .. }
            | Event::RecordingStuck { .. }
            | Event::RecordingGoesOn { .. }
            | Event::HopBroken { .. }
            | Event::HopMended { .. }
            | Event::RecordingEnded { .. }
            | Event::RelayLost { .. }
            | Event::RelayBack { .. } => {}
        }
    }

    /// Writes row, place and journal in one transaction. A database that fails does not stop a live call.
    pub(super) async fn save(&self, entries: &[NewEntry], hunt: Option<NewHunt>, at: Millis) {
        let place = serde_json::to_string(&self.memo).unwrap_or_default();
        let moved = Move { row: &self.row, place: &place, entries, hunt, at };
        match self.house.store.save_call(&moved).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::error!(call.id = %self.row.id, "call {} is over in the database and moves on", self.row.id);
            }
            Err(error) => {
                tracing::error!(call.id = %self.row.id, "a move of call {} was not written: {error}", self.row.id);
            }
        }
    }

    /// Who calls, as agents see it.
    pub(super) fn caller(&self) -> Caller {
        let name = [&self.row.caller_name, &self.row.caller_phone, &self.row.caller_key];
        let name = name.into_iter().find(|text| !text.is_empty()).cloned().unwrap_or_default();
        Caller { name, phone: self.row.caller_phone.clone() }
    }

    /// Does something slow and puts its result into this call's own mailbox.
    pub(super) fn errand<F>(&mut self, errand: F)
    where
        F: Future<Output = Post> + Send + 'static,
    {
        let (house, call) = (Arc::clone(&self.house), self.row.id.clone());
        let task = tokio::spawn(async move {
            let letter = errand.await;
            house.switchboard.post(&call, letter);
        });
        self.errand = Some(task.abort_handle());
    }

    /// Gives the running wait, talk or hold its length and begins the next.
    pub(super) fn close_phase(&mut self, now: Millis) -> Millis {
        let length = now.saturating_sub(self.memo.phase_since).max(0);
        self.memo.phase_since = now;
        length
    }
}

/// The first name of a caller's leg. A leg that has to be opened again gets another.
pub(super) fn leg_name(call: &CallId) -> String {
    format!("leg-{call}")
}

/// The row of a call that begins to ring on a number, with everything else still to come.
pub(super) fn ringing(account: &Account, direction: Direction, now: Millis) -> CallRow {
    let id = CallId::fresh(now);
    CallRow {
        org: account.org.clone(),
        account: account.id.clone(),
        wacid: String::new(),
        contact: None,
        caller_name: String::new(),
        caller_phone: String::new(),
        caller_key: String::new(),
        direction,
        status: CallStatus::Ringing,
        flow: None,
        team: None,
        agent: None,
        started_at: now,
        answered_at: None,
        queued_at: None,
        connected_at: None,
        held_since: None,
        ended: None,
        wait_ms: 0,
        talk_ms: 0,
        hold_ms: 0,
        leg: Some(leg_name(&id)),
        recording: None,
        id,
    }
}
