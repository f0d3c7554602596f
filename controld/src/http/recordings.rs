//! Recordings: a short-lived link for those who may hear one, and the bytes behind the link.

use std::path::Path as FilePath;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tracing::error;
use utoipa::ToSchema;

use super::calls::seen;
use super::error::{ApiError, Refused};
use super::guard::Who;
use super::range::{Part, part};
use super::take::Asked;
use crate::app::App;
use crate::model::{Millis, RecordingId, UserId, clock};
use crate::store::audit::Deed;
use crate::store::recordings::{RecordingRow, RecordingState};

/// A link to a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingLink {
    /// On this server; needs no cookie.
    url: String,
    /// Over at, at most 300 s from now.
    expires_at: Millis,
}

/// The signed part of a link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    exp: i64,
    /// Who was given it.
    user: UserId,
    sig: String,
}

/// Makes a link to the recording of a call, for a few minutes. Written into the audit.
#[utoipa::path(post, path = "/api/calls/{id}/recording-link", operation_id = "recording_link", tag = "calls", params(("id" = String, Path)), responses(
    (status = 200, body = RecordingLink), (status = 401, body = Refused), (status = 404, body = Refused),
    (status = 409, body = Refused, description = "not in the archive yet, or failed")))]
pub async fn link(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<RecordingLink>, ApiError> {
    let call = seen(&app, &who, id).await?;
    let row = app.store.recording_of(&who.org, &call.facts.id).await?.ok_or(ApiError::NotFound("recording"))?;
    match row.state {
        RecordingState::Archived => {}
        RecordingState::Failed => {
            return Err(ApiError::Conflict("there is nothing to hear in this recording".to_owned()));
        }
        RecordingState::Recording | RecordingState::Spooled => {
            return Err(ApiError::Conflict("the recording is not finished yet".to_owned()));
        }
    }
    let now = clock::now();
    let (url, expires_at) = app.links.link(&row.id, &who.user, now);
    app.store.audit(deed(&row, &who.user, "recording.link", now)).await?;
    Ok(Json(RecordingLink { url, expires_at }))
}

/// The bytes behind a link, whole or in part. The link is the permission; whoever was given it may listen.
pub async fn play(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(signed): Asked<Signed>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (id, now) = (RecordingId(id), clock::now());
    if !app.links.holds(&id, &signed.user, signed.exp, &signed.sig, now) {
        app.counts.bad_links.add();
        return Err(ApiError::Forbidden);
    }
    let row = app.store.recording_of_anyone(&id).await?;
    let row = row.filter(|row| row.state == RecordingState::Archived).ok_or(ApiError::NotFound("recording"))?;
    let place = row.place.as_deref().ok_or(ApiError::NotFound("recording"))?;
    let path = FilePath::new(&app.config.media.recordings_dir).join(place);
    let file = File::open(&path).await.map_err(|why| {
        error!(recording.id = %id, error = %why, "recording {id} is in the archive but cannot be opened: {why}");
        ApiError::Internal
    })?;
    let len = file.metadata().await?.len();
    let etag = format!("\"{}\"", row.sha256.as_deref().unwrap_or(id.as_str()));
    let wanted = part(range_that_counts(&headers, &etag), len);
    if method == Method::GET && !matches!(wanted, Part::Beyond) {
        // WHY once an hour: a player asks for dozens of parts, and each part may be the one somebody wanted.
        let deed = deed(&row, &signed.user, "recording.play", now);
        app.store.audit_once_in(HOUR_MS, deed).await?;
    }
    answer(file, len, wanted, &etag, method == Method::HEAD).await
}

/// RFC 9110 §13.1.5: a part of another version is worse than the whole.
pub(super) fn range_that_counts<'a>(headers: &'a HeaderMap, etag: &str) -> Option<&'a str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(etag) {
        true => None,
        false => text(header::RANGE),
    }
}

/// Answers with a file of sound, whole or in part.
pub(super) async fn answer(
    mut file: File,
    len: u64,
    wanted: Part,
    etag: &str,
    head: bool,
) -> Result<Response, ApiError> {
    let (status, first, count, content_range) = match wanted {
        Part::Whole => (StatusCode::OK, 0, len, None),
        Part::Bytes { first, last } => {
            let range = format!("bytes {first}-{last}/{len}");
            (StatusCode::PARTIAL_CONTENT, first, last.saturating_sub(first).saturating_add(1), Some(range))
        }
        Part::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0, Some(format!("bytes */{len}"))),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/ogg"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"recording.ogg\""));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    headers.insert(header::ETAG, HeaderValue::from_str(etag).map_err(|_| ApiError::Internal)?);
    if let Some(range) = content_range {
        headers.insert(header::CONTENT_RANGE, HeaderValue::from_str(&range).map_err(|_| ApiError::Internal)?);
    }
    let body = if head || count == 0 {
        Body::empty()
    } else {
        file.seek(std::io::SeekFrom::Start(first)).await?;
        stream_of(file, count)
    };
    Ok((status, headers, body).into_response())
}

fn stream_of(file: File, count: u64) -> Body {
    let chunks = stream::try_unfold(file.take(count), |mut rest| async move {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = (&mut rest).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then_some((chunk, rest)))
    });
    Body::from_stream(chunks)
}

fn deed<'a>(row: &'a RecordingRow, user: &'a UserId, what: &'a str, at: Millis) -> Deed<'a> {
    Deed { org: Some(&row.org), user: Some(user), at, what, about: row.id.as_str(), outcome: "ok" }
}

const HOUR_MS: Millis = 60 * 60 * 1000;
const CHUNK_BYTES: usize = 64 * 1024;
