//! The bodies of the `connect` and `terminate` webhooks.

use serde_json::{Map, Value, json};

use super::call::{Call, Ending, NO_MEDIA};

/// Whose number it is; constant for one stand-in.
#[derive(Debug, Clone)]
pub struct Line {
    /// Digits only.
    pub display_number: String,
    /// Meta's id of the number.
    pub phone_number_id: String,
    /// The WhatsApp Business Account.
    pub waba_id: String,
}

/// `event: connect` with the SDP offer.
pub fn connect(line: &Line, call: &Call) -> Value {
    let mut entry = call_entry(line, call, "connect");
    let stamp = (call.born.unix_ms / 1000).saturating_sub(call.faults.stale_secs);
    entry.insert("timestamp".into(), json!(stamp.to_string()));
    entry.insert("session".into(), json!({"sdp_type": "offer", "sdp": call.offer}));
    envelope(line, call, entry, None)
}

/// `event: terminate` with how it ended.
pub fn terminate(line: &Line, call: &Call, ending: &Ending) -> Value {
    let mut entry = call_entry(line, call, "terminate");
    let status = match (ending.failed.is_some(), call.faults.status_title_case) {
        (false, false) => "COMPLETED",
        (true, false) => "FAILED",
        (false, true) => "Completed",
        (true, true) => "Failed",
    };
    entry.insert("status".into(), json!(status));
    entry.insert("timestamp".into(), json!(ending.at_secs.to_string()));
    if let Some(talk) = ending.talk {
        entry.insert("start_time".into(), json!(talk.start_secs.to_string()));
        entry.insert("end_time".into(), json!(talk.end_secs.to_string()));
        entry.insert("duration".into(), json!(talk.duration_secs));
    }
    let errors = ending.failed.map(errors);
    if let Some(errors) = &errors {
        entry.insert("errors".into(), errors.clone());
    }
    envelope(line, call, entry, errors.filter(|_| call.faults.errors_doubled))
}

fn call_entry(line: &Line, call: &Call, event: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("id".into(), json!(call.id));
    if call.faults.missing_phone {
        entry.insert("from_user_id".into(), json!(call.caller.user_id));
    } else {
        entry.insert("from".into(), json!(call.caller.phone));
        entry.insert("to".into(), json!(line.display_number));
    }
    entry.insert("event".into(), json!(event));
    entry.insert("direction".into(), json!("USER_INITIATED"));
    if call.faults.extra_keys {
        entry.insert("call_quality_hint".into(), json!({"network": "wifi", "levels": [1, 2, 3]}));
    }
    entry
}

fn envelope(line: &Line, call: &Call, entry: Map<String, Value>, errors: Option<Value>) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": line.display_number, "phone_number_id": line.phone_number_id},
        "calls": [entry],
    });
    if !call.faults.missing_contacts {
        let mut contact = json!({"profile": {"name": call.caller.name}});
        if call.faults.missing_phone {
            contact["user_id"] = json!(call.caller.user_id);
            contact["profile"]["username"] = json!("caller.one");
        } else {
            contact["wa_id"] = json!(call.caller.phone);
        }
        value["contacts"] = json!([contact]);
    }
    if let Some(errors) = errors {
        value["errors"] = errors;
    }
    let mut body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": line.waba_id, "changes": [{"value": value, "field": "calls"}]}],
    });
    if call.faults.extra_keys {
        body["entry"][0]["time"] = json!(call.born.unix_ms / 1000);
    }
    body
}

fn errors(code: u32) -> Value {
    let words = if code == NO_MEDIA {
        "WhatsApp client terminated the call due to not receiving any media for a long time. Please try again"
    } else {
        "WhatsApp client failed to set up the call"
    };
    let details = words.trim_end_matches(" Please try again");
    json!([{"code": code, "title": words, "message": words, "error_data": {"details": details}}])
}
