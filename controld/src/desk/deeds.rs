//! The flow, walked: the pure step decides, the journal is written, then the deeds are done (D10).

use super::call::{Call, Due};
use super::ending::{AtWhatsApp, Ending};
use super::memo::{Menu, Stage};
use super::post::Post;
use crate::ivr::deed::{Deed, Heard, HttpAnswer, HttpRequest, Step, Trail, TrailKind};
use crate::ivr::place::{Builtins, Place};
use crate::ivr::step::step;
use crate::model::{CallStatus, EndedBy, clock};
use crate::outside::mediad::{ClipName, Command, Filler};
use crate::store::journal::NewEntry;

impl Call {
    /// The caller is connected: the flow speaks.
    pub(super) async fn begin_flow(&mut self, accepted: NewEntry) {
        let published = self.row.flow.as_ref().and_then(|(flow, version)| self.flows.version(flow, *version));
        let Some(published) = published.cloned() else {
            let text = "The number's flow cannot be read";
            return self.end(Ending::failed("no_flow", text, AtWhatsApp::Terminate)).await;
        };
        let builtins = Builtins {
            caller_phone: self.row.caller_phone.clone(),
            caller_id: self.row.caller_key.clone(),
            call_id: self.row.wacid.clone(),
        };
        let place = Place::at_entry(&published, &builtins);
        self.memo.stage = Stage::Menu(Menu { place, timer: None, playing: None, asking: false });
        self.walk(Heard::Begin, vec![accepted]).await;
    }

    /// The caller pressed a key.
    pub(super) async fn digit(&mut self, digit: char) {
        self.walk(Heard::Digit(digit), vec![]).await;
    }

    /// A clip was played to its end.
    pub(super) async fn clip_ended(&mut self, clip: &ClipName) {
        match &mut self.memo.stage {
            Stage::Menu(menu) if menu.playing.as_deref() == Some(clip.as_str()) => {
                menu.playing = None;
                self.walk(Heard::PromptEnded, vec![]).await;
            }
            Stage::Leaving(leaving) if leaving.clip == clip.as_str() => self.left().await,
            _ => {}
        }
    }

    /// A clip is missing or is no clip. The caller is not left in silence: the flow goes on as if it had been heard.
    pub(super) async fn cannot_play(&mut self, clip: &ClipName, why: &str) {
        tracing::error!(call.id = %self.row.id, "call {} could not hear {clip}: {why}", self.row.id);
        self.clip_ended(clip).await;
    }

    /// The flow's timer is due.
    pub(super) async fn flow_timer(&mut self, id: u32) {
        if let Stage::Menu(menu) = &mut self.memo.stage {
            menu.timer = None;
            self.walk(Heard::Timer(id), vec![]).await;
        }
    }

    /// The web service has answered.
    pub(super) async fn web_answered(&mut self, answer: HttpAnswer) {
        if let Stage::Menu(menu) = &mut self.memo.stage
            && std::mem::take(&mut menu.asking)
        {
            self.walk(Heard::Answered(answer), vec![]).await;
        }
    }

    /// Steps until the flow waits for something.
    pub(super) async fn walk(&mut self, heard: Heard, mut entries: Vec<NewEntry>) {
        let mut next = Some(heard);
        while let Some(heard) = next.take() {
            let Stage::Menu(menu) = &mut self.memo.stage else { return };
            let Step { place, deeds, trail } = step(&self.flows, menu.place.clone(), heard, clock::now());
            menu.place = place;
            self.memo
                .so_far
                .extend(trail.iter().filter(|line| line.kind == TrailKind::Digit).map(|line| line.text.clone()));
            let excess = self.memo.so_far.len().saturating_sub(SO_FAR_MAX);
            self.memo.so_far.drain(..excess);
            entries.extend(trail.into_iter().map(entry));
            next = self.carry_out(deeds, &std::mem::take(&mut entries)).await;
        }
    }

    /// Plays something; what cannot be played comes back as a letter.
    pub(super) fn play(&self, clip: ClipName, stop_on_digit: bool, then: Filler) {
        let command = Command::Play { leg: self.leg.clone(), clip: clip.clone(), stop_on_digit, then };
        let asked = self.house.mediad.ask(command);
        let (house, call) = (std::sync::Arc::clone(&self.house), self.row.id.clone());
        tokio::spawn(async move {
            if let Err(error) = asked.done().await {
                house.switchboard.post(&call, Post::CannotPlay { clip, why: error.to_string() });
            }
        });
    }

    /// Hold music, from the next frame.
    pub(super) fn play_music(&self) {
        self.house.mediad.tell(Command::Fill { leg: self.leg.clone(), with: Filler::Music(self.music.clone()) });
    }

    async fn carry_out(&mut self, deeds: Vec<Deed>, entries: &[NewEntry]) -> Option<Heard> {
        if deeds.iter().any(|deed| matches!(deed, Deed::Transfer { .. })) {
            // Before anything is written: the caller must not hear the database.
            self.play_music();
        }
        self.note(&deeds);
        self.save(entries, None, clock::now()).await;
        let mut heard = None;
        for deed in deeds {
            match deed {
                Deed::Play { prompt, stop_on_digit } => match prompt.clip.and_then(|name| ClipName::new(name).ok()) {
                    Some(clip) => self.play(clip, stop_on_digit, Filler::Comfort),
                    None => heard = Some(Heard::PromptEnded),
                },
                Deed::Comfort => {
                    self.house.mediad.tell(Command::Fill { leg: self.leg.clone(), with: Filler::Comfort });
                }
                Deed::Timer { .. } | Deed::StopTimer => {}
                Deed::Http(request) => self.ask_web(request),
                Deed::Transfer { team } => {
                    self.enter_queue(team).await;
                    return None;
                }
                Deed::HangUp { reason, by_fault } => {
                    self.end(flow_ending(reason, by_fault)).await;
                    return None;
                }
            }
        }
        heard
    }

    /// What the deeds change about where the call stands, so that it is in the row before they are done.
    fn note(&mut self, deeds: &[Deed]) {
        let Stage::Menu(menu) = &mut self.memo.stage else { return };
        for deed in deeds {
            match deed {
                Deed::Play { prompt, .. } => menu.playing.clone_from(&prompt.clip),
                Deed::Comfort => menu.playing = None,
                Deed::Timer { id, after_ms } => {
                    let after = i64::try_from(*after_ms).unwrap_or(i64::MAX);
                    menu.timer = Some((*id, clock::now().saturating_add(after)));
                    self.due.clear_flow();
                    self.due.set(Due::Flow(*id), *after_ms);
                }
                Deed::StopTimer => {
                    menu.timer = None;
                    self.due.clear_flow();
                }
                Deed::Http(_) => menu.asking = true,
                Deed::Transfer { .. } | Deed::HangUp { .. } => {
                    menu.playing = None;
                    self.due.clear_flow();
                }
            }
        }
    }

    fn ask_web(&mut self, request: HttpRequest) {
        let (house, org) = (std::sync::Arc::clone(&self.house), self.row.org.clone());
        self.errand(async move { Post::Answered(house.callbacks.ask(&org, request).await) });
    }
}

fn flow_ending(reason: String, by_fault: bool) -> Ending {
    if by_fault {
        return Ending::failed("flow_fault", reason, AtWhatsApp::Terminate);
    }
    Ending {
        status: CallStatus::Completed,
        by: EndedBy::Flow,
        reason: "flow_ended".to_owned(),
        text: reason,
        at_whatsapp: AtWhatsApp::Terminate,
    }
}

fn entry(line: Trail) -> NewEntry {
    NewEntry { kind: line.kind.name(), text: line.text, data: line.data }
}

/// Lines of what the caller did that an agent is shown; older ones are in the journal.
const SO_FAR_MAX: usize = 12;
