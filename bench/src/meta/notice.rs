//! The bodies of webhooks on the field `calls`: `connect`, statuses, `terminate`.

use serde_json::{Map, Value, json};

use super::call::{Call, Ending, NO_MEDIA, Now, Status};

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

/// `event: connect` with the SDP offer, or with the answer to the business's.
pub fn connect(line: &Line, call: &Call) -> Value {
    let mut entry = call_entry(line, call, "connect");
    let sdp_type = if call.by_business() { "answer" } else { "offer" };
    entry.insert("timestamp".into(), json!(stamp(call, call.born).to_string()));
    entry.insert("session".into(), json!({"sdp_type": sdp_type, "sdp": call.offer}));
    if call.faults.legacy_connection {
        // Deprecated, and doubly encoded: JSON in a string.
        let inner = json!({"sdp": call.offer, "type": sdp_type}).to_string();
        entry.insert("connection".into(), json!({"webrtc": {"sdp": inner}}));
    }
    envelope(line, call, entry, None)
}

/// A status of a call by the business.
pub fn status(line: &Line, call: &Call, status: Status, now: Now) -> Value {
    let mut entry = Map::new();
    entry.insert("id".into(), json!(call.id));
    entry.insert("timestamp".into(), json!(stamp(call, now).to_string()));
    entry.insert("type".into(), json!("call"));
    let word = match status {
        Status::Ringing => "RINGING",
        Status::Accepted => "ACCEPTED",
        Status::Rejected => "REJECTED",
    };
    entry.insert("status".into(), json!(word));
    if call.faults.missing_phone {
        entry.insert("recipient_user_id".into(), json!(call.user.user_id));
    } else {
        entry.insert("recipient_id".into(), json!(call.user.phone));
    }
    add_opaque(&mut entry, call);
    let mut value = metadata(line);
    value["statuses"] = json!([entry]);
    if call.faults.status_contacts && !call.faults.missing_contacts {
        value["contacts"] = contacts(call);
    }
    body(line, call, value)
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
    // "from" is who dials.
    let (user, business) = if call.by_business() { ("to", "from") } else { ("from", "to") };
    let (user, business) = if call.faults.numbers_swapped { (business, user) } else { (user, business) };
    if call.faults.missing_phone {
        entry.insert(format!("{user}_user_id"), json!(call.user.user_id));
    } else {
        entry.insert(user.into(), json!(call.user.phone));
    }
    if call.by_business() || !call.faults.missing_phone {
        entry.insert(business.into(), json!(line.display_number));
    }
    entry.insert("event".into(), json!(event));
    let direction = if call.by_business() { "BUSINESS_INITIATED" } else { "USER_INITIATED" };
    entry.insert("direction".into(), json!(direction));
    add_opaque(&mut entry, call);
    if call.faults.extra_keys {
        entry.insert("call_quality_hint".into(), json!({"network": "wifi", "levels": [1, 2, 3]}));
    }
    entry
}

fn add_opaque(entry: &mut Map<String, Value>, call: &Call) {
    if let Some(opaque) = call.plan.as_ref().and_then(|plan| plan.opaque.as_ref()) {
        entry.insert("biz_opaque_callback_data".into(), json!(opaque));
    }
}

fn envelope(line: &Line, call: &Call, entry: Map<String, Value>, errors: Option<Value>) -> Value {
    let mut value = metadata(line);
    value["calls"] = json!([entry]);
    if !call.faults.missing_contacts {
        value["contacts"] = contacts(call);
    }
    if let Some(errors) = errors {
        value["errors"] = errors;
    }
    body(line, call, value)
}

fn metadata(line: &Line) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": line.display_number, "phone_number_id": line.phone_number_id},
    })
}

fn contacts(call: &Call) -> Value {
    let mut contact = json!({"profile": {"name": call.user.name}});
    if call.faults.missing_phone {
        contact["user_id"] = json!(call.user.user_id);
        contact["profile"]["username"] = json!("caller.one");
    } else {
        contact["wa_id"] = json!(call.user.phone);
    }
    json!([contact])
}

fn body(line: &Line, call: &Call, value: Value) -> Value {
    let mut body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": line.waba_id, "changes": [{"value": value, "field": "calls"}]}],
    });
    if call.faults.extra_keys {
        body["entry"][0]["time"] = json!(call.born.unix_ms / 1000);
    }
    body
}

fn stamp(call: &Call, at: Now) -> u64 {
    (at.unix_ms / 1000).saturating_sub(call.faults.stale_secs)
}

fn errors(code: u32) -> Value {
    let words = match code {
        NO_MEDIA => {
            "WhatsApp client terminated the call due to not receiving any media for a long time. Please try again"
        }
        138_020 => "WhatsApp client could not reach the media relay. Please try again",
        138_022 => "WhatsApp client terminated the call because it could not send media. Please try again",
        138_023 => "The call was accepted but no media came. Please try again",
        _ => "WhatsApp client failed to set up the call. Please try again",
    };
    let details = words.trim_end_matches(" Please try again");
    json!([{"code": code, "title": words, "message": words, "error_data": {"details": details}}])
}
