//! A WhatsApp user: who it is, what it allows, its chat with the business, and its phone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::permission::{DAY, Grant, Leave};
use super::script::Script;

/// One user, as Meta and the user's own phone know it.
#[derive(Debug, Clone)]
pub struct User {
    /// Digits, no plus sign.
    pub phone: String,
    /// The WhatsApp profile's name.
    pub name: String,
    /// Permission to call, requests and limits.
    pub leave: Leave,
    /// When the user last wrote or called, in seconds since 1970: the customer service window.
    pub wrote_at: Option<u64>,
    /// The chat.
    pub chat: Vec<Bubble>,
    /// What the phone does when the business calls; none: a phone page that listens, or the default.
    pub script: Option<Script>,
    /// Oddities.
    pub traits: Traits,
    /// Phone pages that are open for this user.
    pub pages: u32,
    /// (seconds since 1970, what happened).
    pub log: Vec<(u64, String)>,
}

/// What is odd about a user, and what goes wrong with webhooks on the field `messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traits {
    /// False: 138001, and `no_permission` whatever was granted.
    pub callable: bool,
    /// Messages fail with a 131026 status.
    pub old_client: bool,
    /// The user is known by the business-scoped id only.
    pub missing_phone: bool,
    /// No `contacts`.
    pub missing_contacts: bool,
    /// `expiration_timestamp` as a number, not as a string.
    pub expiration_number: bool,
    /// Extra copies of every webhook.
    pub duplicate: u32,
    /// Webhooks that never arrive.
    pub drop: bool,
    /// Webhooks come this late.
    pub delay_ms: u64,
    /// Each webhook is late by a random time up to this, so they overtake each other.
    pub shuffle_ms: u64,
    /// Timestamps lie this far in the past.
    pub stale_secs: u64,
    /// Keys of every object in random order.
    pub shuffled_keys: bool,
    /// Keys a client has never seen.
    pub extra_keys: bool,
    /// The signature is of another secret.
    pub wrong_signature: bool,
}

impl Default for Traits {
    fn default() -> Traits {
        Traits {
            callable: true,
            old_client: false,
            missing_phone: false,
            missing_contacts: false,
            expiration_number: false,
            duplicate: 0,
            drop: false,
            delay_ms: 0,
            shuffle_ms: 0,
            stale_secs: 0,
            shuffled_keys: false,
            extra_keys: false,
            wrong_signature: false,
        }
    }
}

/// One entry of the chat.
#[derive(Debug, Clone, Serialize)]
pub struct Bubble {
    /// The message's id; a call's id in call bubbles; empty in what WhatsApp itself says.
    pub id: String,
    /// Seconds since 1970.
    pub at: u64,
    /// Who wrote it.
    pub from: Writer,
    /// `text`, `template`, `call_permission_request`, `call_permission_reply`, `call`, `system`, or Meta's type.
    pub kind: String,
    /// What is read.
    pub text: String,
}

/// Whose words a bubble holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// The user.
    User,
    /// The business.
    Business,
    /// WhatsApp.
    System,
}

impl User {
    /// Somebody nobody has heard of.
    pub fn new(phone: &str) -> User {
        User {
            phone: phone.to_owned(),
            name: phone.to_owned(),
            leave: Leave::default(),
            wrote_at: None,
            chat: Vec::new(),
            script: None,
            traits: Traits::default(),
            pages: 0,
            log: Vec::new(),
        }
    }

    /// The business-scoped id.
    pub fn user_id(&self) -> String {
        user_id(&self.phone)
    }

    /// Whether free-form messages may be sent.
    pub fn window_open(&self, now: u64) -> bool {
        self.wrote_at.is_some_and(|at| now < at + DAY)
    }

    /// The user wrote, tapped or called.
    pub fn spoke(&mut self, now: u64) {
        self.wrote_at = Some(now);
    }

    /// Adds to the chat; the oldest goes when it is full.
    pub fn add(&mut self, bubble: Bubble) {
        if self.chat.len() >= BUBBLES_MAX {
            self.chat.remove(0);
        }
        self.chat.push(bubble);
    }

    /// Writes into the log.
    pub fn note(&mut self, now: u64, what: impl Into<String>) {
        if self.log.len() < LOG_MAX {
            self.log.push((now, what.into()));
        }
    }

    /// For the control API and the phone page.
    pub fn view(&self, now: u64) -> Value {
        let (status, until) = match self.leave.grant(now) {
            Grant::None => ("none", None),
            Grant::Temporary { until } => ("temporary", Some(until)),
            Grant::Permanent => ("permanent", None),
        };
        let asks = self.leave.asks().iter();
        json!({
            "phone": self.phone,
            "name": self.name,
            "user_id": self.user_id(),
            "permission": {"status": status, "until": until},
            "missed_in_a_row": self.leave.missed_in_a_row(),
            "requests": asks.map(|ask| json!({
                "id": ask.id,
                "at": ask.at,
                "open": ask.open(now),
                "accepted": ask.answered.map(|(_, yes)| yes),
            })).collect::<Vec<_>>(),
            "window_until": self.wrote_at.map(|at| at + DAY).filter(|until| *until > now),
            "chat": self.chat,
            "script": self.script,
            "traits": self.traits,
            "pages": self.pages,
            "log": self.log.iter().map(|(at, what)| json!({"at": at, "what": what})).collect::<Vec<_>>(),
        })
    }
}

/// The business-scoped id of a number. Real ones say nothing about it; these can be turned back by [`phone_of`].
pub fn user_id(phone: &str) -> String {
    format!("{USER_ID_HEAD}{phone}")
}

/// The number behind one of our business-scoped ids.
pub fn phone_of(user_id: &str) -> Option<&str> {
    user_id.strip_prefix(USER_ID_HEAD).filter(|phone| !phone.is_empty() && phone.bytes().all(|b| b.is_ascii_digit()))
}

/// The digits of a number however it is written, as many as a number can have (E.164).
pub fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(DIGITS_MAX).collect()
}

const DIGITS_MAX: usize = 15;
const USER_ID_HEAD: &str = "US.1349";
const BUBBLES_MAX: usize = 500;
const LOG_MAX: usize = 500;
