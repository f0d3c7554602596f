//! The Graph façade: `/v{NN}.{N}/{phone number id}/calls`, `settings`, `call_permissions`; messages are in `messages`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{Exchange, lock};
use super::messages;
use super::people::secs;
use super::place::{Wish, addressee};
use super::refusal::Refusal;
use super::standing::Endpoint;
use super::wacid::Wacid;

/// Graph's routes.
pub fn routes() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/{version}/{object}/calls", post(calls))
        .route("/{version}/{object}/settings", get(read_settings).post(write_settings))
        .route("/{version}/{object}/call_permissions", get(call_permissions))
        .route("/{version}/{object}/messages", post(messages::send))
        .route("/{version}/{object}/message_templates", get(messages::templates).post(messages::create_template))
}

/// Version and object of a path.
pub(super) type Place = Path<(String, String)>;

/// Token, then path, then object: the order the error answers depend on.
pub(super) fn enter(exchange: &Exchange, headers: &HeaderMap, version: &str, object: &str) -> Result<(), Refusal> {
    enter_object(exchange, headers, version, object, &exchange.line.phone_number_id)
}

/// As [`enter`], for an object that is not the phone number.
pub(super) fn enter_object(
    exchange: &Exchange,
    headers: &HeaderMap,
    version: &str,
    object: &str,
    ours: &str,
) -> Result<(), Refusal> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if bearer.strip_prefix("Bearer ") != Some(exchange.token.as_str()) {
        return Err(Refusal::BadToken);
    }
    let numbers = version.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !numbers.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        return Err(Refusal::UnknownPath(format!("/{version}")));
    }
    if object != ours {
        return Err(Refusal::UnknownObject(object.to_owned()));
    }
    Ok(())
}

async fn calls(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = async {
        enter(&exchange, &headers, &version, &object)?;
        let body = object_of(&body)?;
        check_product(&body)?;
        act(&exchange, &body).await
    };
    match outcome.await {
        Ok(body) => axum::Json(body).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn act(exchange: &Arc<Exchange>, body: &Value) -> Result<Value, Refusal> {
    let action = text(body, "action")?;
    if !ACTIONS.contains(&action) {
        return Err(parameter(format!("action must be one of {}", ACTIONS.join(", "))));
    }
    lock(&exchange.number).check_calls()?;
    if action == "connect" {
        lock(&exchange.orders).check(Endpoint::Connect)?;
        return connect(exchange, body).await;
    }
    lock(&exchange.orders).check(Endpoint::Action)?;
    let id = Wacid::from(text(body, "call_id")?);
    tokio::time::sleep(exchange.graph_delay(&id)).await;
    match action {
        "pre_accept" => exchange.pre_accept(&id, session(body, "answer")?),
        "accept" => exchange.accept(&id, session(body, "answer")?),
        "reject" => exchange.reject(&id),
        _ => exchange.terminate(&id),
    }?;
    Ok(json!({"messaging_product": "whatsapp", "success": true}))
}

/// A call by the business.
async fn connect(exchange: &Arc<Exchange>, body: &Value) -> Result<Value, Refusal> {
    let named = |key: &str| body.get(key).and_then(Value::as_str).filter(|value| !value.is_empty());
    if named("to").is_none() && named("recipient").is_none() {
        return Err(parameter("to or recipient is required".to_owned()));
    }
    let phone = addressee(named("to"), named("recipient"))
        .ok_or_else(|| parameter("to or recipient does not name a WhatsApp user".to_owned()))?;
    let opaque = named("biz_opaque_callback_data").map(str::to_owned);
    if opaque.as_ref().is_some_and(|text| text.chars().count() > OPAQUE_MAX) {
        return Err(parameter("biz_opaque_callback_data must not be longer than 512 characters".to_owned()));
    }
    for key in ["recording", "transcription"] {
        check_announced(body.get(key), key)?;
    }
    let wish = Wish { phone, sdp: session(body, "offer")?.to_owned(), opaque };
    let id = exchange.connect(wish).await?;
    let mut reply = json!({"messaging_product": "whatsapp", "calls": [{"id": id}]});
    if lock(&exchange.number).standing.connect_says_success {
        reply["success"] = json!(true);
    }
    Ok(reply)
}

/// Whoever records must say why, and in which language it is announced.
fn check_announced(part: Option<&Value>, key: &str) -> Result<(), Refusal> {
    let Some(part) = part else { return Ok(()) };
    if part.get("status").and_then(Value::as_str) != Some("ENABLED") {
        return Ok(());
    }
    let named = |name: &str| part.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(purpose) = named("purpose").filter(|_| named("announcement_language").is_some()) else {
        return Err(parameter(format!("{key}.purpose and {key}.announcement_language are required")));
    };
    if purpose.chars().count() > PURPOSE_MAX {
        return Err(parameter(format!("{key}.purpose must not be longer than 250 characters")));
    }
    Ok(())
}

async fn read_settings(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
) -> Response {
    let outcome =
        enter(&exchange, &headers, &version, &object).and_then(|()| lock(&exchange.orders).check(Endpoint::Settings));
    match outcome {
        Ok(()) => axum::Json(lock(&exchange.number).read()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn write_settings(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = enter(&exchange, &headers, &version, &object)
        .and_then(|()| lock(&exchange.orders).check(Endpoint::Settings))
        .and_then(|()| object_of(&body))
        .and_then(|body| lock(&exchange.number).write(&body));
    match outcome {
        Ok(()) => axum::Json(json!({"success": true})).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct WhoseLeave {
    user_wa_id: Option<String>,
    recipient: Option<String>,
}

async fn call_permissions(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    Query(whose): Query<WhoseLeave>,
    headers: HeaderMap,
) -> Response {
    let outcome = enter(&exchange, &headers, &version, &object)
        .and_then(|()| lock(&exchange.orders).check(Endpoint::Permissions))
        .and_then(|()| leave_of(&exchange, &whose));
    match outcome {
        Ok(body) => axum::Json(body).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn leave_of(exchange: &Exchange, whose: &WhoseLeave) -> Result<Value, Refusal> {
    if whose.user_wa_id.is_none() && whose.recipient.is_none() {
        return Err(parameter("user_wa_id or recipient is required".to_owned()));
    }
    let phone = addressee(whose.user_wa_id.as_deref(), whose.recipient.as_deref())
        .ok_or_else(|| parameter("user_wa_id or recipient does not name a WhatsApp user".to_owned()))?;
    let number = lock(&exchange.number);
    let (rules, reads) = (number.standing.rules(), number.standing.permission_reads_a_second);
    drop(number);
    let now = exchange.now();
    let mut users = lock(&exchange.users);
    if !users.may_read(now.at, reads) {
        return Err(Refusal::PermissionRate);
    }
    let user = users.get(&phone);
    Ok(user.leave.read(secs(now), rules, user.traits.callable))
}

/// Whatever lies under no route: Graph answers in its own error shape, the rest in plain text.
pub async fn nowhere(uri: axum::http::Uri) -> Response {
    let path = uri.path();
    if path.strip_prefix("/v").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Refusal::UnknownPath(path.to_owned()).into_response();
    }
    (StatusCode::NOT_FOUND, "nothing here").into_response()
}

pub(super) fn object_of(body: &[u8]) -> Result<Value, Refusal> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(parameter("the body must be a JSON object".to_owned())),
    }
}

pub(super) fn check_product(body: &Value) -> Result<(), Refusal> {
    if text(body, "messaging_product")? == "whatsapp" {
        Ok(())
    } else {
        Err(parameter("messaging_product must be whatsapp".to_owned()))
    }
}

fn session<'a>(body: &'a Value, kind: &str) -> Result<&'a str, Refusal> {
    let session = body.get("session").ok_or_else(|| parameter("session is required".to_owned()))?;
    if text(session, "sdp_type")? != kind {
        return Err(parameter(format!("session.sdp_type must be {kind}")));
    }
    text(session, "sdp")
}

pub(super) fn text<'a>(body: &'a Value, key: &str) -> Result<&'a str, Refusal> {
    body.get(key).and_then(Value::as_str).ok_or_else(|| parameter(format!("{key} is required and must be a string")))
}

pub(super) fn parameter(details: String) -> Refusal {
    Refusal::Parameter(details)
}

const ACTIONS: [&str; 5] = ["connect", "pre_accept", "accept", "reject", "terminate"];
const OPAQUE_MAX: usize = 512;
const PURPOSE_MAX: usize = 250;
