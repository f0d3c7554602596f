//! From what happened to the webhook on its way: delays, copies, losses, ghosts.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use serde_json::Value;

use super::call::{Call, Ending, Now, Status};
use super::exchange::{Exchange, News, lock};
use super::json::{self, Style};
use super::message_notice;
use super::notice;
use super::user::{Traits, User};
use super::webhooks::{About, Letter, Report};

impl Exchange {
    /// A status webhook.
    pub(super) fn say(self: &Arc<Self>, call: &mut Call, status: Status, now: Now) {
        let body = notice::status(&self.line, call, status, now);
        let (event, lag_ms) = match status {
            Status::Ringing => ("ringing", 0),
            Status::Accepted => ("accepted", call.faults.accepted_lag_ms),
            Status::Rejected => ("rejected", 0),
        };
        self.post_letter(call, event, &body, Duration::from_millis(lag_ms), now);
        self.tell(call, event);
    }

    /// The `terminate` webhook, and after it the ghosts.
    pub(super) fn say_goodbye(self: &Arc<Self>, call: &mut Call, ending: &Ending, now: Now) {
        let body = notice::terminate(&self.line, call, ending);
        self.post_letter(call, "terminate", &body, Duration::ZERO, now);
        self.haunt(call);
    }

    /// Posts a webhook about a call as its faults say.
    pub(super) fn post_letter(
        self: &Arc<Self>,
        call: &mut Call,
        event: &'static str,
        body: &Value,
        delay: Duration,
        now: Now,
    ) {
        let style = Style { shuffled: call.faults.shuffled_keys, slashes_escaped: call.faults.slashes_escaped };
        let body = json::write(body, style, &mut *lock(&self.rng));
        if call.faults.ghosts_after_ms.is_some() {
            call.ghosts.push((event, body.clone()));
        }
        if call.faults.drop.loses(event) {
            call.note(now, format!("webhook {event}: dropped on purpose"));
            return;
        }
        let letter = Letter {
            about: About::Call(call.id.clone()),
            event,
            body,
            delay: delay + self.scatter(call.faults.shuffle_ms),
            duplicate: call.faults.duplicate,
            wrong_signature: call.faults.wrong_signature,
        };
        self.post.send(letter, self.report());
    }

    /// Posts a webhook on the field `messages`.
    pub(super) fn post_message(self: &Arc<Self>, user: &mut User, event: &'static str, item: Value, now: Now) {
        let Traits { drop, delay_ms, shuffle_ms, duplicate, wrong_signature, shuffled_keys, .. } = user.traits;
        if drop {
            user.note(now.unix_ms / 1000, format!("webhook {event}: dropped on purpose"));
            return;
        }
        let body = message_notice::envelope(&self.line, user, item);
        let style = Style { shuffled: shuffled_keys, slashes_escaped: false };
        // INVARIANT: the guard of `rng` is gone before scatter takes it again.
        let body = json::write(&body, style, &mut *lock(&self.rng));
        let letter = Letter {
            about: About::User(user.phone.clone()),
            event,
            body,
            delay: Duration::from_millis(delay_ms) + self.scatter(shuffle_ms),
            duplicate,
            wrong_signature,
        };
        self.post.send(letter, self.report());
    }

    fn haunt(self: &Arc<Self>, call: &mut Call) {
        let Some(after_ms) = call.faults.ghosts_after_ms else { return };
        let mut ghosts = std::mem::take(&mut call.ghosts);
        ghosts.shuffle(&mut *lock(&self.rng));
        for (index, (event, body)) in ghosts.into_iter().enumerate() {
            let letter = Letter {
                about: About::Call(call.id.clone()),
                event,
                body,
                delay: Duration::from_millis(after_ms) + GHOST_PACE * u32::try_from(index).unwrap_or(u32::MAX),
                duplicate: 0,
                wrong_signature: call.faults.wrong_signature,
            };
            self.post.send(letter, self.report());
        }
    }

    fn scatter(&self, up_to_ms: u64) -> Duration {
        if up_to_ms == 0 {
            return Duration::ZERO;
        }
        Duration::from_millis(lock(&self.rng).random_range(0..=up_to_ms))
    }

    fn report(self: &Arc<Self>) -> Report {
        let exchange = Arc::downgrade(self);
        Arc::new(move |about, what| {
            let Some(exchange) = exchange.upgrade() else { return };
            let now = exchange.now();
            match about {
                About::Call(id) => {
                    exchange.with(id, |entry| {
                        entry.call.note(now, what.clone());
                        exchange.tell(&entry.call, what);
                    });
                }
                About::User(phone) => {
                    exchange.user(phone, |user| user.note(now.unix_ms / 1000, what));
                    exchange.push(News::User(phone.clone()));
                }
            }
        })
    }
}

const GHOST_PACE: Duration = Duration::from_millis(20);
