//! The Graph façade: `/v{NN}.{N}/{phone number id}/calls`, `settings`, `call_permissions`, `messages`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rand::RngExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Kind};
use super::exchange::{Exchange, lock};
use super::refusal::Refusal;
use super::wacid::Wacid;

/// Graph's routes.
pub fn routes() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/{version}/{object}/calls", post(calls))
        .route("/{version}/{object}/settings", get(read_settings).post(write_settings))
        .route("/{version}/{object}/call_permissions", get(call_permissions))
        .route("/{version}/{object}/messages", post(messages))
}

type Place = Path<(String, String)>;

/// Token, then path, then object: the order the error answers depend on.
fn enter(exchange: &Exchange, headers: &HeaderMap, version: &str, object: &str) -> Result<(), Refusal> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if bearer.strip_prefix("Bearer ") != Some(exchange.token.as_str()) {
        return Err(Refusal::BadToken);
    }
    let numbers = version.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !numbers.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        return Err(Refusal::UnknownPath(format!("/{version}")));
    }
    if object != exchange.line.phone_number_id {
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
        Ok(()) => axum::Json(json!({"messaging_product": "whatsapp", "success": true})).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn act(exchange: &Arc<Exchange>, body: &Value) -> Result<(), Refusal> {
    let action = text(body, "action")?;
    if !ACTIONS.contains(&action) {
        return Err(parameter(format!("action must be one of {}", ACTIONS.join(", "))));
    }
    lock(&exchange.number).check_calls()?;
    if action == "connect" {
        return connect(body);
    }
    let id = Wacid::from(text(body, "call_id")?);
    tokio::time::sleep(exchange.graph_delay(&id)).await;
    match action {
        "pre_accept" => exchange.pre_accept(&id, session(body, "answer")?),
        "accept" => exchange.accept(&id, session(body, "answer")?),
        "reject" => exchange.reject(&id),
        _ => exchange.terminate(&id),
    }
}

/// A call by the business. No user of this stand-in has given permission, so the checks run and the last one refuses.
fn connect(body: &Value) -> Result<(), Refusal> {
    let named = |key: &str| body.get(key).and_then(Value::as_str).is_some_and(|value| !value.is_empty());
    if !named("to") && !named("recipient") {
        return Err(parameter("to or recipient is required".to_owned()));
    }
    if body.get("biz_opaque_callback_data").and_then(Value::as_str).is_some_and(|text| text.len() > OPAQUE_MAX) {
        return Err(parameter("biz_opaque_callback_data must not be longer than 512 characters".to_owned()));
    }
    answer::validate(session(body, "offer")?, Kind::Offer).map_err(parameter)?;
    Err(Refusal::NoPermission)
}

async fn read_settings(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
) -> Response {
    match enter(&exchange, &headers, &version, &object) {
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
    if let Err(refusal) = enter(&exchange, &headers, &version, &object) {
        return refusal.into_response();
    }
    if whose.user_wa_id.is_none() && whose.recipient.is_none() {
        return parameter("user_wa_id or recipient is required".to_owned()).into_response();
    }
    let limit = |period: &str, max: u32| json!({"time_period": period, "max_allowed": max, "current_usage": 0});
    axum::Json(json!({
        "messaging_product": "whatsapp",
        "permission": {"status": "no_permission"},
        "actions": [
            {"action_name": "send_call_permission_request", "can_perform_action": true,
             "limits": [limit("PT24H", 1), limit("P7D", 2)]},
            {"action_name": "start_call", "can_perform_action": false, "limits": [limit("PT24H", 100)]},
        ],
    }))
    .into_response()
}

async fn messages(
    State(exchange): State<Arc<Exchange>>,
    Path((version, object)): Place,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = enter(&exchange, &headers, &version, &object).and_then(|()| object_of(&body)).and_then(|body| {
        check_product(&body)?;
        text(&body, "type")?;
        Ok(text(&body, "to")?.to_owned())
    });
    let to = match outcome {
        Ok(to) => to,
        Err(refusal) => return refusal.into_response(),
    };
    let digits: String = to.chars().filter(char::is_ascii_digit).collect();
    let number: u128 = rand::rng().random();
    axum::Json(json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": to, "wa_id": digits}],
        "messages": [{"id": format!("wamid.HBgL{number:032X}AA==")}],
    }))
    .into_response()
}

/// Whatever lies under no route: Graph answers in its own error shape, the rest in plain text.
pub async fn nowhere(uri: axum::http::Uri) -> Response {
    let path = uri.path();
    if path.strip_prefix("/v").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Refusal::UnknownPath(path.to_owned()).into_response();
    }
    (StatusCode::NOT_FOUND, "nothing here").into_response()
}

fn object_of(body: &[u8]) -> Result<Value, Refusal> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(parameter("the body must be a JSON object".to_owned())),
    }
}

fn check_product(body: &Value) -> Result<(), Refusal> {
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

fn text<'a>(body: &'a Value, key: &str) -> Result<&'a str, Refusal> {
    body.get(key).and_then(Value::as_str).ok_or_else(|| parameter(format!("{key} is required and must be a string")))
}

fn parameter(details: String) -> Refusal {
    Refusal::Parameter(details)
}

const ACTIONS: [&str; 5] = ["connect", "pre_accept", "accept", "reject", "terminate"];
const OPAQUE_MAX: usize = 512;
