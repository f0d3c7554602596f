//! A call through a draft or a version without a telephone.

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::error::{ApiError, Refused};
use super::super::guard::Who;
use super::super::take::Body;
use super::{compare, readable, strict_or_none};
use crate::app::App;
use crate::ivr::flow::Flow;
use crate::ivr::simulate::{Script, Simulation, simulate as play};
use crate::model::{FlowId, OrgId, clock};

/// What is tried out, and how.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Try {
    /// A body that is not saved; absent: see `version`.
    #[serde(deserialize_with = "strict_or_none")]
    flow: Option<Flow>,
    /// A version's number, or `draft`; absent: the draft.
    version: Option<String>,
    /// What the caller does and what web services answer.
    script: Script,
}

/// Plays a script through a body, by the very step that serves live calls. Nothing is sent and nobody is called.
#[utoipa::path(post, path = "/api/flows/{id}/simulate", operation_id = "simulate_flow", tag = "flows", params(("id" = String, Path)),
    request_body = Try, responses((status = 200, body = Simulation), (status = 400, body = Refused),
    (status = 404, body = Refused), (status = 422, body = Refused)))]
pub async fn simulate(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(wanted): Body<Try>,
) -> Result<Json<Simulation>, ApiError> {
    let id = FlowId(id);
    let stored = compare::body(&app, &who, &id, wanted.version.as_deref().unwrap_or("draft")).await?;
    let flow = match wanted.flow {
        Some(flow) => flow,
        None => readable(&id, &stored)?,
    };
    let mut script = wanted.script;
    if script.at == 0 {
        script.at = clock::now();
    }
    let lengths = lengths(&app, &who.org).await?;
    let mut surroundings = app.surroundings(&who.org).await?;
    let begin = surroundings.put(&id, &flow);
    let played = play(&surroundings.flows, &begin, &script, &lengths);
    Ok(Json(played.map_err(|why| ApiError::Unfit(why.to_string()))?))
}

/// How long this organisation's clips and the shared ones are.
async fn lengths(app: &App, org: &OrgId) -> Result<BTreeMap<String, u64>, ApiError> {
    let mut lengths = BTreeMap::new();
    for clip in app.store.clips_of(org).await? {
        lengths.insert(clip.place, u64::try_from(clip.duration_ms).unwrap_or_default());
    }
    lengths.extend(app.shared_lengths(FilePath::new(&app.config.calling.audio_dir)));
    Ok(lengths)
}
