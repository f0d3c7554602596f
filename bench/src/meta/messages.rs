//! Graph's `messages` and `message_templates`: texts and permission requests to users.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::exchange::{Exchange, News, lock};
use super::graph::{Place, check_product, enter, enter_object, object_of, parameter, text};
use super::message_notice;
use super::people::{bubble, secs};
use super::place::addressee;
use super::refusal::Refusal;
use super::standing::{Endpoint, Standing, WindowError};
use super::user::{User, Writer};
use super::wacid::Direction;

/// A message as the user will see it.
struct Message {
    kind: String,
    words: String,
    /// It asks for permission to call.
    asks: bool,
    /// It may be sent outside the 24-hour window.
    anytime: bool,
}

/// `POST messages`.
pub(super) async fn send(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = enter(&exchange, &headers, &version, &object)
        .and_then(|()| lock(&exchange.orders).check(Endpoint::Messages))
        .and_then(|()| object_of(&body))
        .and_then(|body| accept(&exchange, &body));
    match outcome {
        Ok(reply) => Json(reply).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET message_templates`, of the account.
pub(super) async fn templates(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
) -> Response {
    match enter_object(&exchange, &headers, &version, &object, &exchange.line.waba_id) {
        Ok(()) => Json(lock(&exchange.templates).read()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST message_templates`, of the account.
pub(super) async fn create_template(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = enter_object(&exchange, &headers, &version, &object, &exchange.line.waba_id)
        .and_then(|()| object_of(&body))
        .and_then(|body| lock(&exchange.templates).create(&body));
    match outcome {
        Ok(reply) => Json(reply).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn accept(exchange: &Arc<Exchange>, body: &Value) -> Result<Value, Refusal> {
    check_product(body)?;
    if body.get("status").and_then(Value::as_str) == Some("read") {
        text(body, "message_id")?;
        return Ok(json!({"success": true}));
    }
    let named = |key: &str| body.get(key).and_then(Value::as_str).filter(|value| !value.is_empty());
    let phone = addressee(named("to"), named("recipient"))
        .ok_or_else(|| parameter("to or recipient is required and must name a WhatsApp user".to_owned()))?;
    let message = read(exchange, body)?;
    let number = lock(&exchange.number).clone();
    if message.asks {
        number.check_enabled()?;
    }
    number.standing.check_recipient(&phone)?;
    let id = exchange.message_id(&phone, Direction::Business);
    exchange.user(&phone, |user| deliver(exchange, &number.standing, user, message, &id))?;
    exchange.push(News::User(phone.clone()));
    let input = named("to").or_else(|| named("recipient")).unwrap_or_default();
    Ok(json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": input, "wa_id": phone}],
        "messages": [{"id": id}],
    }))
}

fn deliver(
    exchange: &Arc<Exchange>,
    standing: &Standing,
    user: &mut User,
    message: Message,
    id: &str,
) -> Result<(), Refusal> {
    let now = exchange.now();
    let at = secs(now);
    if message.asks {
        user.leave.check_ask(at, standing.rules())?;
        if !message.anytime && user.wrote_at.is_none() {
            return Err(Refusal::NoConversation);
        }
    }
    let late = !message.anytime && !user.window_open(at);
    if late && standing.window_error == WindowError::Answer {
        return Err(Refusal::WindowClosed);
    }
    let fails = match (late, user.traits.old_client) {
        (true, _) => Some((131_047, "Re-engagement message", LATE)),
        (false, true) => Some((131_026, "Message undeliverable", "The recipient's WhatsApp cannot take this message.")),
        (false, false) => None,
    };
    if let Some(error) = fails {
        let item = message_notice::status(user, id, at, "failed", Some(error));
        exchange.post_message(user, "failed", item, now);
        return Ok(());
    }
    if message.asks {
        user.leave.asked(at, id);
    }
    user.add(bubble(id, at, Writer::Business, &message.kind, &message.words));
    for word in ["sent", "delivered"] {
        let item = message_notice::status(user, id, at, word, None);
        exchange.post_message(user, word, item, now);
    }
    Ok(())
}

fn read(exchange: &Exchange, body: &Value) -> Result<Message, Refusal> {
    let kind = text(body, "type")?;
    let part = body.get(kind).ok_or_else(|| parameter(format!("{kind} is required")))?;
    let plain = |words: &str| Message { kind: kind.to_owned(), words: words.to_owned(), asks: false, anytime: false };
    match kind {
        "text" => {
            let words = text(part, "body")?;
            if words.is_empty() || words.chars().count() > TEXT_MAX {
                return Err(parameter(format!("text.body must be 1 to {TEXT_MAX} characters")));
            }
            Ok(plain(words))
        }
        "interactive" => interactive(part),
        "template" => {
            let language = part.get("language").and_then(|language| language.get("code")).and_then(Value::as_str);
            let language = language.ok_or_else(|| parameter("template.language.code is required".to_owned()))?;
            let template = lock(&exchange.templates).find(text(part, "name")?, language)?;
            let kind = if template.asks { ASKS } else { "template" };
            Ok(Message { kind: kind.to_owned(), words: template.body, asks: template.asks, anytime: true })
        }
        _ => Ok(plain("")),
    }
}

fn interactive(part: &Value) -> Result<Message, Refusal> {
    let kind = text(part, "type")?;
    let words = part.get("body").and_then(|body| body.get("text")).and_then(Value::as_str).unwrap_or_default();
    let name = part.get("action").and_then(|action| action.get("name")).and_then(Value::as_str);
    let asks = kind == ASKS;
    if (asks || kind == "voice_call") && name != Some(kind) {
        return Err(parameter(format!("interactive.action.name must be {kind}")));
    }
    if asks && (part.get("header").is_some() || part.get("footer").is_some()) {
        return Err(parameter("a call permission request has no header and no footer".to_owned()));
    }
    Ok(Message { kind: kind.to_owned(), words: words.to_owned(), asks, anytime: false })
}

const ASKS: &str = "call_permission_request";
const TEXT_MAX: usize = 4096;
const LATE: &str = "More than 24 hours have passed since the recipient last wrote or called.";
