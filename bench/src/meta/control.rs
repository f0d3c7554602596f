//! The control API: how tests, load runs and the phone page place calls, press keys and look.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::call::{Call, Now, State as CallState};
use super::dial::{Dial, DialError, DialMedia};
use super::exchange::{Entry, Exchange, News};
use super::faults::Faults;
use super::place::PickUpError;
use super::relay::{Phone, Ticket};
use super::script::{SourceWord, TONE_HZ};
use super::user::digits_of;
use super::wacid::Wacid;

/// The control API's routes.
pub fn routes() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/control/calls", post(dial).get(list))
        .route("/control/calls/{id}", get(show))
        .route("/control/calls/{id}/digits", post(press))
        .route("/control/calls/{id}/hang-up", post(hang_up))
        .route("/control/calls/{id}/answer", post(pick_up))
        .route("/control/calls/{id}/decline", post(decline))
        .route("/control/calls/{id}/heard.ogg", get(heard_ogg))
        .route("/control/calls/{id}/heard.wav", get(heard_wav))
        .route("/control/events", get(events))
        .route("/control/state", get(standing))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DialBody {
    from: Option<String>,
    name: Option<String>,
    offer: Option<String>,
    external_offer: Option<String>,
    source: SourceWord,
    file: Option<std::path::PathBuf>,
    tone_hz: Option<f32>,
    faults: Faults,
}

async fn dial(State(exchange): State<Arc<Exchange>>, body: axum::body::Bytes) -> Response {
    let body: DialBody = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(body) => body,
        Err(error) => return no(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let media = match (body.external_offer, body.offer) {
        (Some(sdp), _) => DialMedia::External(sdp),
        (None, Some(offer)) => DialMedia::Relay(Phone::Browser { offer }),
        (None, None) => match body.source.sound(body.tone_hz.unwrap_or(TONE_HZ), body.file) {
            Ok(sound) => DialMedia::Relay(Phone::Scripted(sound)),
            Err(why) => return no(StatusCode::BAD_REQUEST, why),
        },
    };
    match exchange.dial(Dial { from: body.from, name: body.name, media, faults: body.faults }).await {
        Ok(dialled) => Json(dialled).into_response(),
        Err(error) => {
            let status = match error {
                DialError::Gated(_) => StatusCode::SERVICE_UNAVAILABLE,
                DialError::Busy => StatusCode::CONFLICT,
                DialError::Media(_) => StatusCode::BAD_REQUEST,
            };
            no(status, &error.to_string())
        }
    }
}

async fn list(State(exchange): State<Arc<Exchange>>) -> Json<Value> {
    let row = |entry: &Entry| {
        json!({
            "call": entry.call.id,
            "state": entry.call.state.word(),
            "direction": direction(&entry.call),
            "phone": entry.call.user.phone,
        })
    };
    Json(json!({"calls": exchange.each(row)}))
}

async fn show(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>) -> Response {
    let id = Wacid::from(id.as_str());
    let now = exchange.now();
    exchange
        .with(&id, |entry| Json(view(&exchange.line.display_number, entry, now)).into_response())
        .unwrap_or_else(unknown)
}

fn direction(call: &Call) -> &'static str {
    if call.by_business() { "business_initiated" } else { "user_initiated" }
}

fn view(line: &str, entry: &Entry, now: Now) -> Value {
    let call = &entry.call;
    let offer = Some(call.offer.clone());
    let since_ms = |at: std::time::Instant| at.saturating_duration_since(call.born.at).as_millis();
    let accepted_ms = match call.state {
        CallState::Accepted { since, .. } => Some(since_ms(since)),
        _ => None,
    };
    let terminate = call.ending.as_ref().map(|ending| {
        json!({
            "status": if ending.failed.is_some() { "FAILED" } else { "COMPLETED" },
            "code": ending.failed,
            "by": ending.by,
            "start_time": ending.talk.map(|talk| talk.start_secs),
            "end_time": ending.talk.map(|talk| talk.end_secs),
            "duration": ending.talk.map(|talk| talk.duration_secs),
        })
    });
    json!({
        "call": call.id,
        "state": call.state.word(),
        "direction": direction(call),
        "from": if call.by_business() { line.to_owned() } else { call.user.phone.clone() },
        "to": if call.by_business() { call.user.phone.clone() } else { line.to_owned() },
        "phone": call.user.phone,
        "name": call.user.name,
        "offer": if call.by_business() { &call.answer } else { &offer },
        "answer_sent": call.by_business().then_some(&call.offer),
        "business_answer": call.answer.as_ref().filter(|_| !call.by_business()),
        "events": call.events.iter().map(|(at_ms, what)| json!({"at_ms": at_ms, "what": what})).collect::<Vec<_>>(),
        "faults_of_ours": call.faults_of_ours,
        "accepted_ms": accepted_ms,
        "age_ms": since_ms(now.at),
        "media": entry.ticket.as_ref().map(|ticket| ticket.view(call.born.at, now.at)),
        "terminate": terminate,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PressBody {
    digits: String,
}

async fn press(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>, Json(body): Json<PressBody>) -> Response {
    let known = |c: char| c.is_ascii_digit() || "*#ABCD".contains(c);
    if body.digits.is_empty() || body.digits.len() > DIGITS_MAX || !body.digits.chars().all(known) {
        return no(StatusCode::BAD_REQUEST, "digits must be 1 to 64 of 0-9 * # A-D");
    }
    let id = Wacid::from(id.as_str());
    if exchange.press(&id, &body.digits) { StatusCode::NO_CONTENT.into_response() } else { unknown() }
}

async fn hang_up(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>) -> Response {
    let id = Wacid::from(id.as_str());
    if exchange.hang_up(&id) { StatusCode::NO_CONTENT.into_response() } else { unknown() }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PickUpBody {
    offer: Option<String>,
    source: Option<SourceWord>,
    file: Option<std::path::PathBuf>,
    tone_hz: Option<f32>,
}

async fn pick_up(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>, body: axum::body::Bytes) -> Response {
    let body: PickUpBody = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(body) => body,
        Err(error) => return no(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let sound = body.source.map(|word| word.sound(body.tone_hz.unwrap_or(TONE_HZ), body.file)).transpose();
    let phone = match (body.offer, sound) {
        (Some(offer), _) => Some(Phone::Browser { offer }),
        (None, Ok(sound)) => sound.map(Phone::Scripted),
        (None, Err(why)) => return no(StatusCode::BAD_REQUEST, why),
    };
    let id = Wacid::from(id.as_str());
    match exchange.pick_up(&id, phone).await {
        Ok(answer) => Json(json!({"call": id, "answer": answer})).into_response(),
        Err(error @ PickUpError::NotRinging) => no(StatusCode::CONFLICT, &error.to_string()),
        Err(error @ PickUpError::Media(_)) => no(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn decline(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>) -> Response {
    let id = Wacid::from(id.as_str());
    if exchange.decline(&id) {
        return StatusCode::NO_CONTENT.into_response();
    }
    no(StatusCode::CONFLICT, &PickUpError::NotRinging.to_string())
}

async fn heard_ogg(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>) -> Response {
    heard(&exchange, &id, "audio/ogg", Ticket::heard).await
}

async fn heard_wav(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>) -> Response {
    heard(&exchange, &id, "audio/wav", Ticket::heard_wav).await
}

async fn heard(exchange: &Exchange, id: &str, kind: &'static str, make: fn(&Ticket) -> Option<Vec<u8>>) -> Response {
    let Some(ticket) = exchange.with(&Wacid::from(id), |entry| entry.ticket.clone()) else { return unknown() };
    let made = match ticket {
        Some(ticket) => tokio::task::spawn_blocking(move || make(&ticket)).await.ok().flatten(),
        None => None,
    };
    match made {
        Some(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => no(StatusCode::NOT_FOUND, "this call's phone keeps no recording"),
    }
}

async fn standing(State(exchange): State<Arc<Exchange>>) -> Json<Value> {
    Json(json!({
        "verified": exchange.verified(),
        "display_number": exchange.line.display_number,
        "phone_number_id": exchange.line.phone_number_id,
    }))
}

#[derive(Debug, Deserialize)]
struct Which {
    call: Option<String>,
    phone: Option<String>,
}

/// A page that is open: its user's calls ring there.
struct Page {
    exchange: Arc<Exchange>,
    phone: String,
}

impl Page {
    fn open(exchange: &Arc<Exchange>, phone: String) -> Page {
        exchange.user(&phone, |user| user.pages += 1);
        Page { exchange: Arc::clone(exchange), phone }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.exchange.user(&self.phone, |user| user.pages = user.pages.saturating_sub(1));
    }
}

async fn events(
    State(exchange): State<Arc<Exchange>>,
    Query(which): Query<Which>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let wanted = which.call.map(|id| Wacid::from(id.as_str()));
    let page = which.phone.map(|phone| Page::open(&exchange, digits_of(&phone)));
    let state = (exchange.listen(), wanted, page);
    let stream = futures_util::stream::unfold(state, |(mut changes, wanted, page)| async move {
        loop {
            let event = match changes.recv().await {
                Ok(News::Call(change)) => {
                    let ours = wanted.as_ref().is_none_or(|id| *id == change.call)
                        && page.as_ref().is_none_or(|page| page.phone == change.phone);
                    ours.then(|| Event::default().event("call").json_data(&change))
                }
                Ok(News::User(phone)) => {
                    let ours = wanted.is_none() && page.as_ref().is_none_or(|page| page.phone == phone);
                    ours.then(|| Event::default().event("user").json_data(json!({"phone": phone})))
                }
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return None,
            };
            if let Some(event) = event {
                return Some((Ok(event.unwrap_or_default()), (changes, wanted, page)));
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

fn unknown() -> Response {
    no(StatusCode::NOT_FOUND, "no such call, or no phone of ours behind it")
}

/// An error in the control API's own shape.
pub(super) fn no(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": {"message": message}}))).into_response()
}

const DIGITS_MAX: usize = 64;
