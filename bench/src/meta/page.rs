//! The phone you can use: one page, its style and script, and the sample voice, all inside the binary.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::exchange::Exchange;
use super::relay::source::SAMPLE_VOICE;

/// The page's routes.
pub fn routes() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/", get(|| async { text("text/html; charset=utf-8", include_str!("page/phone.html")) }))
        .route("/phone.css", get(|| async { text("text/css; charset=utf-8", include_str!("page/phone.css")) }))
        .route("/phone.js", get(|| async { text("text/javascript; charset=utf-8", include_str!("page/phone.js")) }))
        .route("/icon.svg", get(|| async { text("image/svg+xml", include_str!("page/icon.svg")) }))
        .route("/sample-voice.ogg", get(|| async { ([(CONTENT_TYPE, "audio/ogg")], SAMPLE_VOICE).into_response() }))
}

fn text(kind: &'static str, body: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], body).into_response()
}
