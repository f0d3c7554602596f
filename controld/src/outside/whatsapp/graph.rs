//! The Graph API: one request per action, tried again while that can help and is harmless.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::permission::Permission;
use super::refusal::Refusal;
use crate::model::Secret;

/// The way to Meta. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Graph {
    http: reqwest::Client,
    base: String,
}

/// The number that acts, and its right to.
#[derive(Debug, Clone)]
pub struct Line {
    /// Meta's id of the number.
    pub phone_number_id: String,
    /// Bearer token.
    pub token: Secret,
}

/// Why an action did not happen, as far as we know.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Meta said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No answer: it may have happened or not.
    #[error("WhatsApp did not answer: {0}")]
    Unreachable(String),
    /// The client could not be made.
    #[error("the way to WhatsApp could not be set up: {0}")]
    Setup(String),
}

impl GraphError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_passing(),
            Self::Unreachable(_) => true,
            Self::Setup(_) => false,
        }
    }
}

impl Graph {
    /// `base` is the API with its version, such as `https://graph.facebook.com/v23.0`.
    pub fn new(base: &str) -> Result<Self, GraphError> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
            .timeout(Duration::from_millis(REQUEST_TIMEOUT_MS))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| GraphError::Setup(error.to_string()))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Lets ICE and DTLS come up while the caller still hears ringing. Tried until `window` is over.
    pub async fn pre_accept(&self, line: &Line, wacid: &str, sdp: &str, window: Duration) -> Result<(), GraphError> {
        self.insist(line, &answer("pre_accept", wacid, sdp), window, false).await
    }

    /// Answers the call, with the very answer `pre_accept` had. Tried until `window` is over; `again` says that an
    /// earlier attempt may have reached Meta, so that "already in progress" means yes.
    pub async fn accept(
        &self,
        line: &Line,
        wacid: &str,
        sdp: &str,
        window: Duration,
        again: bool,
    ) -> Result<(), GraphError> {
        self.insist(line, &answer("accept", wacid, sdp), window, again).await
    }

    /// Refuses a call that was not accepted.
    pub async fn reject(&self, line: &Line, wacid: &str) -> Result<(), GraphError> {
        let body = json!({"messaging_product": "whatsapp", "call_id": wacid, "action": "reject"});
        self.insist(line, &body, Duration::from_millis(ENDING_WINDOW_MS), true).await
    }

    /// Ends a call. Meta wants this even when the media has ended by itself.
    pub async fn terminate(&self, line: &Line, wacid: &str) -> Result<(), GraphError> {
        let body = json!({"messaging_product": "whatsapp", "call_id": wacid, "action": "terminate"});
        self.insist(line, &body, Duration::from_millis(ENDING_WINDOW_MS), true).await
    }

    /// Places a call; says WhatsApp's name for it. One attempt: a second one would be a second call.
    /// `ours` comes back in the webhooks of the call: by it they are known even if the answer to this gets lost.
    pub async fn connect(&self, line: &Line, callee: &Callee, sdp: &str, ours: &str) -> Result<String, GraphError> {
        let body = json!({"messaging_product": "whatsapp", "action": "connect",
            "session": {"sdp_type": "offer", "sdp": sdp}, "biz_opaque_callback_data": ours});
        let said = self.once(line, &to(callee, body)).await?;
        let id = said.pointer("/calls/0/id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| GraphError::Unreachable("the answer names no call".to_owned()))
    }

    /// What WhatsApp says about calling this user now.
    pub async fn permission(&self, line: &Line, callee: &Callee) -> Result<Permission, GraphError> {
        let (key, value) = match callee {
            Callee::Phone(phone) => ("user_wa_id", phone),
            Callee::UserKey(user) => ("recipient", user),
        };
        let url = format!("{}/{}/call_permissions", self.base, line.phone_number_id);
        let url = reqwest::Url::parse_with_params(&url, [(key, value)]);
        let url = url.map_err(|error| GraphError::Setup(error.to_string()))?;
        let said = self.answer(self.http.get(url).bearer_auth(&line.token.0)).await?;
        Ok(Permission::read(&said))
    }

    /// Sends WhatsApp's card that asks for permission to call. One attempt: a second one would be a second card.
    pub async fn ask_permission(&self, line: &Line, callee: &Callee, text: &str) -> Result<(), GraphError> {
        let mut card = json!({"type": "call_permission_request", "action": {"name": "call_permission_request"}});
        if !text.is_empty() {
            card["body"] = json!({"text": text});
        }
        let body = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "type": "interactive",
            "interactive": card});
        let url = format!("{}/{}/messages", self.base, line.phone_number_id);
        let request = self.http.post(url).bearer_auth(&line.token.0).json(&to(callee, body));
        self.answer(request).await.map(drop)
    }

    async fn insist(&self, line: &Line, body: &Value, window: Duration, mut again: bool) -> Result<(), GraphError> {
        let deadline = Instant::now() + window;
        let mut pause_ms = FIRST_PAUSE_MS;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let said = tokio::time::timeout(left, self.once(line, body)).await;
            let error =
                match said.unwrap_or_else(|_| Err(GraphError::Unreachable("the time for it is over".to_owned()))) {
                    Ok(_) => return Ok(()),
                    Err(GraphError::Refused(refusal)) if again && refusal.says_already_done() => return Ok(()),
                    Err(error) => error,
                };
            let pause = Duration::from_millis(pause_ms + rand::random_range(0..pause_ms / 2));
            if !error.may_pass() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            // After a fault or silence nobody knows whether Meta did it.
            again = true;
            pause_ms = (pause_ms * 2).min(LONGEST_PAUSE_MS);
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, line: &Line, body: &Value) -> Result<Value, GraphError> {
        let url = format!("{}/{}/calls", self.base, line.phone_number_id);
        self.answer(self.http.post(url).bearer_auth(&line.token.0).json(body)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, GraphError> {
        let sent = request.send().await;
        // The address of an error holds no secret; the token is in a header.
        let unreachable = |error: reqwest::Error| GraphError::Unreachable(error.without_url().to_string());
        let response = sent.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        let said: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let is_yes = said.get("error").is_none() && said.get("success").and_then(Value::as_bool) != Some(false);
        if status.is_success() && is_yes { Ok(said) } else { Err(Refusal::read(status.as_u16(), &said).into()) }
    }
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callee {
    /// A phone number, digits.
    Phone(String),
    /// A business-scoped user id.
    UserKey(String),
}

/// A request's body with whom it is for. A body is an object.
fn to(callee: &Callee, mut body: Value) -> Value {
    let (key, whom) = match callee {
        Callee::Phone(phone) => ("to", phone),
        Callee::UserKey(user) => ("recipient", user),
    };
    body[key] = Value::String(whom.clone());
    body
}

fn answer(action: &str, wacid: &str, sdp: &str) -> Value {
    json!({"messaging_product": "whatsapp", "call_id": wacid, "action": action,
        "session": {"sdp_type": "answer", "sdp": sdp}})
}

const CONNECT_TIMEOUT_MS: u64 = 3_000;
const REQUEST_TIMEOUT_MS: u64 = 8_000;
/// How long `reject` and `terminate` are tried: Meta ends a silent call by itself after 20 to 30 s.
const ENDING_WINDOW_MS: u64 = 20_000;
const FIRST_PAUSE_MS: u64 = 200;
const LONGEST_PAUSE_MS: u64 = 3_000;
