//! Meta's door: the handshake, and webhooks that are answered once they are on the disk (D11).

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::app::intake::NotTaken;
use crate::model::{AccountId, clock};
use crate::outside::whatsapp::verify::verify;

/// The routes of Meta's door. Their body limit is set where they are joined to the house.
pub fn routes() -> Router<App> {
    Router::new().route("/webhooks/{account_id}", get(handshake).post(receive))
}

#[derive(Debug, Deserialize)]
struct Handshake {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    verify_token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

/// Meta asks whether this address is ours: the challenge comes back to who knows the number's token.
async fn handshake(State(app): State<App>, Path(account): Path<String>, Query(asked): Query<Handshake>) -> Response {
    let account = match app.store.account(&AccountId(account)).await {
        Ok(Some(account)) => account,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return not_now(&error),
    };
    let token = &account.verify_token.0;
    let knows_token = !token.is_empty() && same(token, &asked.verify_token);
    let is_plain =
        asked.challenge.len() <= CHALLENGE_BYTES_MAX && asked.challenge.chars().all(|c| c.is_ascii_alphanumeric());
    if asked.mode != "subscribe" || !knows_token || !is_plain {
        return StatusCode::FORBIDDEN.into_response();
    }
    asked.challenge.into_response()
}

/// Know the number, receive the body, verify the raw bytes, write the receipt, say 200, and only then work.
async fn receive(State(app): State<App>, Path(account): Path<String>, request: Request) -> Response {
    let account = match app.store.account(&AccountId(account)).await {
        Ok(Some(account)) => account,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return not_now(&error),
    };
    let signature = text(request.headers(), "x-hub-signature-256").to_owned();
    if signature.is_empty() {
        return unsigned(&app, &account.id);
    }
    let told_bytes = text(request.headers(), "content-length").parse().ok();
    let body = match app.intake.take(told_bytes, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(why)) => return broken(&why),
        Err(why) => return not_taken(why),
    };
    let Ok(proof) = verify(&account.app_secret, &signature, &body) else { return unsigned(&app, &account.id) };
    let Ok(text) = std::str::from_utf8(proof.bytes()) else { return StatusCode::BAD_REQUEST.into_response() };
    match app.store.keep_webhook(&proof.receipt_id(&account.id), &account.id, text, clock::now()).await {
        Ok(_) => {
            app.desk.inbox_has_work();
            StatusCode::OK.into_response()
        }
        // Never 200 before it is durable: Meta sends it again.
        Err(error) => not_now(&error),
    }
}

/// A stranger's bytes: counted each time, and said in the log now and then.
fn unsigned(app: &App, account: &AccountId) -> Response {
    app.counts.bad_signatures.add();
    if app.bad_signature_said.is_due(clock::now()) {
        let so_far = app.counts.bad_signatures.get();
        tracing::warn!(account.id = %account, so_far, "a webhook for {account} carries no valid signature");
    }
    StatusCode::UNAUTHORIZED.into_response()
}

fn not_taken(why: NotTaken) -> Response {
    let status = match why {
        NotTaken::Full => StatusCode::SERVICE_UNAVAILABLE,
        NotTaken::Slow => StatusCode::REQUEST_TIMEOUT,
    };
    (status, [(header::RETRY_AFTER, HeaderValue::from_static("5"))], format!("{why}\n")).into_response()
}

fn broken(why: &BytesRejection) -> Response {
    match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            (StatusCode::PAYLOAD_TOO_LARGE, "a webhook has at most 3 MiB\n").into_response()
        }
        status => (status, "the body broke off\n").into_response(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn not_now(error: &crate::store::StoreError) -> Response {
    tracing::error!("a webhook was not taken: {error}");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, HeaderValue::from_static("5"))]).into_response()
}

/// Compares digests, so that the time taken tells nothing of the token.
pub(super) fn same(ours: &str, theirs: &str) -> bool {
    Sha256::digest(ours.as_bytes()) == Sha256::digest(theirs.as_bytes())
}

const CHALLENGE_BYTES_MAX: usize = 256;
