//! What one user lets the business do: permission to call, its limits and its loss. A pure machine on Meta's clock.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal::Refusal;

/// One user's leave to be called. All times are seconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Leave {
    grant: Grant,
    asks: Vec<Ask>,
    /// Requests that still count; a connected call empties it.
    asked: Vec<u64>,
    /// Calls of the business that the user picked up.
    picked_up: Vec<u64>,
    /// Calls in a row that the user did not pick up.
    missed: u32,
}

/// Whether the business may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grant {
    /// It may not.
    #[default]
    None,
    /// Until then.
    Temporary {
        /// The first second without permission.
        until: u64,
    },
    /// Until the user or Meta takes it back.
    Permanent,
}

/// A permission request in the user's chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The message's id.
    pub id: String,
    /// When it was delivered.
    pub at: u64,
    /// When the user last answered, and whether with yes.
    pub answered: Option<(u64, bool)>,
    /// The user has acted on a newer one.
    pub superseded: bool,
}

/// What the user says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// "Always allow".
    AcceptPermanently,
    /// "Allow for seven days".
    AcceptTemporarily,
    /// "Don't allow".
    Reject,
}

/// The numbers of the limits; Meta changed them more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Requests in 24 hours.
    pub asks_a_day: u32,
    /// Requests in 7 days.
    pub asks_a_week: u32,
    /// Picked-up calls in 24 hours.
    pub calls_a_day: u32,
    /// After so many missed calls in a row the user is asked whether to keep the permission.
    pub warn_after: u32,
    /// After so many the permission is gone.
    pub revoke_after: u32,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { asks_a_day: 1, asks_a_week: 2, calls_a_day: 100, warn_after: 2, revoke_after: 4 }
    }
}

impl Rules {
    /// Meta's public test numbers and sandbox accounts.
    pub const TEST_NUMBER: Rules =
        Rules { asks_a_day: 25, asks_a_week: 100, calls_a_day: 100, warn_after: 5, revoke_after: 10 };
}

/// What a missed call led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// Nothing.
    Counted,
    /// The user sees a system message.
    Warned,
    /// The permission is gone.
    Revoked,
}

impl Leave {
    /// The permission at this moment; one that has run out is none.
    pub fn grant(&self, now: u64) -> Grant {
        match self.grant {
            Grant::Temporary { until } if until <= now => Grant::None,
            grant => grant,
        }
    }

    /// Whether a request may be sent. The window and the number's settings are checked elsewhere.
    pub fn check_ask(&self, now: u64, rules: Rules) -> Result<(), Refusal> {
        if self.grant(now) == Grant::Permanent {
            return Err(Refusal::PermanentAlready);
        }
        for (max, period) in [(rules.asks_a_day, DAY), (rules.asks_a_week, WEEK)] {
            if let Some(at) = free_again(&self.asked, now, period, max) {
                return Err(Refusal::AskLimit(at));
            }
        }
        Ok(())
    }

    /// A request was sent.
    pub fn asked(&mut self, now: u64, id: &str) {
        self.asked.push(now);
        self.asks.push(Ask { id: id.to_owned(), at: now, answered: None, superseded: false });
    }

    /// The user answers a request, or changes the answer. Gives back the request's id.
    pub fn answer(&mut self, now: u64, id: Option<&str>, answer: Answer) -> Result<String, &'static str> {
        let newest = self.asks.iter().rposition(|ask| id.is_none_or(|id| ask.id == id));
        let index = newest.ok_or("no such request was sent to this user")?;
        let (before, rest) = self.asks.split_at_mut(index);
        let ask = rest.first_mut().ok_or("no such request was sent to this user")?;
        if !ask.open(now) {
            return Err("this request has expired");
        }
        ask.answered = Some((now, answer != Answer::Reject));
        before.iter_mut().for_each(|older| older.superseded = true);
        self.grant = match answer {
            Answer::AcceptPermanently => Grant::Permanent,
            Answer::AcceptTemporarily => Grant::Temporary { until: now + WEEK },
            Answer::Reject => Grant::None,
        };
        Ok(ask.id.clone())
    }

    /// Sets the permission outside a chat: in the business's profile, by a test.
    pub fn set(&mut self, grant: Grant) {
        self.grant = grant;
        if grant != Grant::None {
            self.missed = 0;
        }
    }

    /// A call of the user, with callback permission switched on. None if a longer permission stands already.
    pub fn call_back(&mut self, now: u64) -> Option<u64> {
        if self.grant(now) == Grant::Permanent {
            return None;
        }
        self.grant = Grant::Temporary { until: now + WEEK };
        Some(now + WEEK)
    }

    /// Whether the business may call now.
    pub fn check_call(&self, now: u64, rules: Rules) -> Result<(), Refusal> {
        if self.grant(now) == Grant::None {
            return Err(Refusal::NoPermission);
        }
        match free_again(&self.picked_up, now, DAY, rules.calls_a_day) {
            Some(at) => Err(Refusal::CallLimit(at)),
            None => Ok(()),
        }
    }

    /// A call was picked up, whoever dialled.
    pub fn connected(&mut self, now: u64, by_business: bool) {
        self.asked.clear();
        self.missed = 0;
        if by_business {
            self.picked_up.retain(|at| at + DAY > now);
            self.picked_up.push(now);
        }
    }

    /// A call of the business rang and was not picked up.
    pub fn missed(&mut self, rules: Rules) -> Missed {
        self.missed += 1;
        if self.missed >= rules.revoke_after {
            self.missed = 0;
            self.grant = Grant::None;
            return Missed::Revoked;
        }
        if self.missed == rules.warn_after { Missed::Warned } else { Missed::Counted }
    }

    /// Missed calls in a row.
    pub fn missed_in_a_row(&self) -> u32 {
        self.missed
    }

    /// Every request, oldest first.
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// The body of `GET call_permissions`. `callable` is false of users whom Meta keeps private.
    pub fn read(&self, now: u64, rules: Rules, callable: bool) -> Value {
        let grant = if callable { self.grant(now) } else { Grant::None };
        let permission = match grant {
            Grant::None => json!({"status": "no_permission"}),
            Grant::Temporary { until } => json!({"status": "temporary", "expiration_time": until}),
            Grant::Permanent => json!({"status": "permanent"}),
        };
        let (day, week) = (rules.asks_a_day, rules.asks_a_week);
        let may_ask = callable && self.check_ask(now, rules).is_ok();
        let may_call = callable && self.check_call(now, rules).is_ok();
        json!({
            "messaging_product": "whatsapp",
            "permission": permission,
            "actions": [
                {"action_name": "send_call_permission_request", "can_perform_action": may_ask,
                 "limits": [limit("PT24H", &self.asked, now, DAY, day), limit("P7D", &self.asked, now, WEEK, week)]},
                {"action_name": "start_call", "can_perform_action": may_call,
                 "limits": [limit("PT24H", &self.picked_up, now, DAY, rules.calls_a_day)]},
            ],
        })
    }
}

impl Ask {
    /// Whether the user can still act on it.
    pub fn open(&self, now: u64) -> bool {
        let since = self.answered.map_or(self.at, |(at, _)| at);
        !self.superseded && now < since + WEEK
    }
}

fn limit(name: &str, times: &[u64], now: u64, period: u64, max: u32) -> Value {
    let used = times.iter().filter(|at| **at + period > now).count();
    let mut limit = json!({"time_period": name, "max_allowed": max, "current_usage": used});
    if let Some(at) = free_again(times, now, period, max) {
        limit["limit_expiration_time"] = json!(at);
    }
    limit
}

/// None if one more fits now; otherwise the second in which it will.
fn free_again(times: &[u64], now: u64, period: u64, max: u32) -> Option<u64> {
    let counted: Vec<u64> = times.iter().copied().filter(|at| at + period > now).collect();
    let over = counted.len().checked_sub(usize::try_from(max).ok()?)?;
    Some(counted.get(over).map_or(now + period, |at| at + period))
}

/// 24 hours in seconds.
pub const DAY: u64 = 86_400;
/// 7 times 24 hours: a temporary permission, a request's life, the longer limit.
pub const WEEK: u64 = 604_800;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_767_168_000;

    #[test]
    fn one_request_a_day_and_two_a_week_until_a_call_connects() {
        let (mut leave, rules) = (Leave::default(), Rules::default());
        leave.asked(NOW, "a");
        assert_eq!(leave.check_ask(NOW + DAY - 1, rules), Err(Refusal::AskLimit(NOW + DAY)));
        assert_eq!(leave.check_ask(NOW + DAY, rules), Ok(()));
        leave.asked(NOW + DAY, "b");
        assert_eq!(leave.check_ask(NOW + 2 * DAY, rules), Err(Refusal::AskLimit(NOW + WEEK)));
        assert_eq!(leave.check_ask(NOW + WEEK, rules), Ok(()));
        leave.connected(NOW + 2 * DAY, false);
        assert_eq!(leave.check_ask(NOW + 2 * DAY, rules), Ok(()));
    }

    #[test]
    fn a_temporary_permission_lasts_seven_days_to_the_second() {
        let mut leave = Leave::default();
        leave.asked(NOW, "a");
        leave.answer(NOW + 5, None, Answer::AcceptTemporarily).unwrap();
        assert_eq!(leave.grant(NOW + 5 + WEEK - 1), Grant::Temporary { until: NOW + 5 + WEEK });
        assert_eq!(leave.grant(NOW + 5 + WEEK), Grant::None);
        assert_eq!(leave.check_call(NOW + 5 + WEEK, Rules::default()), Err(Refusal::NoPermission));
    }

    #[test]
    fn an_answer_can_be_changed_until_the_request_expires() {
        let mut leave = Leave::default();
        leave.asked(NOW, "a");
        leave.answer(NOW, Some("a"), Answer::Reject).unwrap();
        leave.answer(NOW + WEEK - 1, Some("a"), Answer::AcceptPermanently).unwrap();
        assert_eq!(leave.grant(NOW + 9 * WEEK), Grant::Permanent);
        leave.asked(NOW + WEEK, "b");
        leave.answer(NOW + WEEK, Some("b"), Answer::Reject).unwrap();
        assert_eq!(leave.answer(NOW + WEEK, Some("a"), Answer::AcceptPermanently), Err("this request has expired"));
        assert_eq!(leave.answer(NOW + 2 * WEEK, None, Answer::Reject), Err("this request has expired"));
        assert!(leave.answer(NOW, Some("c"), Answer::Reject).is_err());
    }

    #[test]
    fn four_missed_calls_in_a_row_take_the_permission_away() {
        let (mut leave, rules) = (Leave::default(), Rules::default());
        leave.set(Grant::Permanent);
        let outcomes: Vec<Missed> = (0..3).map(|_| leave.missed(rules)).collect();
        assert_eq!(outcomes, [Missed::Counted, Missed::Warned, Missed::Counted]);
        leave.connected(NOW, true);
        let outcomes: Vec<Missed> = (0..4).map(|_| leave.missed(rules)).collect();
        assert_eq!(outcomes, [Missed::Counted, Missed::Warned, Missed::Counted, Missed::Revoked]);
        assert_eq!(leave.grant(NOW), Grant::None);
    }

    #[test]
    fn a_hundred_picked_up_calls_in_a_day_are_the_limit_and_the_permission_stays() {
        let (mut leave, rules) = (Leave::default(), Rules::default());
        leave.set(Grant::Permanent);
        (0..100).for_each(|n| leave.connected(NOW + n, true));
        assert_eq!(leave.check_call(NOW + 200, rules), Err(Refusal::CallLimit(NOW + DAY)));
        let read = leave.read(NOW + 200, rules, true);
        assert_eq!(read["permission"], json!({"status": "permanent"}));
        assert_eq!(read["actions"][1]["can_perform_action"], false);
        let limits = json!([{"time_period": "PT24H", "max_allowed": 100, "current_usage": 100,
                             "limit_expiration_time": NOW + DAY}]);
        assert_eq!(read["actions"][1]["limits"], limits);
        assert_eq!(leave.check_call(NOW + DAY, rules), Ok(()));
    }
}
