//! From the draft to the line: checking, publishing, the versions that were, and going back to one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::{ApiError, Refused};
use super::super::guard::Who;
use super::super::take::Body;
use super::{drawn, noted, readable, row, strict_or_none};
use crate::app::App;
use crate::app::surroundings::blocks;
use crate::ivr::flow::Flow;
use crate::ivr::lint::Problem;
use crate::model::log::NamedAgent;
use crate::model::{FlowId, Millis, clock};
use crate::store::flow_versions::{Publication, VersionRow};
use crate::store::flows::{FlowRow, Saved};

/// A publication to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The revision of the draft that is meant.
    revision: i64,
    /// Why; shown in the list of versions.
    #[serde(default)]
    note: String,
}

/// A body to be checked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// Absent: the draft.
    #[serde(deserialize_with = "strict_or_none")]
    flow: Option<Flow>,
}

/// What is wrong with a flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    /// It may be published.
    publishable: bool,
    /// Errors first.
    problems: Vec<Problem>,
}

/// A published version.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionSummary {
    /// From 1.
    version: i64,
    /// Calls start on this one now.
    is_current: bool,
    /// Why it was published.
    note: String,
    /// Who published it.
    #[schema(required)]
    published_by: Option<NamedAgent>,
    /// When.
    published_at: Millis,
    /// Calls that began on it.
    calls: i64,
}

/// A published version and its body.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionDetail {
    /// What is known of it.
    #[serde(flatten)]
    summary: VersionSummary,
    /// Its body, which never changes.
    flow: Flow,
}

/// Says what is wrong with a body, saved or not.
#[utoipa::path(post, path = "/api/flows/{id}/lint", operation_id = "lint_flow", tag = "flows", params(("id" = String, Path)),
    request_body = Check, responses((status = 200, body = Checked), (status = 400, body = Refused), (status = 404, body = Refused)))]
pub async fn lint(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(check): Body<Check>,
) -> Result<Json<Checked>, ApiError> {
    let row = row(&app, &who, id).await?;
    let flow = match check.flow {
        Some(flow) => flow,
        None => readable(&row.id, &row.draft)?,
    };
    let problems = app.surroundings(&who.org).await?.check(&row.id, &flow);
    Ok(Json(Checked { publishable: !problems.iter().any(blocks), problems }))
}

/// Publishes the draft as a new version, unless it has errors. Calls that run keep the version they began on.
#[utoipa::path(post, path = "/api/flows/{id}/publish", operation_id = "publish_flow", tag = "flows", params(("id" = String, Path)),
    request_body = Publish, responses((status = 201, body = VersionSummary), (status = 404, body = Refused),
    (status = 409, body = Refused), (status = 422, body = Refused)))]
pub async fn publish(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(publish): Body<Publish>,
) -> Result<Response, ApiError> {
    let row = row(&app, &who, id).await?;
    let note = note(&publish.note)?;
    if row.revision != publish.revision {
        return Err(ApiError::Moved(Box::new(drawn(&app, &who, row).await?)));
    }
    let flow = refuse_errors(&app, &who, &row.id, &row.draft).await?;
    // A version whose words are not sound yet would be silence.
    app.speak_all(&who.org, &flow, &who.user).await?;
    let publication = Publication { revision: Some(publish.revision), note, by: Some(&who.user) };
    match app.store.publish_flow(&who.org, &row.id, publication, clock::now()).await? {
        Saved::Done(version) => {
            noted(&app, &who, "flow.publish", &format!("{} v{version}", row.id)).await?;
            let (summary, _) = version_of(&app, &who, &row.id, &version.to_string()).await?;
            Ok((StatusCode::CREATED, Json(summary)).into_response())
        }
        Saved::Stale => {
            let now = super::row(&app, &who, row.id.0).await?;
            Err(ApiError::Moved(Box::new(drawn(&app, &who, now).await?)))
        }
        Saved::Gone => Err(ApiError::NotFound("flow")),
    }
}

/// Every published version, the newest first.
#[utoipa::path(get, path = "/api/flows/{id}/versions", operation_id = "flow_versions", tag = "flows", params(("id" = String, Path)),
    responses((status = 200, body = Vec<VersionSummary>), (status = 404, body = Refused)))]
pub async fn versions(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Json<Vec<VersionSummary>>, ApiError> {
    let flow = row(&app, &who, id).await?;
    let mut all = Vec::new();
    for version in app.store.versions_of(&who.org, &flow.id).await? {
        all.push(summary(&app, &flow, version).await?.0);
    }
    Ok(Json(all))
}

/// One published version.
#[utoipa::path(get, path = "/api/flows/{id}/versions/{version}", operation_id = "flow_version", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = VersionDetail), (status = 404, body = Refused)))]
pub async fn version(
    State(app): State<App>,
    who: Who,
    Path((id, version)): Path<(String, String)>,
) -> Result<Json<VersionDetail>, ApiError> {
    let (summary, body) = version_of(&app, &who, &FlowId(id), &version).await?;
    let flow = readable(&FlowId(String::new()), &body)?;
    Ok(Json(VersionDetail { summary, flow }))
}

/// Gives new calls this version from now on. The draft stays as it is. A version with errors is refused: what it names
/// may be gone.
#[utoipa::path(post, path = "/api/flows/{id}/versions/{version}/rollback", operation_id = "roll_back_flow", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path)), responses((status = 200, body = VersionSummary),
    (status = 404, body = Refused), (status = 422, body = Refused)))]
pub async fn roll_back(
    State(app): State<App>,
    who: Who,
    Path((id, version)): Path<(String, String)>,
) -> Result<Json<VersionSummary>, ApiError> {
    let id = FlowId(id);
    let (wanted, body) = version_of(&app, &who, &id, &version).await?;
    let flow = refuse_errors(&app, &who, &id, &body).await?;
    app.speak_all(&who.org, &flow, &who.user).await?;
    if !app.store.roll_back(&who.org, &id, wanted.version, clock::now()).await? {
        return Err(ApiError::NotFound("version"));
    }
    noted(&app, &who, "flow.rollback", &format!("{id} v{}", wanted.version)).await?;
    Ok(Json(VersionSummary { is_current: true, ..wanted }))
}

/// A version of this organisation's flow, by the number in the address.
pub(super) async fn version_of(
    app: &App,
    who: &Who,
    id: &FlowId,
    version: &str,
) -> Result<(VersionSummary, String), ApiError> {
    let flow = row(app, who, id.0.clone()).await?;
    let wanted: i64 = version.parse().map_err(|_| ApiError::NotFound("version"))?;
    let all = app.store.versions_of(&who.org, id).await?;
    let found = all.into_iter().find(|one| one.version == wanted).ok_or(ApiError::NotFound("version"))?;
    summary(app, &flow, found).await
}

async fn summary(app: &App, flow: &FlowRow, version: VersionRow) -> Result<(VersionSummary, String), ApiError> {
    let published_by = match &version.published_by {
        Some(user) => app.store.user(user).await?.map(|user| NamedAgent { id: user.id, name: user.name }),
        None => None,
    };
    let summary = VersionSummary {
        version: version.version,
        is_current: flow.published_version == Some(version.version),
        note: version.note,
        published_by,
        published_at: version.published_at,
        calls: version.calls,
    };
    Ok((summary, version.body))
}

async fn refuse_errors(app: &App, who: &Who, id: &FlowId, body: &str) -> Result<Flow, ApiError> {
    let flow = readable(id, body)?;
    let problems = app.surroundings(&who.org).await?.check(id, &flow);
    if problems.iter().any(blocks) { Err(ApiError::Problems(problems)) } else { Ok(flow) }
}

fn note(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    if text.len() > NOTE_BYTES_MAX {
        return Err(ApiError::Unfit(format!("a note has at most {NOTE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

const NOTE_BYTES_MAX: usize = 2_000;
