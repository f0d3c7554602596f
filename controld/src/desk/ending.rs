//! The end of a call, from whichever side: media first, then the screens, then WhatsApp and the row.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::call::Call;
use super::memo::{Leaving, Stage};
use super::{outgoing, tab};
use crate::model::{CallStatus, Direction, EndedBy, Millis, UserId, clock};
use crate::outside::mediad::{ClipName, Command, Filler, LegEnd};
use crate::outside::whatsapp::parse::CallError;
use crate::store::calls::{Ended, Move};
use crate::store::journal::NewEntry;

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: CallStatus,
    pub(super) by: EndedBy,
    /// A word.
    pub(super) reason: String,
    /// A sentence.
    pub(super) text: String,
    pub(super) at_whatsapp: AtWhatsApp,
}

/// What WhatsApp has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtWhatsApp {
    /// It knows.
    Nothing,
    /// The call was not accepted.
    Reject,
    /// The call may have been accepted.
    Terminate,
}

impl Call {
    /// Ends the call everywhere.
    pub(super) async fn end(&mut self, ending: Ending) {
        if self.memo.stage == Stage::Ended {
            return;
        }
        if let Some(errand) = self.errand.take() {
            errand.abort();
        }
        self.house.mediad.tell(Command::CloseLeg { leg: self.leg.clone() });
        let now = clock::now();
        self.ring_back(false);
        self.clear_desks(&ending);
        self.tell_whatsapp(ending.at_whatsapp);
        self.settle_phase(now);
        self.memo.stage = Stage::Ended;
        self.row.status = ending.status;
        self.row.held_since = None;
        self.row.ended = Some(Ended { at: now, by: ending.by, reason: ending.reason.clone() });
        let data = json!({"by": ending.by, "reason": ending.reason, "status": ending.status});
        let entry = NewEntry::new("ended", ending.text.clone(), data);
        tracing::info!(call.id = %self.row.id, status = ?ending.status, reason = %ending.reason, "call {} ended: {}",
            self.row.id, ending.text);
        self.save_end(entry, now).await;
    }

    /// WhatsApp's terminate webhook.
    pub(super) async fn caller_gone(&mut self, failed: bool, errors: Vec<CallError>) {
        let error = errors.first().filter(|_| failed);
        let ending = match error {
            Some(error) => Ending {
                status: CallStatus::Failed,
                by: EndedBy::System,
                reason: format!("whatsapp_{}", error.code),
                text: format!("WhatsApp ended the call: {} (code {})", error.text, error.code),
                at_whatsapp: AtWhatsApp::Nothing,
            },
            None => self.hung_up_by_caller(AtWhatsApp::Nothing),
        };
        self.end(ending).await;
    }

    /// What WhatsApp is told if the call ends now: only an incoming call that we have not answered can be rejected.
    fn way_out(&self) -> AtWhatsApp {
        let is_begun = self.row.answered_at.is_some() || self.row.direction == Direction::Outgoing;
        if is_begun { AtWhatsApp::Terminate } else { AtWhatsApp::Reject }
    }

    /// The caller's media ended. The peer closing it is a hang-up whose webhook is on its way.
    pub(super) async fn leg_ended(&mut self, why: LegEnd) {
        let at_whatsapp = self.way_out();
        let ending = match why {
            LegEnd::PeerClosed => self.hung_up_by_caller(at_whatsapp),
            LegEnd::LifeOver => self.over_length(),
            other => {
                let (reason, text) = leg_words(other);
                Ending::failed(reason, text, at_whatsapp)
            }
        };
        self.end(ending).await;
    }

    /// A supervisor ends the call.
    pub(super) async fn end_by_force(&mut self, user: &UserId) {
        let name = self.house.floor.name(user);
        self.end(Ending {
            status: CallStatus::Completed,
            by: EndedBy::Agent,
            reason: "ended_by_force".to_owned(),
            text: format!("Ended by {name}"),
            at_whatsapp: self.way_out(),
        })
        .await;
    }

    /// A soft tone for both who talk: the call will soon be ended for its length.
    pub(super) fn warn_of_end(&self) {
        let Stage::Talking(talking) = &self.memo.stage else { return };
        let agent = self.house.floor.leg(&talking.agent).map(|standing| standing.leg);
        for leg in agent.into_iter().chain([self.leg.clone()]) {
            self.house.mediad.tell(Command::Beep { leg, clip: self.house.sounds.warning.clone() });
        }
    }

    /// The call has reached the longest length.
    pub(super) async fn too_long(&mut self) {
        let ending = self.over_length();
        self.end(ending).await;
    }

    /// Plays a last sentence; its end ends the call.
    pub(super) async fn leave_with(&mut self, clip: ClipName, leaving: Leaving, entries: &[NewEntry]) {
        self.memo.stage = Stage::Leaving(leaving);
        self.row.status = CallStatus::Ivr;
        self.play(clip, false, Filler::Comfort);
        self.due.set(super::call::Due::Leaving, LAST_WORDS_MS_MAX);
        self.save(entries, None, clock::now()).await;
    }

    /// The last sentence is over, or takes too long.
    pub(super) async fn left(&mut self) {
        let Stage::Leaving(leaving) = &self.memo.stage else { return };
        let ending = Ending {
            status: leaving.status,
            by: EndedBy::System,
            reason: leaving.reason.clone(),
            text: leaving.text.clone(),
            at_whatsapp: AtWhatsApp::Terminate,
        };
        self.end(ending).await;
    }

    fn over_length(&self) -> Ending {
        Ending {
            status: CallStatus::Completed,
            by: EndedBy::System,
            reason: "max_duration".to_owned(),
            text: "Ended: the call reached the longest length allowed".to_owned(),
            at_whatsapp: AtWhatsApp::Terminate,
        }
    }

    /// What a hang-up by the caller means where the call stands.
    fn hung_up_by_caller(&self, at_whatsapp: AtWhatsApp) -> Ending {
        let (status, text) = match &self.memo.stage {
            Stage::Dialling(dialling) if dialling.declined => (CallStatus::Rejected, "The contact declined"),
            Stage::Dialling(_) => return outgoing::no_answer(at_whatsapp),
            _ if self.row.direction == Direction::Outgoing => (CallStatus::Completed, "The contact hung up"),
            Stage::Arriving(_) => (CallStatus::Abandoned, "The caller hung up before we answered"),
            Stage::Waiting(_) => (CallStatus::Abandoned, "The caller hung up while waiting"),
            // Somebody had them, and lost them: they were waiting again.
            Stage::Leaving(leaving) => (leaving.status, "The caller hung up"),
            _ => (CallStatus::Completed, "The caller hung up"),
        };
        Ending { status, by: EndedBy::Caller, reason: "caller_hung_up".to_owned(), text: text.to_owned(), at_whatsapp }
    }

    /// Stops every ring and frees the agent, with a line on the screen where it helps.
    fn clear_desks(&mut self, ending: &Ending) {
        let why = match ending.by {
            EndedBy::Caller if self.row.direction == Direction::Incoming => "The caller hung up",
            _ => ending.text.as_str(),
        };
        for user in std::mem::take(&mut self.ringing) {
            self.house.floor.stop_ring(&user, &self.row.id, Some(why));
        }
        let agent = match &self.memo.stage {
            Stage::Talking(talking) => &talking.agent,
            Stage::Dialling(dialling) => &dialling.agent,
            _ => return,
        };
        let own_doing = ending.by == EndedBy::Agent && ending.reason == "agent_hung_up";
        self.house.floor.release(agent, &self.row.id, Some(why).filter(|_| !own_doing));
        if self.house.floor.has_no_tab(agent) {
            tab::go_home_later(&self.house, agent.clone());
        }
    }

    fn tell_whatsapp(&self, what: AtWhatsApp) {
        // Not named yet: if WhatsApp has the call after all, its first webhook will end it.
        let is_unnamed = self.row.wacid == self.row.id.as_str();
        let what = if is_unnamed { AtWhatsApp::Nothing } else { what };
        let (graph, line) = (self.house.graph.clone(), self.line.clone());
        let (wacid, call) = (self.row.wacid.clone(), self.row.id.clone());
        tokio::spawn(async move {
            let told = match what {
                AtWhatsApp::Nothing => Ok(()),
                AtWhatsApp::Reject => graph.reject(&line, &wacid).await,
                AtWhatsApp::Terminate => graph.terminate(&line, &wacid).await,
            };
            if let Err(error) = told {
                tracing::warn!(call.id = %call, "WhatsApp was not told of the end of call {call}: {error}");
            }
        });
    }

    fn settle_phase(&mut self, now: Millis) {
        let length = self.close_phase(now);
        match &self.memo.stage {
            Stage::Waiting(_) => self.row.wait_ms += length,
            Stage::Talking(talking) if talking.is_held() => self.row.hold_ms += length,
            Stage::Talking(_) => self.row.talk_ms += length,
            _ => {}
        }
    }

    /// A call that is over must be over in the database too, however long that takes.
    async fn save_end(&self, entry: NewEntry, now: Millis) {
        let (house, row) = (Arc::clone(&self.house), self.row.clone());
        let mut pause_ms = 100;
        let first = house
            .store
            .save_call(&Move { row: &row, place: "", entries: std::slice::from_ref(&entry), hunt: None, at: now })
            .await;
        let Err(error) = first else { return };
        tracing::error!(call.id = %row.id, "the end of call {} was not written, trying on: {error}", row.id);
        tokio::spawn(async move {
            let entries = [entry];
            for _ in 0..END_TRIES {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                pause_ms = (pause_ms * 2).min(END_PAUSE_MS_MAX);
                if house
                    .store
                    .save_call(&Move { row: &row, place: "", entries: &entries, hunt: None, at: now })
                    .await
                    .is_ok()
                {
                    return;
                }
            }
            tracing::error!(call.id = %row.id, "the end of call {} was never written; a restart will settle it", row.id);
        });
    }
}

fn leg_words(why: LegEnd) -> (&'static str, &'static str) {
    match why {
        LegEnd::IceFailed => ("ice_failed", "No media path to WhatsApp was found"),
        LegEnd::ConsentLost => ("media_lost", "The media path to WhatsApp was lost"),
        LegEnd::DtlsFailed | LegEnd::WrongFingerprint => {
            ("dtls_failed", "The media keys could not be agreed with WhatsApp")
        }
        LegEnd::Orphaned => ("media_lost", "Patchbay was away for too long"),
        _ => ("media_lost", "The media of the call ended"),
    }
}

/// A clip whose end is never told must not keep a caller for ever.
const LAST_WORDS_MS_MAX: u64 = 30_000;
const END_TRIES: u32 = 200;
const END_PAUSE_MS_MAX: u64 = 10_000;
