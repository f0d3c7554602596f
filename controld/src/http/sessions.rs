//! Where one is signed in, and what was done in the organisation.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Refused};
use super::flows::noted;
use super::guard::Who;
use super::take::{Asked, number_or_any, or_any};
use crate::app::App;
use crate::model::log::NamedAgent;
use crate::model::{Millis, clock};

/// One place where one is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionSummary {
    /// The one that asks.
    is_this: bool,
    /// Signed in.
    created_at: Millis,
    /// Last used, to the minute.
    seen_at: Millis,
    /// Over at the latest.
    expires_at: Millis,
}

/// How many were ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndedSessions {
    /// So many.
    ended: u64,
}

/// Which part of the audit log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// `next` of the page before.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    cursor: Option<String>,
    /// 1 to 200; 50 if absent.
    #[serde(deserialize_with = "number_or_any")]
    #[param(required = false)]
    limit: Option<i64>,
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// Newest first.
    items: Vec<AuditEntry>,
    /// Asks for the page after this one; null on the last.
    #[schema(required)]
    next: Option<String>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// When.
    at: Millis,
    /// Who; null: nobody who is known.
    #[schema(required)]
    by: Option<NamedAgent>,
    /// A word: `login`, `flow.publish`, `recording.play` …
    what: String,
    /// The id it was done to, or an address.
    about: String,
    /// `ok`, or why not.
    outcome: String,
}

/// Where one is signed in.
#[utoipa::path(get, path = "/api/me/sessions", operation_id = "list_sessions", tag = "people",
    responses((status = 200, body = Vec<SessionSummary>), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<SessionSummary>>, ApiError> {
    let sessions = app.store.sessions_of(&who.user, clock::now()).await?.into_iter().map(|session| SessionSummary {
        is_this: session.token_hash == who.token_hash,
        created_at: session.created_at,
        seen_at: session.seen_at,
        expires_at: session.expires_at,
    });
    Ok(Json(sessions.collect()))
}

/// Signs out everywhere else.
#[utoipa::path(post, path = "/api/me/sessions/end-others", operation_id = "end_other_sessions", tag = "people",
    responses((status = 200, body = EndedSessions), (status = 401, body = Refused)))]
pub async fn end_others(State(app): State<App>, who: Who) -> Result<Json<EndedSessions>, ApiError> {
    let ended = app.store.close_other_sessions(&who.user, &who.token_hash).await?;
    noted(&app, &who, "session.end_others", who.user.as_str()).await?;
    Ok(Json(EndedSessions { ended }))
}

/// What was done in the organisation, newest first.
#[utoipa::path(get, path = "/api/audit", operation_id = "audit_log", tag = "people", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = 400, body = Refused), (status = 403, body = Refused)))]
pub async fn audit(
    State(app): State<App>,
    who: Who,
    Asked(query): Asked<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::BadRequest(format!("limit is 1 to {PAGE_MAX}")));
    }
    // One more than asked for tells whether there is a page after this one.
    let mut rows = app.store.audit_log(&who.org, query.cursor.as_deref(), limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    let next = rows.last().filter(|_| more).map(|row| row.id.clone());
    let items = rows.into_iter().map(|row| AuditEntry {
        at: row.at,
        by: row.by.map(|(id, name)| NamedAgent { id, name }),
        what: row.what,
        about: row.about,
        outcome: row.outcome,
    });
    Ok(Json(AuditPage { items: items.collect(), next }))
}

const PAGE: i64 = 50;
const PAGE_MAX: i64 = 200;
