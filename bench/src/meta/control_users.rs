//! The control API's other half: users, their permissions and phones, Meta's calendar, the number's standing.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::control::no;
use super::exchange::{Exchange, News, lock};
use super::people::{Choice, secs};
use super::permission::Grant;
use super::script::Script;
use super::standing::Order;
use super::user::{Traits, digits_of};

/// The routes.
pub fn routes() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/control/users", get(list))
        .route("/control/users/{phone}", get(show).put(change))
        .route("/control/users/{phone}/messages", post(write))
        .route("/control/users/{phone}/permission", post(choose).put(set))
        .route("/control/users/{phone}/script", put(script).delete(no_script))
        .route("/control/script", get(common_script).put(set_common_script))
        .route("/control/clock", get(calendar).post(advance))
        .route("/control/number", get(number).post(change_number))
        .route("/control/refusals", post(order).delete(forget_orders))
}

async fn list(State(exchange): State<Arc<Exchange>>) -> Json<Value> {
    let at = secs(exchange.now());
    let users: Vec<Value> = lock(&exchange.users).all().map(|user| user.view(at)).collect();
    Json(json!({"users": users}))
}

async fn show(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>) -> Response {
    with_phone(&phone, |phone| view(&exchange, phone))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChangeBody {
    name: Option<String>,
    traits: Option<Traits>,
}

async fn change(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>, body: axum::body::Bytes) -> Response {
    with(&phone, &body, |phone, body: ChangeBody| {
        exchange.user(phone, |user| {
            user.name = body.name.unwrap_or_else(|| user.name.clone());
            user.traits = body.traits.unwrap_or_else(|| user.traits.clone());
        });
        view(&exchange, phone)
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextBody {
    text: String,
    name: Option<String>,
    reply_to: Option<String>,
}

async fn write(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>, body: axum::body::Bytes) -> Response {
    with(&phone, &body, |phone, body: TextBody| {
        if body.text.is_empty() || body.text.chars().count() > TEXT_MAX {
            return no(StatusCode::BAD_REQUEST, "text must be 1 to 4096 characters");
        }
        let id = exchange.write_text(phone, body.name.as_deref(), &body.text, body.reply_to.as_deref());
        Json(json!({"id": id})).into_response()
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceBody {
    choice: Choice,
    request: Option<String>,
    tell: Option<bool>,
}

async fn choose(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>, body: axum::body::Bytes) -> Response {
    with(&phone, &body, |phone, body: ChoiceBody| {
        match exchange.choose(phone, body.choice, body.request.as_deref(), body.tell) {
            Ok(()) => view(&exchange, phone),
            Err(why) => no(StatusCode::CONFLICT, why),
        }
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBody {
    status: Status,
    until: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    None,
    Temporary,
    Permanent,
}

/// Sets the permission; nobody is told.
async fn set(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>, body: axum::body::Bytes) -> Response {
    with(&phone, &body, |phone, body: SetBody| {
        let at = secs(exchange.now());
        let grant = match body.status {
            Status::None => Grant::None,
            Status::Temporary => Grant::Temporary { until: body.until.unwrap_or(at + super::permission::WEEK) },
            Status::Permanent => Grant::Permanent,
        };
        exchange.user(phone, |user| user.leave.set(grant));
        exchange.push(News::User(phone.to_owned()));
        view(&exchange, phone)
    })
}

async fn script(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>, body: axum::body::Bytes) -> Response {
    with(&phone, &body, |phone, script: Script| {
        if let Err(why) = script.sound() {
            return no(StatusCode::BAD_REQUEST, why);
        }
        exchange.user(phone, |user| user.script = Some(script));
        view(&exchange, phone)
    })
}

async fn no_script(State(exchange): State<Arc<Exchange>>, Path(phone): Path<String>) -> Response {
    with_phone(&phone, |phone| {
        exchange.user(phone, |user| user.script = None);
        view(&exchange, phone)
    })
}

async fn common_script(State(exchange): State<Arc<Exchange>>) -> Json<Script> {
    Json(lock(&exchange.users).script.clone())
}

async fn set_common_script(State(exchange): State<Arc<Exchange>>, body: axum::body::Bytes) -> Response {
    let script: Script = match read(&body) {
        Ok(script) => script,
        Err(refused) => return *refused,
    };
    if let Err(why) = script.sound() {
        return no(StatusCode::BAD_REQUEST, why);
    }
    lock(&exchange.users).script = script.clone();
    Json(script).into_response()
}

async fn calendar(State(exchange): State<Arc<Exchange>>) -> Json<Value> {
    Json(json!({"now": secs(exchange.now())}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    advance_secs: u64,
}

async fn advance(State(exchange): State<Arc<Exchange>>, body: axum::body::Bytes) -> Response {
    match read::<AdvanceBody>(&body) {
        Ok(body) => {
            exchange.advance(body.advance_secs);
            calendar(State(exchange)).await.into_response()
        }
        Err(refused) => *refused,
    }
}

async fn number(State(exchange): State<Arc<Exchange>>) -> Response {
    Json(lock(&exchange.number).standing.clone()).into_response()
}

async fn change_number(State(exchange): State<Arc<Exchange>>, body: axum::body::Bytes) -> Response {
    let changes: Value = match read(&body) {
        Ok(changes) => changes,
        Err(refused) => return *refused,
    };
    let mut number = lock(&exchange.number);
    match number.standing.with(&changes) {
        Ok(standing) => {
            number.standing = standing;
            Json(number.standing.clone()).into_response()
        }
        Err(why) => no(StatusCode::BAD_REQUEST, &why),
    }
}

async fn order(State(exchange): State<Arc<Exchange>>, body: axum::body::Bytes) -> Response {
    match read::<Order>(&body) {
        Ok(order) => match lock(&exchange.orders).place(order) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(why) => no(StatusCode::BAD_REQUEST, &why),
        },
        Err(refused) => *refused,
    }
}

async fn forget_orders(State(exchange): State<Arc<Exchange>>) -> StatusCode {
    lock(&exchange.orders).clear();
    StatusCode::NO_CONTENT
}

fn view(exchange: &Exchange, phone: &str) -> Response {
    let at = secs(exchange.now());
    Json(exchange.user(phone, |user| user.view(at))).into_response()
}

fn with<T: DeserializeOwned>(phone: &str, body: &[u8], act: impl FnOnce(&str, T) -> Response) -> Response {
    match read(body) {
        Ok(body) => with_phone(phone, |phone| act(phone, body)),
        Err(refused) => *refused,
    }
}

fn with_phone(phone: &str, act: impl FnOnce(&str) -> Response) -> Response {
    let phone = digits_of(phone);
    if phone.is_empty() {
        no(StatusCode::BAD_REQUEST, "a user is named by the digits of a number")
    } else {
        act(&phone)
    }
}

/// An empty body is an empty object.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response>> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body })
        .map_err(|error| Box::new(no(StatusCode::BAD_REQUEST, &error.to_string())))
}

const TEXT_MAX: usize = 4096;
