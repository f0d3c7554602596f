//! The bodies of webhooks on the field `messages`: what users write and tap, and what became of our messages.

use serde_json::{Value, json};

use super::notice::Line;
use super::permission::{Grant, WEEK};
use super::user::User;

/// A text of the user.
pub fn text(user: &User, id: &str, at: u64, body: &str, reply_to: Option<(&str, &str)>) -> Value {
    let mut message = head(user, id, at, "text");
    message["text"] = json!({"body": body});
    if let Some((from, id)) = reply_to {
        message["context"] = json!({"from": from, "id": id});
    }
    json!({"messages": [message]})
}

/// What a `call_permission_reply` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The request's message id, or the call's id; none if the user acted outside the chat.
    pub context: Option<&'a str>,
    /// What holds from now on.
    pub grant: Grant,
    /// The user did it, and not WhatsApp.
    pub by_user: bool,
}

/// A `call_permission_reply`.
pub fn permission_reply(line: &Line, user: &User, id: &str, at: u64, reply: &Reply<'_>) -> Value {
    let mut message = head(user, id, at, "interactive");
    let mut said = json!({
        "response": if reply.grant == Grant::None { "reject" } else { "accept" },
        "response_source": if reply.by_user { "user_action" } else { "automatic" },
    });
    match reply.grant {
        Grant::None => {}
        Grant::Permanent => said["is_permanent"] = json!(true),
        Grant::Temporary { until } => {
            said["is_permanent"] = json!(false);
            let until = if user.traits.stale_secs > 0 { stamp(user, at) + WEEK } else { until };
            let number = user.traits.expiration_number;
            said["expiration_timestamp"] = if number { json!(until) } else { json!(until.to_string()) };
        }
    }
    message["interactive"] = json!({"type": "call_permission_reply", "call_permission_reply": said});
    if let Some(context) = reply.context {
        message["context"] = json!({"from": line.display_number, "id": context});
    }
    json!({"messages": [message]})
}

/// What became of a message of the business: `sent`, `delivered`, `read`, or `failed` with a code.
pub fn status(user: &User, id: &str, at: u64, word: &str, error: Option<(u32, &str, &str)>) -> Value {
    let mut status = json!({"id": id, "status": word, "timestamp": stamp(user, at).to_string()});
    if user.traits.missing_phone {
        status["recipient_user_id"] = json!(user.user_id());
    } else {
        status["recipient_id"] = json!(user.phone);
    }
    if let Some((code, title, details)) = error {
        let error = json!({"code": code, "title": title, "message": title, "error_data": {"details": details}});
        status["errors"] = json!([error]);
    }
    json!({"statuses": [status]})
}

/// Puts `messages` or `statuses` into Meta's envelope.
pub fn envelope(line: &Line, user: &User, item: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": line.display_number, "phone_number_id": line.phone_number_id},
    });
    let messages = item.get("messages").is_some();
    if let (Some(value), Value::Object(item)) = (value.as_object_mut(), item) {
        value.extend(item);
    }
    if messages && !user.traits.missing_contacts {
        let mut contact = json!({"profile": {"name": user.name}});
        if user.traits.missing_phone {
            contact["user_id"] = json!(user.user_id());
        } else {
            contact["wa_id"] = json!(user.phone);
        }
        value["contacts"] = json!([contact]);
    }
    let mut body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": line.waba_id, "changes": [{"value": value, "field": "messages"}]}],
    });
    if user.traits.extra_keys {
        body["entry"][0]["changes"][0]["value"]["nobody_knows"] = json!({"this": [1, 2]});
    }
    body
}

fn head(user: &User, id: &str, at: u64, kind: &str) -> Value {
    let mut message = json!({"id": id, "timestamp": stamp(user, at).to_string(), "type": kind});
    if user.traits.missing_phone {
        message["from_user_id"] = json!(user.user_id());
    } else {
        message["from"] = json!(user.phone);
    }
    message
}

fn stamp(user: &User, at: u64) -> u64 {
    at.saturating_sub(user.traits.stale_secs)
}
