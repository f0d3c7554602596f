//! Caller and agent: the bridge, hold, an agent whose sound stops, and back to the queue.

use serde_json::json;

use super::call::{Call, Due};
use super::ending::{AtWhatsApp, Ending};
use super::memo::{Stage, Talking, Waiting};
use super::post::{FoundBridge, Wish};
use crate::model::softphone::{AgentCall, AgentCallState};
use crate::model::{CallStatus, Direction, EndedBy, Millis, RecordingId, UserId, clock};
use crate::outside::mediad::{
    BridgeId, Command, Digit, ErrorCode, Filler, MediaRecordingId, MediadError, Refusal, limits,
};
use crate::store::journal::NewEntry;

impl Talking {
    /// The caller hears music and not the agent.
    pub(super) fn is_held(&self) -> bool {
        self.held_since.is_some() || self.lost_since.is_some()
    }

    fn state(&self) -> AgentCallState {
        match self {
            Self { lost_since: Some(_), .. } => AgentCallState::Reconnecting,
            Self { held_since: Some(_), .. } => AgentCallState::OnHold,
            Self { bridge: None, .. } => AgentCallState::Connecting,
            _ => AgentCallState::Connected,
        }
    }
}

impl Call {
    /// The claim is won: sound first, then the rows.
    pub(super) async fn start_talking(&mut self, agent: UserId, agent_name: String, queue: Option<Waiting>) {
        let now = clock::now();
        let waited_ms = self.close_phase(now);
        // A contact's telephone that rings is nobody in a queue.
        self.row.wait_ms += if queue.is_some() { waited_ms } else { 0 };
        self.memo.stage = Stage::Talking(Talking {
            agent: agent.clone(),
            agent_name: agent_name.clone(),
            queue,
            since: now,
            bridge: None,
            bridges: 0,
            held_since: None,
            lost_since: None,
        });
        self.row.agent = Some(agent.clone());
        self.row.status = CallStatus::Connected;
        self.row.connected_at.get_or_insert(now);
        self.show();
        self.build_bridge().await;
        self.record().await;
        self.show();
        let who = if self.row.direction == Direction::Outgoing { &self.row.caller_name } else { &agent_name };
        let text = format!("{who} answered after {} s", waited_ms / 1_000);
        let entry = NewEntry::new("connected", text, json!({"agent": agent.as_str(), "wait_ms": waited_ms}));
        tracing::info!(call.id = %self.row.id, agent.id = %agent, wait_ms = waited_ms, "{agent} took call {}", self.row.id);
        self.save(&[entry], None, now).await;
    }

    /// What the agent who has the caller wants.
    pub(super) async fn wish(&mut self, user: &UserId, wish: Wish) -> Result<(), String> {
        if let Stage::Dialling(dialling) = &self.memo.stage
            && dialling.agent == *user
        {
            return match wish {
                Wish::HangUp => {
                    self.cancelled().await;
                    Ok(())
                }
                _ => Err("nobody has answered yet".to_owned()),
            };
        }
        let Stage::Talking(talking) = &self.memo.stage else { return Err("you are not on this call".to_owned()) };
        if talking.agent != *user {
            return Err(format!("this call is with {}", talking.agent_name));
        }
        match wish {
            Wish::Hold => self.hold().await,
            Wish::Resume => self.resume().await,
            Wish::Digits(digits) => self.send_digits(&digits).await,
            Wish::HangUp => {
                let text = format!("{} hung up", talking.agent_name);
                self.end(Ending {
                    status: CallStatus::Completed,
                    by: EndedBy::Agent,
                    reason: "agent_hung_up".to_owned(),
                    text,
                    at_whatsapp: AtWhatsApp::Terminate,
                })
                .await;
                Ok(())
            }
        }
    }

    /// mediad hears nothing of the agent and plays music to the caller already.
    pub(super) async fn agent_silent(&mut self, bridge: &str) {
        if self.is_in(bridge) {
            self.lose_agent("The agent's sound stopped").await;
        }
    }

    /// The agent's sound is back and mediad has joined the two again.
    pub(super) async fn agent_back(&mut self, bridge: &str) {
        if self.is_in(bridge) {
            self.agent_is_back().await;
        }
    }

    /// The agent's leg is gone and the bridge with it.
    pub(super) async fn bridge_ended(&mut self, bridge: &str) {
        if !self.is_in(bridge) {
            return;
        }
        self.play_music();
        if let Stage::Talking(talking) = &mut self.memo.stage {
            talking.bridge = None;
        }
        self.lose_agent("The agent's connection was lost").await;
    }

    /// The agent's standing leg is connected again: join the two if they are parted.
    pub(super) async fn agent_leg_up(&mut self, user: &UserId) {
        let Stage::Talking(talking) = &self.memo.stage else { return };
        if talking.agent != *user || talking.bridge.is_some() {
            return;
        }
        let was_held = talking.held_since.is_some();
        if self.build_bridge().await {
            if was_held {
                self.order_bridge(|bridge| Command::Hold { bridge }).await.ok();
            }
            self.agent_is_back().await;
        }
    }

    /// The agent has not come back: the caller goes back to the queue, first in line.
    pub(super) async fn agent_lost(&mut self) {
        let Stage::Talking(talking) = self.memo.stage.clone() else { return };
        let Some(queue) = talking.queue else {
            // Nobody else has anything to say to a contact who was called.
            let text = format!("{} did not come back", talking.agent_name);
            return self.end(Ending::failed("agent_lost", text, AtWhatsApp::Terminate)).await;
        };
        if let Some(bridge) = talking.bridge.as_ref().and_then(|name| BridgeId::new(name.clone()).ok()) {
            let caller_hears = Filler::Music(self.music.clone());
            self.house.mediad.tell(Command::Unbridge { bridge, caller_hears });
        }
        self.row.hold_ms += self.close_phase(clock::now());
        let why = "Your connection was lost; the caller went back to the queue";
        self.house.floor.release(&talking.agent, &self.row.id, Some(why));
        let text = format!("{} did not come back: waiting for {} again", talking.agent_name, queue.team_name);
        let entry = NewEntry::new("queued", text, json!({}));
        self.queue(queue.team, queue.team_name, queue.since, entry).await;
    }

    /// What mediad has of the bridge after a restart of ours, or of the conversation with it.
    pub(super) async fn found_bridge(&mut self, found: Option<FoundBridge>) {
        let Stage::Talking(talking) = &mut self.memo.stage else { return };
        let Some(found) = found else {
            return match talking.bridge.clone() {
                Some(bridge) => self.bridge_ended(&bridge).await,
                // Claimed, and then we died: join them now.
                None => self.rejoin().await,
            };
        };
        talking.bridge = Some(found.name.clone());
        let (wants_hold, is_lost) = (talking.held_since.is_some(), talking.lost_since.is_some());
        self.house.switchboard.name_bridge(&self.row.id, &found.name);
        if wants_hold && !found.on_hold {
            self.order_bridge(|bridge| Command::Hold { bridge }).await.ok();
        } else if found.on_hold && !wants_hold {
            self.order_bridge(|bridge| Command::Resume { bridge }).await.ok();
        }
        // We may have died between the bridge and its recording.
        self.record().await;
        match (found.agent_silent, is_lost) {
            (true, false) => self.lose_agent("The agent's sound stopped").await,
            (false, true) => self.agent_is_back().await,
            _ => self.show(),
        }
    }

    /// Shows the agent how the call stands.
    pub(super) fn show(&self) {
        let talking = match &self.memo.stage {
            Stage::Talking(talking) => talking,
            Stage::Dialling(dialling) => return self.show_dialling(dialling),
            _ => return,
        };
        self.house.floor.show_call(
            &talking.agent,
            AgentCall {
                call: self.row.id.clone(),
                caller: self.caller(),
                direction: self.row.direction,
                team: talking.queue.as_ref().map(|queue| queue.team_name.clone()).unwrap_or_default(),
                state: talking.state(),
                since: talking.since,
                held_since: talking.held_since,
                recording: self.row.recording.is_some(),
                so_far: self.memo.so_far.clone(),
            },
        );
    }

    async fn rejoin(&mut self) {
        if self.build_bridge().await {
            self.record().await;
            self.agent_is_back().await;
            self.show();
        }
    }

    async fn hold(&mut self) -> Result<(), String> {
        let Stage::Talking(talking) = &self.memo.stage else { return Ok(()) };
        if talking.held_since.is_some() {
            return Ok(());
        }
        if talking.bridge.is_some() {
            self.order_bridge(|bridge| Command::Hold { bridge })
                .await
                .map_err(|error| format!("hold failed: {error}"))?;
        }
        let now = clock::now();
        self.settle_talk(now);
        if let Stage::Talking(talking) = &mut self.memo.stage {
            talking.held_since = Some(now);
        }
        self.row.status = CallStatus::OnHold;
        self.row.held_since = Some(now);
        self.show();
        self.save(&[NewEntry::new("held", "On hold", json!({}))], None, now).await;
        Ok(())
    }

    async fn resume(&mut self) -> Result<(), String> {
        let Stage::Talking(talking) = &self.memo.stage else { return Ok(()) };
        let Some(since) = talking.held_since else { return Ok(()) };
        if talking.bridge.is_some() {
            let resumed = self.order_bridge(|bridge| Command::Resume { bridge }).await;
            resumed.map_err(|error| format!("resume failed: {error}"))?;
        }
        let now = clock::now();
        self.settle_talk(now);
        if let Stage::Talking(talking) = &mut self.memo.stage {
            talking.held_since = None;
        }
        self.row.status = CallStatus::Connected;
        self.row.held_since = None;
        self.show();
        let held_ms = now.saturating_sub(since);
        let text = format!("Resumed after {} s", held_ms / 1_000);
        self.save(&[NewEntry::new("resumed", text, json!({"held_ms": held_ms}))], None, now).await;
        Ok(())
    }

    async fn send_digits(&self, text: &str) -> Result<(), String> {
        let digits: Result<Vec<Digit>, _> = text.chars().map(Digit::try_from).collect();
        let digits = digits.map_err(|_| "a key is one of 0-9, *, # and A-D".to_owned())?;
        if digits.is_empty() || digits.len() > limits::DIGITS_MAX {
            return Err(format!("1 to {} keys can be sent at once", limits::DIGITS_MAX));
        }
        let command = Command::SendDigits { leg: self.leg.clone(), digits, tone_ms: TONE_MS };
        self.house.mediad.ask(command).done().await.map_err(|error| format!("the keys were not sent: {error}"))
    }

    /// Joins caller and agent. `false`: the agent cannot be heard, and the clock for their return runs.
    async fn build_bridge(&mut self) -> bool {
        let Stage::Talking(talking) = &mut self.memo.stage else { return false };
        talking.bridges += 1;
        let name = format!("bridge-{}-{}", self.row.id, talking.bridges);
        let standing = self.house.floor.leg(&talking.agent).filter(|standing| standing.connected);
        let (Some(standing), Ok(bridge)) = (standing, BridgeId::new(name.clone())) else {
            self.lose_agent("The agent's sound is not connected").await;
            return false;
        };
        self.house.switchboard.name_bridge(&self.row.id, &name);
        self.house.mediad.tell(Command::OpenGate { leg: standing.leg.clone() });
        let caller = self.leg.clone();
        let command = Command::Bridge { bridge, caller, agent: standing.leg, music: self.music.clone() };
        match self.house.mediad.ask(command).done().await {
            Ok(()) => {
                talking.bridge = Some(name);
                true
            }
            Err(error) => {
                tracing::warn!(call.id = %self.row.id, "call {} could not be bridged: {error}", self.row.id);
                self.lose_agent("The agent's sound could not be connected").await;
                false
            }
        }
    }

    /// Begins the recording, once a call. It taps the caller's leg and so outlives a change of agent.
    async fn record(&mut self) {
        let is_bridged = matches!(&self.memo.stage, Stage::Talking(Talking { bridge: Some(_), .. }));
        if !self.is_recorded || !is_bridged || self.row.recording.is_some() {
            return;
        }
        let now = clock::now();
        // One that a controld before us began and did not live to write into the call's row goes on.
        let begun = self.house.store.recording_of(&self.row.org, &self.row.id).await.ok().flatten();
        let id = begun.map_or_else(|| RecordingId::fresh(now), |begun| begun.id);
        let Ok(recording) = MediaRecordingId::new(id.as_str()) else { return };
        if let Err(error) = self.house.store.begin_recording(&id, &self.row.org, &self.row.id, now).await {
            tracing::error!(call.id = %self.row.id, "the recording of call {} has no row: {error}", self.row.id);
            return;
        }
        let asked = self.house.mediad.ask(Command::Record { leg: self.leg.clone(), recording });
        match asked.done().await {
            Ok(()) | Err(MediadError::Refused(Refusal { code: ErrorCode::NameTaken, .. })) => {
                self.row.recording = Some(id);
            }
            Err(error) => {
                tracing::error!(call.id = %self.row.id, "call {} is not recorded: {error}", self.row.id);
                if let Err(error) = self.house.store.recording_failed(&id, &error.to_string()).await {
                    tracing::error!("recording {id} was not marked as failed: {error}");
                }
                self.row.recording = Some(id);
            }
        }
    }

    async fn lose_agent(&mut self, text: &str) {
        let now = clock::now();
        let Stage::Talking(talking) = &self.memo.stage else { return };
        if talking.lost_since.is_some() {
            return self.show();
        }
        self.settle_talk(now);
        if let Stage::Talking(talking) = &mut self.memo.stage {
            talking.lost_since = Some(now);
        }
        self.due.set(Due::AgentLost, self.house.rules.agent_lost_ms);
        self.show();
        self.save(&[NewEntry::new("agent_silent", text, json!({}))], None, now).await;
    }

    async fn agent_is_back(&mut self) {
        let now = clock::now();
        let Stage::Talking(Talking { lost_since: Some(since), .. }) = &self.memo.stage else { return };
        let gone_ms = now.saturating_sub(*since);
        self.settle_talk(now);
        if let Stage::Talking(talking) = &mut self.memo.stage {
            talking.lost_since = None;
        }
        self.due.clear(Due::AgentLost);
        self.show();
        let text = format!("The agent is back after {} s", gone_ms / 1_000);
        self.save(&[NewEntry::new("agent_back", text, json!({"gone_ms": gone_ms}))], None, now).await;
    }

    async fn order_bridge(&self, command: impl FnOnce(BridgeId) -> Command) -> Result<(), MediadError> {
        let Stage::Talking(Talking { bridge: Some(name), .. }) = &self.memo.stage else {
            return Err(MediadError::Gone);
        };
        let bridge = BridgeId::new(name.clone()).map_err(|_| MediadError::Mistaken)?;
        self.house.mediad.ask(command(bridge)).done().await
    }

    fn is_in(&self, bridge: &str) -> bool {
        matches!(&self.memo.stage, Stage::Talking(talking) if talking.bridge.as_deref() == Some(bridge))
    }

    /// Adds the running talk or hold to its sum.
    fn settle_talk(&mut self, now: Millis) {
        let length = self.close_phase(now);
        let is_held = matches!(&self.memo.stage, Stage::Talking(talking) if talking.is_held());
        let sum = if is_held { &mut self.row.hold_ms } else { &mut self.row.talk_ms };
        *sum += length;
    }
}

const TONE_MS: u16 = 120;
