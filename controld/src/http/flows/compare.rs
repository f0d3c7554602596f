//! Bodies side by side and as files: what changed from one to another, and the text to take away.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::error::{ApiError, Refused};
use super::super::guard::Who;
use super::super::take::Asked;
use super::publish::version_of;
use super::{readable, row};
use crate::app::App;
use crate::ivr::diff::{FlowDiff, diff};
use crate::ivr::flow::Flow;
use crate::model::FlowId;

/// Two bodies of a flow.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Pair {
    /// The older: a version's number, or `draft`.
    from: String,
    /// The newer: a version's number, or `draft`.
    to: String,
}

/// One body of a flow.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct One {
    /// A version's number, or `draft`; absent: the draft.
    #[serde(default = "draft")]
    #[param(required = false)]
    version: String,
}

/// What changed between two bodies: nodes, properties, exits.
#[utoipa::path(get, path = "/api/flows/{id}/diff", operation_id = "diff_flow", tag = "flows", params(("id" = String, Path), Pair),
    responses((status = 200, body = FlowDiff), (status = 400, body = Refused), (status = 404, body = Refused)))]
pub async fn compare(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Asked(pair): Asked<Pair>,
) -> Result<Json<FlowDiff>, ApiError> {
    let id = FlowId(id);
    let before = readable(&id, &body(&app, &who, &id, &pair.from).await?)?;
    let after = readable(&id, &body(&app, &who, &id, &pair.to).await?)?;
    Ok(Json(diff(&before, &after)))
}

/// A body as a file. What an import makes of it exports the same byte for byte.
#[utoipa::path(get, path = "/api/flows/{id}/export", operation_id = "export_flow", tag = "flows", params(("id" = String, Path), One),
    responses((status = 200, body = Flow), (status = 404, body = Refused)))]
pub async fn export(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Asked(one): Asked<One>,
) -> Result<Response, ApiError> {
    let id = FlowId(id);
    let text = body(&app, &who, &id, &one.version).await?;
    let name = format!("attachment; filename=\"{}-{}.json\"", plain(&id.0), plain(&one.version));
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)], text)
        .into_response())
}

/// The text of a body, by what the address calls it.
pub(super) async fn body(app: &App, who: &Who, id: &FlowId, version: &str) -> Result<String, ApiError> {
    if version == "draft" {
        return Ok(row(app, who, id.0.clone()).await?.draft);
    }
    Ok(version_of(app, who, id, version).await?.1)
}

fn draft() -> String {
    "draft".to_owned()
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')).take(80).collect()
}
