//! The business number's `calling` settings: stored, validated, given back.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::standing::Standing;

/// What `GET /settings` returns and `POST /settings` changes.
#[derive(Debug, Clone)]
pub struct Number {
    calling: Map<String, Value>,
    /// How Meta treats it.
    pub standing: Standing,
}

impl Default for Number {
    fn default() -> Number {
        let calling = json!({
            "status": "ENABLED",
            "call_icon_visibility": "DEFAULT",
            "callback_permission_status": "DISABLED",
            "sip": {"status": "DISABLED"},
        });
        let Value::Object(calling) = calling else { unreachable!("an object was written above") };
        Number { calling, standing: Standing::default() }
    }
}

impl Number {
    /// The body of `GET /settings`.
    pub fn read(&self) -> Value {
        let mut calling = self.calling.clone();
        if self.standing.restricted {
            let restriction = json!({"type": "RESTRICTED_BUSINESS_INITIATED_CALLING", "reason": "Low call quality"});
            calling.insert("restrictions".into(), json!({"restrictions_list": [restriction]}));
        }
        json!({"calling": calling})
    }

    /// Whether users who call give permission to be called back.
    pub fn asks_back(&self) -> bool {
        self.calling.get("callback_permission_status") == Some(&json!("ENABLED"))
    }

    /// Takes the body of `POST /settings`; keys that are absent stay as they are.
    pub fn write(&mut self, body: &Value) -> Result<(), Refusal> {
        let Some(wanted) = body.get("calling") else { return Ok(()) };
        let Some(wanted) = wanted.as_object() else { return Err(bad("calling must be an object")) };
        check_word(wanted, "status", &["ENABLED", "DISABLED"])?;
        check_word(wanted, "call_icon_visibility", &["DEFAULT", "DISABLE_ALL"])?;
        check_word(wanted, "callback_permission_status", &["ENABLED", "DISABLED"])?;
        check_word(wanted, "srtp_key_exchange_protocol", &["DTLS", "SDES"])?;
        if let Some(hours) = wanted.get("call_hours") {
            check_hours(hours)?;
        }
        if wanted.get("status") == Some(&json!("ENABLED")) {
            self.standing.check_enable(uses_sip(wanted) || uses_sip(&self.calling))?;
        }
        for (key, value) in wanted {
            self.calling.insert(key.clone(), value.clone());
        }
        Ok(())
    }

    /// Whether `/calls` works at all.
    pub fn check_calls(&self) -> Result<(), Refusal> {
        if uses_sip(&self.calling) {
            return Err(Refusal::SipEnabled);
        }
        self.check_enabled()
    }

    /// Whether calling is on, by whatever way.
    pub fn check_enabled(&self) -> Result<(), Refusal> {
        if self.calling.get("status") == Some(&json!("ENABLED")) { Ok(()) } else { Err(Refusal::NotEnabled) }
    }
}

fn uses_sip(calling: &Map<String, Value>) -> bool {
    calling.get("sip").and_then(|sip| sip.get("status")) == Some(&json!("ENABLED"))
}

fn check_word(calling: &Map<String, Value>, key: &str, allowed: &[&str]) -> Result<(), Refusal> {
    match calling.get(key) {
        None => Ok(()),
        Some(value) if value.as_str().is_some_and(|word| allowed.contains(&word)) => Ok(()),
        Some(_) => Err(bad(&format!("{key} must be one of {}", allowed.join(", ")))),
    }
}

fn check_hours(hours: &Value) -> Result<(), Refusal> {
    let days = hours.get("weekly_operating_hours").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if hours.get("status") == Some(&json!("ENABLED")) && days.is_empty() {
        return Err(bad("weekly_operating_hours must not be empty"));
    }
    let mut seen: Vec<(String, u32, u32)> = Vec::new();
    for day in days {
        let name = day.get("day_of_week").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !DAYS.contains(&name.as_str()) {
            return Err(bad("day_of_week must be MONDAY to SUNDAY"));
        }
        let (Some(open), Some(close)) = (clock(day.get("open_time")), clock(day.get("close_time"))) else {
            return Err(bad("open_time and close_time must be HHMM"));
        };
        if open >= close {
            return Err(bad("open_time must be before close_time"));
        }
        let same_day: Vec<_> = seen.iter().filter(|(other, _, _)| *other == name).collect();
        if same_day.len() >= ENTRIES_A_DAY_MAX {
            return Err(bad("at most two entries a day in weekly_operating_hours"));
        }
        if same_day.iter().any(|(_, from, to)| open < *to && *from < close) {
            return Err(bad("entries of weekly_operating_hours overlap"));
        }
        seen.push((name, open, close));
    }
    let holidays = hours.get("holiday_schedule").and_then(Value::as_array).map_or(0, Vec::len);
    if holidays > HOLIDAYS_MAX {
        return Err(bad("at most 20 holidays in holiday_schedule"));
    }
    Ok(())
}

fn clock(value: Option<&Value>) -> Option<u32> {
    let digits = value?.as_str()?.replace(':', "");
    let number: u32 = digits.parse().ok()?;
    (digits.len() == 4 && number / 100 < 24 && number % 100 < 60).then_some(number)
}

fn bad(details: &str) -> Refusal {
    Refusal::Parameter(details.to_owned())
}

const DAYS: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
const ENTRIES_A_DAY_MAX: usize = 2;
const HOLIDAYS_MAX: usize = 20;
