//! Flows as people read them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::guard::Who;
use crate::app::App;
use crate::ivr::flow::Flow;
use crate::model::FlowId;

/// A flow in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowSummary {
    /// Which.
    id: FlowId,
    /// As shown.
    name: String,
    /// What calls start on now; null: never published.
    #[schema(required)]
    published_version: Option<i64>,
    /// Of the draft.
    draft_revision: i64,
    /// Numbers whose callers start here, digits only.
    numbers: Vec<String>,
}

/// A flow with its body.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowDetail {
    /// Which.
    id: FlowId,
    /// As shown.
    name: String,
    /// The version `flow` is; null: it is the draft.
    #[schema(required)]
    published_version: Option<i64>,
    /// The published body, else the draft.
    flow: Flow,
}

/// Every flow, by name.
#[utoipa::path(get, path = "/api/flows", operation_id = "list_flows", tag = "flows", responses(
    (status = 200, body = Vec<FlowSummary>), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<FlowSummary>>, ApiError> {
    let mut numbers: HashMap<FlowId, Vec<String>> = HashMap::new();
    for account in app.store.accounts_of(&who.org).await? {
        if let Some(flow) = account.start_flow {
            numbers.entry(flow).or_default().push(account.display_number);
        }
    }
    let flows = app.store.flows_of(&who.org).await?.into_iter().map(|row| FlowSummary {
        numbers: numbers.remove(&row.id).unwrap_or_default(),
        id: row.id,
        name: row.name,
        published_version: row.published_version,
        draft_revision: row.revision,
    });
    Ok(Json(flows.collect()))
}

/// A flow: what is published, else the draft.
#[utoipa::path(get, path = "/api/flows/{id}", operation_id = "flow_detail", tag = "flows", params(("id" = String, Path)), responses(
    (status = 200, body = FlowDetail), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub async fn detail(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<FlowDetail>, ApiError> {
    let row = app.store.flow(&who.org, &FlowId(id)).await?.ok_or(ApiError::NotFound("flow"))?;
    let published = app.store.published_flow(&who.org, &row.id).await?;
    let (published_version, body) = match published {
        Some((version, body)) => (Some(version), body),
        None => (None, row.draft),
    };
    let flow = serde_json::from_str(&body).map_err(|why| {
        error!(flow.id = %row.id, error = %why, "flow {} cannot be read: {why}", row.id);
        ApiError::Internal
    })?;
    Ok(Json(FlowDetail { id: row.id, name: row.name, published_version, flow }))
}
