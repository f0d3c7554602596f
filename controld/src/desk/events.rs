//! What mediad tells, to whom it concerns: calls, agents, recordings; and the reckoning after every reconnect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::post::{Found, FoundBridge, Post};
use super::{DeskError, House};
use crate::model::{Millis, RecordingId, UserId};
use crate::outside::mediad::{Alive, Command, Event, LegId, LegState, MediaRecordingId, Peer, RecordingEnd, Told};
use crate::store::Store;
use crate::store::quality::QualityRow;

/// The last event that was surely dealt with: life of mediad and number.
pub(super) async fn last_seen(store: &Store) -> Result<Option<(String, u64)>, DeskError> {
    let fact = store.fact(SEEN_FACT).await?;
    Ok(fact.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Hears mediad for as long as the desk lives.
pub(super) async fn run(house: Arc<House>, mut told: mpsc::Receiver<Told>) {
    let (sure, noted) = watch::channel(None);
    tokio::spawn(note(Arc::clone(&house), noted));
    let mut ear = Ear { house, epoch: String::new(), heard: None, sure };
    let mut tick = tokio::time::interval(Duration::from_millis(NOTE_EVERY_MS));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        tokio::select! {
            line = told.recv() => match line {
                Some(line) => ear.take(line),
                None => return,
            },
            _ = tick.tick() => {
                // What had been heard a tick ago: the mailboxes have had time for it.
                let heard = std::mem::replace(&mut before, ear.heard.clone());
                if heard.as_ref().is_some_and(|(epoch, _)| *epoch == ear.epoch) {
                    ear.sure.send_if_modified(|sure| std::mem::replace(sure, heard.clone()) != heard);
                }
            }
        }
    }
}

struct Ear {
    house: Arc<House>,
    epoch: String,
    heard: Option<(String, u64)>,
    /// What was surely dealt with: written down.
    sure: watch::Sender<Option<(String, u64)>>,
}

impl Ear {
    fn take(&mut self, told: Told) {
        match told {
            Told::Up { epoch, after } => {
                if self.epoch != epoch {
                    // At once: the first events of a life must be told again to who dies before hearing them.
                    self.heard = Some((epoch.clone(), after));
                    self.sure.send_replace(self.heard.clone());
                }
                self.epoch = epoch;
            }
            Told::Down => {}
            Told::Event { seq, at_ms, event } => {
                self.heard = Some((self.epoch.clone(), seq));
                self.event(seq, at_ms, event);
            }
            Told::Snapshot { conversation, alive } => self.reckon(conversation, &alive),
        }
    }

    fn event(&self, seq: u64, at_ms: u64, event: Event) {
        match &event {
            Event::LegConnected { leg }
            | Event::LegHeard { leg }
            | Event::Digit { leg, .. }
            | Event::PlayEnded { leg, .. }
            | Event::LegEnded { leg, .. } => match self.house.switchboard.call_of_leg(leg.as_str()) {
                Some(call) => drop(self.house.switchboard.post(&call, self.letter(seq, event))),
                None => self.agent_event(&event),
            },
            Event::AgentSilent { bridge } | Event::AgentBack { bridge } | Event::BridgeEnded { bridge } => {
                if let Some(call) = self.house.switchboard.call_of_bridge(bridge.as_str()) {
                    self.house.switchboard.post(&call, self.letter(seq, event));
                }
            }
            Event::RecordingEnded { recording, why, duration_ms, bytes } => {
                self.recording_ended(recording, *why, *duration_ms, *bytes);
            }
            Event::Quality { .. } => self.quality(at_ms, &event),
            Event::RecordingStuck { recording, why } => {
                tracing::error!(recording.id = %recording, "recording {recording} waits for the disk: {why:?}");
            }
            Event::RecordingGoesOn { recording, lost_ms } => {
                tracing::info!(recording.id = %recording, lost_ms, "recording {recording} goes on, {lost_ms} ms were lost");
            }
            Event::HopBroken { leg, hop } => {
                tracing::warn!(leg.id = %leg, "the media of leg {leg} is stuck: {hop:?}");
            }
            Event::HopMended { leg, hop } => {
                tracing::info!(leg.id = %leg, "the media of leg {leg} goes on: {hop:?} is over");
            }
            Event::RelayLost { leg, server, why } => tracing::warn!("leg {leg} has lost {server}: {why}"),
            Event::RelayBack { leg, server } => tracing::info!("leg {leg} is relayed by {server} now"),
        }
    }

    fn letter(&self, seq: u64, event: Event) -> Post {
        Post::Media { seen: (self.epoch.clone(), seq), event }
    }

    fn agent_event(&self, event: &Event) {
        match event {
            Event::LegConnected { leg } => {
                if let Some(user) = self.house.floor.leg_connected(leg)
                    && let Some(call) = self.house.floor.call_of(&user)
                {
                    self.house.switchboard.post(&call, Post::AgentLegUp { user });
                }
            }
            Event::LegEnded { leg, why } => {
                if let Some(user) = self.house.floor.leg_ended(leg) {
                    tracing::info!(agent.id = %user, "the standing leg of {user} ended: {why:?}");
                }
            }
            _ => {}
        }
    }

    fn recording_ended(&self, recording: &MediaRecordingId, why: RecordingEnd, duration_ms: u64, bytes: u64) {
        let (house, id) = (Arc::clone(&self.house), RecordingId(recording.as_str().to_owned()));
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let (duration_ms, bytes) = (signed(duration_ms), signed(bytes));
        let reason = match why {
            RecordingEnd::Finished => None,
            RecordingEnd::Salvaged => Some("the media server was restarted: the recording ends there"),
            RecordingEnd::DiskFailed => Some("the disk failed: the recording ends there"),
        };
        tokio::spawn(async move {
            match house.store.recording_spooled(&id, duration_ms, bytes, reason).await {
                Ok(_) => house.archive_bell.notify_one(),
                Err(error) => tracing::error!("the end of recording {id} was not written: {error}"),
            }
        });
    }

    fn quality(&self, at_ms: u64, event: &Event) {
        let Event::Quality { leg, loss, jitter_ms, rtt_ms, far_loss, .. } = event else { return };
        let (call, side) = match self.house.switchboard.call_of_leg(leg.as_str()) {
            Some(call) => (Some(call), "caller"),
            None => (self.house.floor.call_of_leg(leg), "agent"),
        };
        let Some(call) = call else { return };
        let row = QualityRow {
            leg: side.to_owned(),
            at: Millis::try_from(at_ms).unwrap_or(Millis::MAX),
            loss: f64::from(*loss),
            jitter_ms: f64::from(*jitter_ms),
            rtt_ms: rtt_ms.map(f64::from),
            far_loss: far_loss.map(f64::from),
        };
        let house = Arc::clone(&self.house);
        tokio::spawn(async move {
            if let Err(error) = house.store.add_quality(&call, &row).await {
                tracing::warn!(call.id = %call, "a quality report of call {call} was not written: {error}");
            }
        });
    }

    /// In both: adopted. Only with us: lost. Only in mediad: closed after a while, unless somebody claims it.
    fn reckon(&self, conversation: u64, alive: &Alive) {
        for (call, leg) in self.house.switchboard.legs_before(conversation) {
            self.house.switchboard.post(&call, Post::Found(find(alive, &leg)));
        }
        let there: BTreeSet<&LegId> = alive.legs.iter().map(|summary| &summary.leg).collect();
        for leg in self.house.floor.legs_before(conversation).iter().filter(|leg| !there.contains(leg)) {
            self.house.floor.leg_ended(leg);
        }
        for summary in alive.legs.iter().filter(|summary| summary.peer == Peer::Browser) {
            let user = UserId(summary.call.as_str().to_owned());
            let connected = summary.state == LegState::Connected;
            if self.house.floor.adopt_leg(&user, summary.leg.clone(), connected, conversation)
                && connected
                && let Some(call) = self.house.floor.call_of(&user)
            {
                self.house.switchboard.post(&call, Post::AgentLegUp { user });
            }
        }
        let strangers: Vec<LegId> = alive.legs.iter().map(|summary| summary.leg.clone()).collect();
        close_strangers(&self.house, strangers);
    }
}

/// Writes down how far mediad was heard, beside the hearing.
async fn note(house: Arc<House>, mut sure: watch::Receiver<Option<(String, u64)>>) {
    while sure.changed().await.is_ok() {
        let text = serde_json::to_string(&*sure.borrow_and_update()).unwrap_or_default();
        if let Err(error) = house.store.set_fact(SEEN_FACT, &text).await {
            tracing::warn!("how far mediad was heard was not written: {error}");
        }
    }
}

fn find(alive: &Alive, leg: &str) -> Option<Found> {
    let summary = alive.legs.iter().find(|summary| summary.leg.as_str() == leg)?;
    let bridge = alive.bridges.iter().find(|bridge| bridge.caller == summary.leg);
    Some(Found {
        connected: summary.state == LegState::Connected,
        clip: summary.clip.clone(),
        bridge: bridge.map(|bridge| FoundBridge {
            name: bridge.bridge.as_str().to_owned(),
            on_hold: bridge.on_hold,
            agent_silent: bridge.agent_silent,
        }),
    })
}

fn close_strangers(house: &Arc<House>, legs: Vec<LegId>) {
    let house = Arc::clone(house);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(house.rules.foreign_leg_ms)).await;
        let known: BTreeSet<LegId> = house.floor.legs().into_iter().collect();
        for leg in legs {
            if !known.contains(&leg) && house.switchboard.call_of_leg(leg.as_str()).is_none() {
                tracing::warn!("closing leg {leg}, which belongs to nobody");
                house.mediad.tell(Command::CloseLeg { leg });
            }
        }
    });
}

const SEEN_FACT: &str = "mediad.seen";
const NOTE_EVERY_MS: u64 = 1_000;
