//! What happens to users: they write, answer requests, change their minds, and remember calls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::call::{Call, Now, Person};
use super::exchange::{Exchange, News, lock};
use super::message_notice::{self, Reply};
use super::permission::{Answer, Grant, Missed};
use super::script::Script;
use super::user::{Bubble, User, Writer};
use super::wacid::{Direction, message_id};

/// Everybody the stand-in knows, and what is counted over all of them.
#[derive(Debug, Default)]
pub struct Users {
    by_phone: BTreeMap<String, User>,
    /// How phones take a call when neither a script of their own nor a page says it.
    pub script: Script,
    /// Calls the business has placed, in seconds since 1970.
    pub(super) connects: VecDeque<u64>,
    /// Recent reads of permissions.
    pub(super) reads: VecDeque<Instant>,
}

/// What a user does about the permission to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Answers a request with "Always allow".
    AcceptPermanently,
    /// Answers a request with "Allow for seven days".
    AcceptTemporarily,
    /// Answers a request with "Don't allow".
    Reject,
    /// Allows calls in the business's profile.
    Grant,
    /// Takes it back in the business's profile. Whether Meta tells the business is not known.
    Revoke,
}

impl Users {
    /// The user with this number, who may be new.
    pub fn get(&mut self, phone: &str) -> &mut User {
        if !self.by_phone.contains_key(phone) && self.by_phone.len() >= USERS_MAX {
            let idle = |user: &&User| user.pages == 0 && user.script.is_none();
            let oldest = self.by_phone.values().find(idle).map(|user| user.phone.clone());
            oldest.map(|phone| self.by_phone.remove(&phone));
        }
        self.by_phone.entry(phone.to_owned()).or_insert_with(|| User::new(phone))
    }

    /// Everybody, by number.
    pub fn all(&self) -> impl Iterator<Item = &User> {
        self.by_phone.values()
    }

    /// How this user's phone takes a call.
    pub fn script_for(&mut self, phone: &str) -> Script {
        let user = self.get(phone);
        match (user.script.clone(), user.pages) {
            (Some(script), _) => script,
            // A page is told that it rings; its user does the rest.
            (None, 1..) => Script { faults: self.script.faults.clone(), ..Script::default() },
            (None, 0) => self.script.clone(),
        }
    }

    /// Whether one more read of permissions fits into this second.
    pub fn may_read(&mut self, now: Instant, limit: u32) -> bool {
        while self.reads.front().is_some_and(|at| now.saturating_duration_since(*at) >= Duration::from_secs(1)) {
            self.reads.pop_front();
        }
        let fits = self.reads.len() < limit as usize;
        if fits {
            self.reads.push_back(now);
        }
        fits
    }
}

impl Exchange {
    /// Looks at one user, who may be new.
    pub fn user<T>(&self, phone: &str, look: impl FnOnce(&mut User) -> T) -> T {
        look(lock(&self.users).get(phone))
    }

    /// A text of the user; gives back its id.
    pub fn write_text(self: &Arc<Self>, phone: &str, name: Option<&str>, text: &str, reply_to: Option<&str>) -> String {
        let now = self.now();
        let at = secs(now);
        let id = self.message_id(phone, Direction::User);
        let business = self.line.display_number.clone();
        self.user(phone, |user| {
            rename(user, name);
            user.spoke(at);
            user.add(bubble(&id, at, Writer::User, "text", text));
            let context = reply_to.map(|message| (business.as_str(), message));
            let item = message_notice::text(user, &id, at, text, context);
            self.post_message(user, "text", item, now);
        });
        self.push(News::User(phone.to_owned()));
        id
    }

    /// The user decides. Errors: no open request to answer.
    pub fn choose(
        self: &Arc<Self>,
        phone: &str,
        choice: Choice,
        request: Option<&str>,
        tell: Option<bool>,
    ) -> Result<(), &'static str> {
        let now = self.now();
        let at = secs(now);
        self.user(phone, |user| -> Result<(), &'static str> {
            let answer = match choice {
                Choice::AcceptPermanently => Some(Answer::AcceptPermanently),
                Choice::AcceptTemporarily => Some(Answer::AcceptTemporarily),
                Choice::Reject => Some(Answer::Reject),
                Choice::Grant | Choice::Revoke => None,
            };
            let context = match answer {
                Some(answer) => Some(user.leave.answer(at, request, answer)?),
                None => {
                    user.leave.set(if choice == Choice::Grant { Grant::Permanent } else { Grant::None });
                    None
                }
            };
            if context.is_some() {
                user.spoke(at);
            }
            let grant = user.leave.grant(at);
            user.add(bubble("", at, Writer::User, "call_permission_reply", words(grant)));
            if tell.unwrap_or(choice != Choice::Revoke) {
                self.tell_permission(user, context.as_deref(), grant, true, now);
            }
            Ok(())
        })?;
        self.push(News::User(phone.to_owned()));
        Ok(())
    }

    /// The name a user is known by.
    pub(super) fn name_of(&self, phone: &str) -> String {
        self.user(phone, |user| user.name.clone())
    }

    /// The user dials, which opens the window whether the business answers or not.
    pub(super) fn dialled_by(&self, person: &Person, now: Now) {
        self.user(&person.phone, |user| {
            user.name.clone_from(&person.name);
            user.spoke(secs(now));
        });
    }

    /// A call was picked up.
    pub(super) fn connected(&self, call: &Call, now: Now) {
        self.user(&call.user.phone, |user| {
            user.leave.connected(secs(now), call.by_business());
            user.spoke(secs(now));
        });
    }

    /// A call is over: what the user remembers, and what follows from it.
    pub(super) fn remember(self: &Arc<Self>, call: &Call, now: Now) {
        let (rules, asks_back) = {
            let number = lock(&self.number);
            (number.standing.rules(), number.asks_back())
        };
        let at = secs(now);
        self.user(&call.user.phone, |user| {
            let talk = call.ending.as_ref().and_then(|ending| ending.talk).map(|talk| talk.duration_secs);
            let writer = if call.by_business() { Writer::Business } else { Writer::User };
            let text = talk.map_or_else(|| "Missed call".to_owned(), |secs| format!("Call of {secs} s"));
            user.add(bubble(call.id.as_str(), at, writer, "call", &text));
            if call.was_missed() {
                self.missed(user, rules, now);
            } else if !call.by_business()
                && asks_back
                && let Some(until) = user.leave.call_back(at)
            {
                let grant = Grant::Temporary { until };
                self.tell_permission(user, Some(call.id.as_str()), grant, false, now);
            }
        });
        self.push(News::User(call.user.phone.clone()));
    }

    fn missed(self: &Arc<Self>, user: &mut User, rules: super::permission::Rules, now: Now) {
        let had = user.leave.grant(secs(now));
        match user.leave.missed(rules) {
            Missed::Counted => {}
            Missed::Warned => {
                let text = "You have not picked up. Do you still want to receive calls from this business?";
                user.add(bubble("", secs(now), Writer::System, "system", text));
            }
            Missed::Revoked => {
                let text = "This business can no longer call you, because you did not pick up its calls.";
                user.add(bubble("", secs(now), Writer::System, "system", text));
                if had != Grant::None {
                    self.tell_permission(user, None, Grant::None, false, now);
                }
            }
        }
    }

    fn tell_permission(
        self: &Arc<Self>,
        user: &mut User,
        context: Option<&str>,
        grant: Grant,
        by_user: bool,
        now: Now,
    ) {
        let id = self.message_id(&user.phone, Direction::User);
        let reply = Reply { context, grant, by_user };
        let item = message_notice::permission_reply(&self.line, user, &id, secs(now), &reply);
        self.post_message(user, "call_permission_reply", item, now);
    }

    /// A message's id.
    pub(super) fn message_id(&self, phone: &str, direction: Direction) -> String {
        message_id(phone, direction, &mut *lock(&self.rng))
    }
}

/// A chat entry.
pub(super) fn bubble(id: &str, at: u64, from: Writer, kind: &str, text: &str) -> Bubble {
    Bubble { id: id.to_owned(), at, from, kind: kind.to_owned(), text: text.to_owned() }
}

/// Whole seconds since 1970.
pub(super) fn secs(now: Now) -> u64 {
    now.unix_ms / 1000
}

fn rename(user: &mut User, name: Option<&str>) {
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        name.clone_into(&mut user.name);
    }
}

fn words(grant: Grant) -> &'static str {
    match grant {
        Grant::None => "Calls not allowed",
        Grant::Temporary { .. } => "Calls allowed for 7 days",
        Grant::Permanent => "Calls always allowed",
    }
}

const USERS_MAX: usize = 20_000;
