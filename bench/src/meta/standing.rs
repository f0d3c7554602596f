//! How Meta treats the business number: its limits, its restrictions, and refusals a test has ordered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::permission::Rules;
use super::refusal::Refusal;

/// The number's standing; `POST /control/number` changes single keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Standing {
    /// Below 2000 calling cannot be switched on: 138015.
    pub messaging_limit: u32,
    /// Whether an app takes the webhook field `calls`: else 138018.
    pub subscribed: bool,
    /// One of Meta's public test numbers: other request limits, exempt from 138015.
    pub test_number: bool,
    /// Whom a test number may write to and call; others are refused with 131030.
    pub allow_list: Option<Vec<String>>,
    /// False in countries whose businesses may not call: 138013.
    pub business_calls: bool,
    /// Paused for quality: 138014.
    pub restricted: bool,
    /// Calls the business may place in 24 hours: 138005.
    pub connects_a_day: u32,
    /// Calls at once: 138002; a user who dials hears a failure.
    pub concurrent_calls: u32,
    /// `GET call_permissions` in one second: 613.
    pub permission_reads_a_second: u32,
    /// Overrides the limit of picked-up calls for each user. Default 100.
    pub calls_a_day: Option<u32>,
    /// Overrides the missed calls in a row that take the permission away. Default 4.
    pub revoke_after: Option<u32>,
    /// How a message outside the 24-hour window fails.
    pub window_error: WindowError,
    /// `connect`'s answer says `success` too, as one capture has it.
    pub connect_says_success: bool,
}

/// Both ways have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowError {
    /// The request is refused with 131047.
    #[default]
    Answer,
    /// The request succeeds, and a `failed` status with 131047 follows.
    Webhook,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing {
            messaging_limit: 100_000,
            subscribed: true,
            test_number: false,
            allow_list: None,
            business_calls: true,
            restricted: false,
            connects_a_day: 10_000,
            concurrent_calls: 1000,
            permission_reads_a_second: 100,
            calls_a_day: None,
            revoke_after: None,
            window_error: WindowError::Answer,
            connect_says_success: false,
        }
    }
}

impl Standing {
    /// This standing with some keys changed. Errors: a key or value that is none of ours.
    pub fn with(&self, changes: &Value) -> Result<Standing, String> {
        let Some(changes) = changes.as_object() else { return Err("the body must be a JSON object".to_owned()) };
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (key, value) in changes {
            all[key] = value.clone();
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    /// Before calling can be switched on. `sip` is true if the number uses SIP.
    pub fn check_enable(&self, sip: bool) -> Result<(), Refusal> {
        if self.messaging_limit < MESSAGING_LIMIT_MIN && !self.test_number {
            return Err(Refusal::CannotEnable);
        }
        if !self.subscribed && !sip { Err(Refusal::Prerequisites) } else { Ok(()) }
    }

    /// Before a call by the business, whoever is called.
    pub fn check_business_calls(&self) -> Result<(), Refusal> {
        if self.restricted {
            return Err(Refusal::Restricted);
        }
        if self.business_calls { Ok(()) } else { Err(Refusal::CountryBlocked) }
    }

    /// Before anything is sent to this user.
    pub fn check_recipient(&self, phone: &str) -> Result<(), Refusal> {
        match &self.allow_list {
            Some(list) if !list.iter().any(|known| known == phone) => Err(Refusal::NotOnAllowList),
            _ => Ok(()),
        }
    }

    /// The limits towards one user.
    pub fn rules(&self) -> Rules {
        let rules = if self.test_number { Rules::TEST_NUMBER } else { Rules::default() };
        Rules {
            calls_a_day: self.calls_a_day.unwrap_or(rules.calls_a_day),
            revoke_after: self.revoke_after.unwrap_or(rules.revoke_after),
            ..rules
        }
    }
}

/// A refusal that a test has ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Of what.
    pub on: Endpoint,
    /// Graph's code.
    pub code: u32,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
}

/// What can be refused on order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST calls` with `connect`.
    Connect,
    /// `POST calls` with any other action.
    Action,
    /// `POST messages`.
    Messages,
    /// `GET call_permissions`.
    Permissions,
    /// `GET` and `POST settings`.
    Settings,
}

/// The refusals that are still to be given.
#[derive(Debug, Default)]
pub struct Orders(Vec<Order>);

impl Orders {
    /// Takes an order. Errors: a code that is none of Graph's here.
    pub fn place(&mut self, order: Order) -> Result<(), String> {
        if Refusal::by_code(order.code).is_none() {
            return Err(format!("{} is no code this stand-in refuses with", order.code));
        }
        self.0.push(order);
        Ok(())
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Refuses if there is an order for it.
    pub fn check(&mut self, on: Endpoint) -> Result<(), Refusal> {
        self.0.retain(|order| order.times > 0);
        let Some(order) = self.0.iter_mut().find(|order| order.on == on) else { return Ok(()) };
        order.times -= 1;
        Refusal::by_code(order.code).map_or(Ok(()), Err)
    }
}

fn once() -> u32 {
    1
}

const MESSAGING_LIMIT_MIN: u32 = 2000;
