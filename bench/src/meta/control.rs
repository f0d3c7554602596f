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

use super::call::State as CallState;
use super::dial::{Dial, DialError, DialMedia};
use super::exchange::{Entry, Exchange, clock};
use super::faults::Faults;
use super::relay::{Phone, Source, Ticket};
use super::wacid::Wacid;

/// The control API's routes.
pub fn routes() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/control/calls", post(dial).get(list))
        .route("/control/calls/{id}", get(show))
        .route("/control/calls/{id}/digits", post(press))
        .route("/control/calls/{id}/hang-up", post(hang_up))
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
    tone_hz: Hz,
    faults: Faults,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
struct Hz(f32);

impl Default for Hz {
    fn default() -> Hz {
        Hz(440.0)
    }
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceWord {
    #[default]
    Silence,
    Tone,
    Speech,
    File,
}

async fn dial(State(exchange): State<Arc<Exchange>>, body: axum::body::Bytes) -> Response {
    let body: DialBody = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(body) => body,
        Err(error) => return no(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let media = match (body.external_offer, body.offer, body.source, body.file) {
        (Some(sdp), _, _, _) => DialMedia::External(sdp),
        (None, Some(offer), _, _) => DialMedia::Relay(Phone::Browser { offer }),
        (None, None, SourceWord::File, None) => return no(StatusCode::BAD_REQUEST, "source file needs a file"),
        (None, None, SourceWord::File, Some(path)) => DialMedia::Relay(Phone::Scripted(Source::File(path))),
        (None, None, SourceWord::Silence, _) => DialMedia::Relay(Phone::Scripted(Source::Silence)),
        (None, None, SourceWord::Tone, _) => DialMedia::Relay(Phone::Scripted(Source::Tone { hz: body.tone_hz.0 })),
        (None, None, SourceWord::Speech, _) => DialMedia::Relay(Phone::Scripted(Source::Speech)),
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
    Json(json!({"calls": exchange.each(|entry| json!({"call": entry.call.id, "state": entry.call.state.word()}))}))
}

async fn show(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>) -> Response {
    let id = Wacid::from(id.as_str());
    exchange.with(&id, |entry| Json(view(entry)).into_response()).unwrap_or_else(unknown)
}

fn view(entry: &Entry) -> Value {
    let call = &entry.call;
    let now = clock();
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
        "from": call.caller.phone,
        "name": call.caller.name,
        "offer": call.offer,
        "business_answer": call.answer,
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
}

async fn events(
    State(exchange): State<Arc<Exchange>>,
    Query(which): Query<Which>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let wanted = which.call.map(|id| Wacid::from(id.as_str()));
    let stream = futures_util::stream::unfold((exchange.listen(), wanted), |(mut changes, wanted)| async move {
        loop {
            match changes.recv().await {
                Ok(change) if wanted.as_ref().is_none_or(|id| *id == change.call) => {
                    let event = Event::default().event("call").json_data(&change).unwrap_or_default();
                    return Some((Ok(event), (changes, wanted)));
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

fn unknown() -> Response {
    no(StatusCode::NOT_FOUND, "no such call, or no phone of ours behind it")
}

fn no(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": {"message": message}}))).into_response()
}

const DIGITS_MAX: usize = 64;
