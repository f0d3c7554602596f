//! The call log, the calls that run now, and ending one by force.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Refused};
use super::guard::Who;
use super::take::{Asked, number_or_any, or_any};
use crate::app::App;
use crate::model::log::{Call, CallDetail, Recording, TimelineEntry};
use crate::model::{AccountId, CallId, CallStatus, Direction, FlowId, UserId, clock};
use crate::store::audit::Deed;
use crate::store::call_log::{Mark, Wanted, heard};

/// Which calls are wanted; what is absent or empty asks for nothing.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CallQuery {
    /// How they stand.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    status: Option<CallStatus>,
    /// Which way.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    direction: Option<Direction>,
    /// On which number.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    account: Option<AccountId>,
    /// Begun on which flow.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    flow: Option<FlowId>,
    /// With which agent.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    agent: Option<UserId>,
    /// Begun at or after, milliseconds since 1970.
    #[serde(deserialize_with = "number_or_any")]
    #[param(required = false)]
    from: Option<i64>,
    /// Begun before, milliseconds since 1970.
    #[serde(deserialize_with = "number_or_any")]
    #[param(required = false)]
    to: Option<i64>,
    /// Part of the caller's name or number.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    q: Option<String>,
    /// `next` of the page before.
    #[serde(deserialize_with = "or_any")]
    #[param(required = false)]
    cursor: Option<String>,
    /// 1 to 200; 50 if absent.
    #[serde(deserialize_with = "number_or_any")]
    #[param(required = false)]
    limit: Option<i64>,
}

/// A page of the call log.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallPage {
    /// Newest first.
    items: Vec<Call>,
    /// Asks for the page after this one; null on the last.
    #[schema(required)]
    next: Option<String>,
}

/// The call log, newest first. Agents see their own calls and those of their teams.
#[utoipa::path(get, path = "/api/calls", operation_id = "list_calls", tag = "calls", params(CallQuery), responses(
    (status = 200, body = CallPage), (status = 400, body = Refused), (status = 401, body = Refused)))]
pub async fn list(
    State(app): State<App>,
    who: Who,
    Asked(query): Asked<CallQuery>,
) -> Result<Json<CallPage>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::BadRequest(format!("limit is 1 to {PAGE_MAX}")));
    }
    let after = match &query.cursor {
        None => None,
        Some(text) => {
            Some(Mark::read(text).ok_or_else(|| ApiError::BadRequest("cursor is the next of a page".to_owned()))?)
        }
    };
    let wanted = Wanted {
        status: query.status,
        direction: query.direction,
        account: query.account,
        flow: query.flow,
        agent: query.agent,
        from: query.from,
        to: query.to,
        text: query.q,
        seen_by: who.sees_only(),
        after,
        ..Wanted::default()
    };
    // One more than asked for tells whether there is a page after this one.
    let mut items = match wanted.text {
        Some(_) => search(&app, &who, wanted, limit + 1).await?,
        None => app.store.call_log(&who.org, &wanted, limit + 1).await?,
    };
    let wanted_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > wanted_len;
    items.truncate(wanted_len);
    let next = items.last().filter(|_| more).map(|call| mark(call).text());
    Ok(Json(CallPage { items, next }))
}

/// A call with everything that happened.
#[utoipa::path(get, path = "/api/calls/{id}", operation_id = "call_detail", tag = "calls", params(("id" = String, Path)), responses(
    (status = 200, body = CallDetail), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub async fn detail(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<CallDetail>, ApiError> {
    let call = seen(&app, &who, id).await?;
    let journal = app.store.journal(&call.facts.id).await?;
    let timeline = journal.into_iter().map(|line| TimelineEntry {
        seq: line.seq,
        at: line.at,
        kind: line.kind,
        text: line.text,
        data: if line.data.is_null() { serde_json::json!({}) } else { line.data },
    });
    let recording = app.store.recording_of(&who.org, &call.facts.id).await?.map(|row| Recording {
        id: row.id,
        state: heard(row.state),
        duration_ms: row.duration_ms,
        bytes: row.bytes,
        reason: row.reason,
    });
    Ok(Json(CallDetail { timeline: timeline.collect(), recording, facts: call.facts }))
}

/// The calls that are not over, newest first.
#[utoipa::path(get, path = "/api/live", operation_id = "live_calls", tag = "calls", responses(
    (status = 200, body = Vec<Call>), (status = 401, body = Refused)))]
pub async fn live(State(app): State<App>, who: Who) -> Result<Json<Vec<Call>>, ApiError> {
    let wanted = Wanted { live: true, seen_by: who.sees_only(), ..Wanted::default() };
    Ok(Json(app.store.call_log(&who.org, &wanted, LIVE_MAX).await?))
}

/// Ends a call by force.
#[utoipa::path(post, path = "/api/calls/{id}/hang-up", operation_id = "hang_up", tag = "calls",
    params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = Refused), (status = 403, body = Refused), (status = 404, body = Refused),
    (status = 409, body = Refused, description = "over already")))]
pub async fn hang_up(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let call = seen(&app, &who, id).await?.facts.id;
    let ended = app.desk.end_call(&who.org, &call, who.user.clone()).await;
    let outcome = ended.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned());
    let (user, at) = (Some(&who.user), clock::now());
    let deed = Deed { org: Some(&who.org), user, at, what: "call.hang_up", about: call.as_str(), outcome: &outcome };
    app.store.audit(deed).await?;
    ended?;
    Ok(StatusCode::NO_CONTENT)
}

/// The call, if this person may see it.
pub async fn seen(app: &App, who: &Who, id: String) -> Result<Call, ApiError> {
    let wanted = Wanted { call: Some(CallId(id)), seen_by: who.sees_only(), ..Wanted::default() };
    app.store.call_log(&who.org, &wanted, 1).await?.pop().ok_or(ApiError::NotFound("call"))
}

/// A text is looked for in every call there is, so a person looks for one at a time.
async fn search(app: &App, who: &Who, wanted: Wanted, limit: i64) -> Result<Vec<Call>, ApiError> {
    let turn = app.searches.turn(&who.user).await.ok_or(ApiError::TooMany(SEARCH_AGAIN_SECS))?;
    let (store, org) = (app.store.clone(), who.org.clone());
    // WHY a task: a browser that goes away does not stop the database, so the turn ends with the work, not with the wish.
    let looked = tokio::spawn(async move {
        let found = store.call_log(&org, &wanted, limit).await;
        drop(turn);
        found
    });
    Ok(looked.await.map_err(|_| ApiError::Internal)??)
}

fn mark(call: &Call) -> Mark {
    Mark { started_at: call.facts.started_at, call: call.facts.id.clone() }
}

const SEARCH_AGAIN_SECS: u64 = 2;
const PAGE: i64 = 50;
const PAGE_MAX: i64 = 200;
const LIVE_MAX: i64 = 5_000;
