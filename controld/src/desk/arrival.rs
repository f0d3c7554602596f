//! Answering: mediad takes the offer, `pre_accept` lets ICE and DTLS come up, `accept`, then the gate opens.

use std::time::Duration;

use serde_json::json;

use super::call::{Call, Due};
use super::ending::{AtWhatsApp, Ending};
use super::memo::{Arriving, Stage};
use super::post::Post;
use crate::model::{CallStatus, EndedBy, clock};
use crate::outside::mediad::{Command, MediaCallId, MediadError, Peer, Reach};
use crate::outside::whatsapp::graph::GraphError;
use crate::store::journal::NewEntry;

impl Call {
    /// The first deed of a call: its leg.
    pub(super) fn open_leg(&mut self) {
        let Stage::Arriving(arriving) = &self.memo.stage else { return };
        let Ok(call) = MediaCallId::new(self.row.id.as_str()) else { return };
        let asked = self.house.mediad.ask(Command::OpenLeg {
            leg: self.leg.clone(),
            call,
            peer: Peer::Meta,
            offer: arriving.offer.clone(),
            life_secs: self.house.rules.caller_life_secs(),
            reach: Reach::default(),
        });
        self.errand(async move { Post::Opened(asked.sdp().await) });
    }

    /// mediad has answered the offer.
    pub(super) async fn opened(&mut self, answer: Result<String, MediadError>) {
        let Stage::Arriving(arriving) = &mut self.memo.stage else { return };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let text = format!("The call could not be answered: {error}");
                return self.end(Ending::failed("media_refused", text, AtWhatsApp::Reject)).await;
            }
        };
        arriving.answer = Some(answer);
        self.house.switchboard.leg_is_open(&self.row.id, self.leg.as_str(), self.house.mediad.conversation());
        // Written before Meta hears it: after a restart the very same answer must be sent.
        self.save(&[], None, clock::now()).await;
        self.pre_accept();
    }

    fn pre_accept(&mut self) {
        let Some((answer, window)) = self.our_answer() else { return };
        let (graph, line, wacid) = (self.house.graph.clone(), self.line.clone(), self.row.wacid.clone());
        let window = window.min(Duration::from_millis(PRE_ACCEPT_WINDOW_MS));
        self.errand(async move { Post::PreAccepted(graph.pre_accept(&line, &wacid, &answer, window).await) });
    }

    /// WhatsApp lets the media come up, or not.
    pub(super) async fn pre_accepted(&mut self, result: Result<(), GraphError>) {
        let Stage::Arriving(arriving) = &self.memo.stage else { return };
        match result {
            Ok(()) if arriving.connected => self.accept().await,
            Ok(()) => self.due.set(Due::ConnectWait, self.house.rules.connect_wait_ms),
            // `accept` without `pre_accept` is legal; only a no is a no.
            Err(GraphError::Refused(refusal)) if !refusal.is_passing() => {
                let text = format!("WhatsApp did not let us answer: {refusal}");
                self.end(Ending::failed("accept_refused", text, AtWhatsApp::Reject)).await;
            }
            Err(error) => {
                tracing::warn!(call.id = %self.row.id, "pre_accept of call {} failed, accepting anyway: {error}", self.row.id);
                self.accept().await;
            }
        }
    }

    /// ICE and DTLS are up.
    pub(super) async fn leg_connected(&mut self) {
        let arriving = match &mut self.memo.stage {
            Stage::Arriving(arriving) => arriving,
            Stage::Dialling(dialling) => {
                dialling.connected = true;
                return self.join_dialled().await;
            }
            _ => return,
        };
        arriving.connected = true;
        if self.due.is_set(Due::ConnectWait) {
            self.due.clear(Due::ConnectWait);
            self.accept().await;
        }
    }

    /// Answers the call at WhatsApp.
    pub(super) async fn accept(&mut self) {
        let Some((answer, window)) = self.our_answer() else { return };
        let Stage::Arriving(arriving) = &mut self.memo.stage else { return };
        let again = std::mem::replace(&mut arriving.accepting, true);
        if !again {
            self.save(&[], None, clock::now()).await;
        }
        let (graph, line, wacid) = (self.house.graph.clone(), self.line.clone(), self.row.wacid.clone());
        self.errand(async move { Post::Accepted(graph.accept(&line, &wacid, &answer, window, again).await) });
    }

    /// WhatsApp has connected the caller to us, or not.
    pub(super) async fn accepted(&mut self, result: Result<(), GraphError>) {
        if !matches!(self.memo.stage, Stage::Arriving(_)) {
            return;
        }
        if let Err(error) = result {
            let text = format!("WhatsApp did not accept our answer: {error}");
            return self.end(Ending::failed("accept_failed", text, AtWhatsApp::Terminate)).await;
        }
        // The first sound may leave now and not a moment earlier (whatsapp-calling.md §3.1).
        self.house.mediad.tell(Command::OpenGate { leg: self.leg.clone() });
        let now = clock::now();
        self.row.answered_at = Some(now);
        self.row.status = CallStatus::Ivr;
        let waited_ms = now.saturating_sub(self.row.started_at);
        let entry = NewEntry::new("accepted", "Answered", json!({"after_ms": waited_ms}));
        self.begin_flow(entry).await;
    }

    /// Takes up an arrival after a restart. Without our answer on paper nobody outside has heard of us yet: begin again,
    /// under another name, if there is still time.
    pub(super) async fn arrive_again(&mut self, leg_is_there: bool) {
        let Stage::Arriving(arriving) = &mut self.memo.stage else { return };
        let age_ms = u64::try_from(clock::now().saturating_sub(self.row.started_at)).unwrap_or_default();
        let is_answered = arriving.answer.is_some();
        if age_ms > self.house.rules.stale_ms || (is_answered && !leg_is_there) {
            let text = "The call could not be answered: Patchbay was restarted meanwhile";
            let at_whatsapp = if arriving.accepting { AtWhatsApp::Terminate } else { AtWhatsApp::Reject };
            return self.end(Ending::failed("media_lost", text, at_whatsapp)).await;
        }
        if is_answered {
            self.house.switchboard.leg_is_open(&self.row.id, self.leg.as_str(), self.house.mediad.conversation());
            return self.accept().await;
        }
        self.house.mediad.tell(Command::CloseLeg { leg: self.leg.clone() });
        self.rename_leg();
        self.open_leg();
    }

    /// Our answer and how long Meta will still take it.
    fn our_answer(&self) -> Option<(String, Duration)> {
        let Stage::Arriving(Arriving { answer: Some(answer), .. }) = &self.memo.stage else { return None };
        let age_ms = u64::try_from(clock::now().saturating_sub(self.row.started_at)).unwrap_or_default();
        let left_ms = self.house.rules.accept_window_ms.saturating_sub(age_ms).max(LAST_TRY_MS);
        Some((answer.clone(), Duration::from_millis(left_ms)))
    }
}

impl Ending {
    /// Something of ours or of WhatsApp's broke.
    pub(super) fn failed(reason: &str, text: impl Into<String>, at_whatsapp: AtWhatsApp) -> Self {
        Self {
            status: CallStatus::Failed,
            by: EndedBy::System,
            reason: reason.to_owned(),
            text: text.into(),
            at_whatsapp,
        }
    }
}

const PRE_ACCEPT_WINDOW_MS: u64 = 8_000;
/// A request that begins at the window's end still gets this long.
const LAST_TRY_MS: u64 = 3_000;
