//! What a webhook says, in our words. Tolerant: what is missing is missing, what is unknown is skipped and named.

use serde_json::Value;

use super::verify::Verified;
use crate::model::{Direction, Millis};

/// Everything one webhook tells about calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// In the order of the body.
    pub told: Vec<Told>,
    /// What was skipped: a word each, for the inbox row.
    pub skipped: Vec<String>,
}

/// One thing that happened to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Meta's id of the business number; empty if it was left out.
    pub phone_number_id: String,
    /// WhatsApp's name for the call, opaque.
    pub wacid: String,
    /// Who is at the other end.
    pub peer: Peer,
    /// Which way the call goes. Meta's older samples leave it out for incoming calls.
    pub direction: Direction,
    /// What we gave with the call when we placed it.
    pub ours: Option<String>,
    /// When it happened, by Meta's clock.
    pub at: Option<Millis>,
    /// What.
    pub what: What,
}

/// Who is at the other end of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peer {
    /// Phone number, digits; missing for users with usernames.
    pub wa_id: Option<String>,
    /// Business-scoped user id.
    pub user_key: Option<String>,
    /// Profile name; empty if none.
    pub name: String,
}

/// What can happen to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An offer (incoming) or an answer (outgoing).
    Connect {
        /// Session description.
        sdp: String,
    },
    /// The call is over.
    Terminate {
        /// WhatsApp says it failed, and not that it was ended.
        failed: bool,
        /// Why, each reason once.
        errors: Vec<CallError>,
    },
    /// The state of an outgoing call: RINGING, ACCEPTED, REJECTED.
    Status(String),
}

/// A reason WhatsApp gives for the end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Meta's code, such as 138021.
    pub code: i64,
    /// One sentence.
    pub text: String,
}

/// The body is not a webhook.
#[derive(Debug, thiserror::Error)]
#[error("the webhook is not JSON of Meta's shape: {0}")]
pub struct BadPayload(String);

/// Reads every entry, change, call and status of a webhook.
pub fn parse(body: Verified<'_>) -> Result<Batch, BadPayload> {
    let root: Value = serde_json::from_slice(body.bytes()).map_err(|error| BadPayload(error.to_string()))?;
    let entries = root.get("entry").and_then(Value::as_array).ok_or_else(|| BadPayload("no entry".into()))?;
    let mut batch = Batch::default();
    for change in entries.iter().flat_map(|entry| list(entry, "changes")) {
        let field = text(change, "field").unwrap_or_default();
        match change.get("value") {
            Some(value) if field == "calls" => take_calls(value, &mut batch),
            Some(_) => batch.skipped.push(format!("field {field}")),
            None => batch.skipped.push("a change without a value".into()),
        }
    }
    Ok(batch)
}

fn take_calls(value: &Value, batch: &mut Batch) {
    let number = value.get("metadata").and_then(|meta| text(meta, "phone_number_id")).unwrap_or_default();
    for call in list(value, "calls") {
        match take_call(value, call) {
            Ok(mut told) => {
                told.phone_number_id.clone_from(&number);
                batch.told.push(told);
            }
            Err(word) => batch.skipped.push(word),
        }
    }
    for status in list(value, "statuses") {
        let (Some(wacid), Some(word)) = (text(status, "id"), text(status, "status")) else {
            batch.skipped.push("a status without an id".into());
            continue;
        };
        // The array also carries message statuses, which share nothing but the name.
        if text(status, "type").is_some_and(|kind| kind != "call") {
            batch.skipped.push(format!("status {word}"));
            continue;
        }
        let peer = peer_of(value, text(status, "recipient_id"), text(status, "recipient_user_id"));
        batch.told.push(Told {
            phone_number_id: number.clone(),
            wacid,
            peer,
            direction: Direction::Outgoing,
            ours: text(status, "biz_opaque_callback_data"),
            at: moment(status),
            what: What::Status(word.to_ascii_uppercase()),
        });
    }
}

fn take_call(value: &Value, call: &Value) -> Result<Told, String> {
    let wacid =
        text(call, "id").filter(|id| !id.is_empty() && id.len() <= WACID_BYTES_MAX).ok_or("a call without an id")?;
    let event = text(call, "event").unwrap_or_default();
    let outgoing = text(call, "direction").is_some_and(|word| word.eq_ignore_ascii_case("BUSINESS_INITIATED"));
    let (number, user) = if outgoing { ("to", "to_user_id") } else { ("from", "from_user_id") };
    let what = match event.to_ascii_lowercase().as_str() {
        "connect" => {
            let sdp = call.get("session").and_then(|session| text(session, "sdp"));
            What::Connect { sdp: sdp.ok_or("a connect without a session")? }
        }
        "terminate" => terminate(value, call),
        other => return Err(format!("event {other}")),
    };
    Ok(Told {
        phone_number_id: String::new(),
        wacid,
        peer: peer_of(value, text(call, number), text(call, user)),
        direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
        ours: text(call, "biz_opaque_callback_data"),
        at: moment(call),
        what,
    })
}

/// The same errors may stand in the call, in the value, or in both.
fn terminate(value: &Value, call: &Value) -> What {
    let mut errors: Vec<CallError> = Vec::new();
    for error in list(call, "errors").chain(list(value, "errors")) {
        let code = number(error, "code").unwrap_or_default();
        let details = error.get("error_data").and_then(|data| text(data, "details"));
        let said = details.or_else(|| text(error, "message")).or_else(|| text(error, "title")).unwrap_or_default();
        if !errors.iter().any(|known| known.code == code) {
            errors.push(CallError { code, text: said });
        }
    }
    let failed = text(call, "status").is_some_and(|word| word.eq_ignore_ascii_case("FAILED"));
    What::Terminate { failed: failed || !errors.is_empty(), errors }
}

/// Contacts may be missing, may be for somebody else, and either key may be missing.
fn peer_of(value: &Value, wa_id: Option<String>, user_key: Option<String>) -> Peer {
    let same = |contact: &&Value| {
        let by = |name: &str, key: &Option<String>| key.is_some() && text(contact, name) == *key;
        by("wa_id", &wa_id) || by("user_id", &user_key)
    };
    let only = |contacts: Vec<&'_ Value>| if contacts.len() == 1 { contacts.first().copied().cloned() } else { None };
    let found = list(value, "contacts").find(same).cloned();
    let found = found.or_else(|| only(list(value, "contacts").collect())).unwrap_or(Value::Null);
    // A key that is longer than any number or user id of Meta's is nobody's.
    let some = |text: Option<String>| text.filter(|text| !text.is_empty() && text.len() <= KEY_BYTES_MAX);
    Peer {
        wa_id: some(wa_id).or_else(|| some(text(&found, "wa_id"))),
        user_key: some(user_key).or_else(|| some(text(&found, "user_id"))),
        name: found
            .get("profile")
            .and_then(|profile| text(profile, "name"))
            .map(|name| name.chars().take(NAME_CHARS_MAX).collect())
            .unwrap_or_default(),
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

/// Text, or a number written as a number: Meta does both.
fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value, name: &str) -> Option<i64> {
    text(value, name)?.parse().ok()
}

fn moment(value: &Value) -> Option<Millis> {
    number(value, "timestamp")?.checked_mul(1000)
}

/// Seen: about 120. It is a key of ours, so it is bounded.
const WACID_BYTES_MAX: usize = 512;
/// Phone numbers have 15 digits at most (E.164), user ids about 30 characters.
const KEY_BYTES_MAX: usize = 128;
/// WhatsApp itself allows 25.
const NAME_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::super::verify::from_inbox;
    use super::*;

    fn read(body: &str) -> Batch {
        parse(from_inbox(body)).unwrap()
    }

    fn wrap(value: &str) -> String {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"calls","value":{value}}}]}}]}}"#
        )
    }

    #[test]
    fn a_connect_as_captured_is_read_whole() {
        let batch = read(&wrap(
            r#"{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15559990000","phone_number_id":"1065"},
            "contacts":[{"profile":{"name":"Ana"},"wa_id":"15550001111"}],
            "calls":[{"id":"wacid.A=","from":"15550001111","to":"15559990000","event":"connect","timestamp":"1760681506",
            "direction":"USER_INITIATED","session":{"sdp":"v=0\r\n","sdp_type":"offer"}}]}"#,
        ));
        let told = &batch.told[0];
        assert_eq!(told.what, What::Connect { sdp: "v=0\r\n".into() });
        assert_eq!((told.wacid.as_str(), told.phone_number_id.as_str()), ("wacid.A=", "1065"));
        assert_eq!(told.at, Some(1_760_681_506_000));
        assert_eq!((told.peer.name.as_str(), told.peer.wa_id.as_deref()), ("Ana", Some("15550001111")));
        assert_eq!(told.direction, Direction::Incoming);
    }

    #[test]
    fn a_user_without_a_phone_number_is_known_by_the_user_id() {
        let batch = read(&wrap(
            r#"{"contacts":[{"profile":{"name":"Zo\u00eb","username":"z"},"user_id":"US.1"}],
            "calls":[{"id":"w","from_user_id":"US.1","event":"connect","timestamp":1760681506,"session":{"sdp":"v=0"}}]}"#,
        ));
        let peer = &batch.told[0].peer;
        assert_eq!((peer.wa_id.as_deref(), peer.user_key.as_deref(), peer.name.as_str()), (None, Some("US.1"), "Zoë"));
    }

    #[test]
    fn keys_and_names_that_are_too_long_do_not_get_in() {
        let (key, name) = ("9".repeat(129), "\u{e9}".repeat(300_000));
        let batch = read(&wrap(&format!(
            r#"{{"contacts":[{{"profile":{{"name":"{name}"}},"wa_id":"{key}","user_id":"{key}"}}],
            "calls":[{{"id":"w","from":"{key}","from_user_id":"{key}","event":"connect","session":{{"sdp":"v=0"}}}}]}}"#
        )));
        let peer = &batch.told[0].peer;
        assert_eq!((peer.wa_id.as_deref(), peer.user_key.as_deref()), (None, None));
        assert_eq!(peer.name.chars().count(), 200);
    }

    #[test]
    fn a_failed_terminate_tells_each_reason_once_though_meta_lists_it_twice() {
        let batch = read(&wrap(
            r#"{"calls":[{"id":"w","from":"1","event":"terminate","status":"Failed","timestamp":"1760681533","duration":20,
            "errors":[{"code":138021,"title":"no media"}]}],
            "errors":[{"code":138021,"title":"no media","error_data":{"details":"for a long time."}}]}"#,
        ));
        let errors = vec![CallError { code: 138_021, text: "no media".into() }];
        assert_eq!(batch.told[0].what, What::Terminate { failed: true, errors });
    }

    #[test]
    fn several_changes_and_calls_are_read_and_unknown_ones_are_named() {
        let body = r#"{"entry":[{"changes":[
            {"field":"messages","value":{"messages":[]}},
            {"field":"calls","value":{"calls":[{"id":"a","event":"terminate","status":"COMPLETED"},
                {"id":"b","event":"call_created"},{"event":"connect"},{"id":"c","event":"TERMINATE"},{"id":"d","event":"connect"}]}},
            {"field":"calls"}]},
            {"changes":[{"field":"calls","value":{"statuses":[{"id":"e","type":"call","status":"RINGING","timestamp":"1"},
                {"id":"wamid","status":"read"},{"status":"x"},{"id":"m","type":"message","status":"read"}]}}]}]}"#;
        let batch = read(body);
        let names: Vec<&str> = batch.told.iter().map(|told| told.wacid.as_str()).collect();
        assert_eq!(names, ["a", "c", "e", "wamid"]);
        assert_eq!(batch.skipped.len(), 7, "{:?}", batch.skipped);
        assert_eq!(batch.told[0].what, What::Terminate { failed: false, errors: vec![] });
    }

    #[test]
    fn no_body_makes_it_panic() {
        for body in ["", "null", "[]", "{}", r#"{"entry":{}}"#, r#"{"entry":[1,{"changes":[1,{"field":1}]}]}"#, "\u{0}"]
        {
            if let Ok(batch) = parse(from_inbox(body)) {
                assert!(batch.told.is_empty());
            }
        }
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse(from_inbox(&deep)).is_err());
    }

    #[test]
    fn an_outgoing_call_is_with_the_one_it_goes_to() {
        let batch = read(&wrap(
            r#"{"calls":[{"id":"w","from":"15559990000","to":"15550001111","to_user_id":"US.1","direction":"BUSINESS_INITIATED",
            "biz_opaque_callback_data":"call-7",
            "event":"connect","session":{"sdp_type":"answer","sdp":"v=0"},"connection":{"webrtc":{"sdp":"{}"}}}]}"#,
        ));
        assert_eq!(batch.told[0].ours.as_deref(), Some("call-7"));
        assert_eq!(batch.told[0].peer.wa_id.as_deref(), Some("15550001111"));
        assert_eq!(batch.told[0].direction, Direction::Outgoing);
    }
}
