//! Flows as people read and draw them: the list, the draft and its revision, copies, and putting away.

pub mod compare;
pub mod publish;
pub mod simulate;

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use tracing::error;
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::guard::Who;
use super::take::{Body, Text};
use crate::app::App;
use crate::app::surroundings::jumps;
use crate::ivr::flow::Flow;
use crate::ivr::lint::Problem;
use crate::ivr::node::Kind;
use crate::ivr::parse::{NAME_BYTES_MAX, json_schema, parse, parse_value, to_text};
use crate::ivr::place::MASK;
use crate::model::log::NamedAgent;
use crate::model::{FlowId, Millis, Role, clock};
use crate::store::audit::Deed;
use crate::store::flows::{Draft, FlowRow, Saved};

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
    /// The draft is not what is published.
    changed: bool,
    /// Last change of the draft or of what is published.
    updated_at: Millis,
    /// Put away: no new call begins on it.
    archived: bool,
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

/// A flow as it is drawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowDraft {
    /// Which.
    id: FlowId,
    /// As shown.
    name: String,
    /// Goes up with each change; a save names the one it was made from.
    revision: i64,
    /// What calls start on now; null: never published.
    #[schema(required)]
    published_version: Option<i64>,
    /// The draft is not what is published.
    changed: bool,
    /// Put away: no new call begins on it.
    archived: bool,
    /// Last change.
    updated_at: Millis,
    /// Who changed it last.
    #[schema(required)]
    updated_by: Option<NamedAgent>,
    /// Numbers whose callers start here, digits only.
    numbers: Vec<String>,
    /// The body.
    flow: Flow,
    /// What is wrong with it, errors first.
    problems: Vec<Problem>,
}

/// Who would miss a thing.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Uses {
    /// Numbers whose callers start there, digits only.
    pub(super) numbers: Vec<String>,
    /// Flows that name it, in their draft or in what is published.
    pub(super) flows: Vec<FlowName>,
    /// Calls that began there, over or not.
    pub(super) calls: i64,
    /// Of those, not over.
    pub(super) live_calls: i64,
    /// Settings of the organisation that name it: `hold_music`, `ringback`.
    pub(super) settings: Vec<String>,
}

impl Uses {
    /// Flows alone.
    pub(super) fn of_flows(flows: Vec<FlowName>) -> Self {
        Self { flows, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.flows.is_empty() && self.settings.is_empty()
    }

    /// The first few, in words.
    pub(super) fn told(&self) -> String {
        let numbers = self.numbers.iter().map(|number| format!("callers of +{number}"));
        let flows = self.flows.iter().map(|flow| format!("flow \"{}\"", flow.name));
        let settings = self.settings.iter().map(|name| format!("the setting {name}"));
        numbers.chain(flows).chain(settings).take(USES_TOLD_MAX).collect::<Vec<_>>().join(", ")
    }
}

/// A flow and what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowName {
    /// Which.
    pub id: FlowId,
    /// As shown.
    pub name: String,
}

/// A flow to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFlow {
    /// As shown.
    name: String,
    /// Its first draft; absent: empty.
    #[serde(default, deserialize_with = "strict_or_none")]
    flow: Option<Flow>,
}

/// A change of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveDraft {
    /// The revision the change was made from.
    revision: i64,
    /// The whole new body; its name becomes the flow's.
    #[serde(deserialize_with = "strict")]
    flow: Flow,
}

/// A copy to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Duplicate {
    /// Absent: "Copy of" and the old name.
    name: Option<String>,
}

/// Every flow, by name, those put away included.
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
        changed: row.changed,
        updated_at: row.updated_at,
        archived: row.archived,
    });
    Ok(Json(flows.collect()))
}

/// A flow: what is published, else the draft. Header values of web requests are for admins.
#[utoipa::path(get, path = "/api/flows/{id}", operation_id = "flow_detail", tag = "flows", params(("id" = String, Path)), responses(
    (status = 200, body = FlowDetail), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub async fn detail(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<FlowDetail>, ApiError> {
    let row = row(&app, &who, id).await?;
    let published = app.store.published_flow(&who.org, &row.id).await?;
    let (published_version, body) = match published {
        Some((version, body)) => (Some(version), body),
        None => (None, row.draft),
    };
    let mut flow = readable(&row.id, &body)?;
    if who.role < Role::Admin {
        mask_headers(&mut flow);
    }
    Ok(Json(FlowDetail { id: row.id, name: row.name, published_version, flow }))
}

/// The JSON Schema of a flow.
#[utoipa::path(get, path = "/api/flows/flow.schema.json", operation_id = "flow_schema", tag = "flows",
    responses((status = 200, body = Object)))]
pub async fn schema() -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], json_schema().to_string()).into_response()
}

/// Adds a flow as a draft.
#[utoipa::path(post, path = "/api/flows", operation_id = "create_flow", tag = "flows", request_body = NewFlow, responses(
    (status = 201, body = FlowDraft), (status = 400, body = Refused), (status = 422, body = Refused)))]
pub async fn create(State(app): State<App>, who: Who, Body(new): Body<NewFlow>) -> Result<Response, ApiError> {
    let mut flow = match new.flow {
        Some(flow) => flow,
        None => parse("{}").map_err(|why| ApiError::Unfit(why.to_string()))?,
    };
    flow.name = named(&new.name)?;
    add(&app, &who, &flow, "flow.create").await
}

/// Adds a flow from what an export gave. The body is the flow itself; exported again it is the same byte for byte.
#[utoipa::path(post, path = "/api/flows/import", operation_id = "import_flow", tag = "flows", request_body = Flow, responses(
    (status = 201, body = FlowDraft), (status = 422, body = Refused)))]
pub async fn import(State(app): State<App>, who: Who, Text(text): Text) -> Result<Response, ApiError> {
    let flow = parse(&text).map_err(|why| ApiError::Unfit(why.to_string()))?;
    named(&flow.name)?;
    add(&app, &who, &flow, "flow.import").await
}

/// A copy of a flow's draft.
#[utoipa::path(post, path = "/api/flows/{id}/duplicate", operation_id = "duplicate_flow", tag = "flows",
    params(("id" = String, Path)), request_body = Duplicate, responses(
    (status = 201, body = FlowDraft), (status = 404, body = Refused), (status = 422, body = Refused)))]
pub async fn duplicate(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(copy): Body<Duplicate>,
) -> Result<Response, ApiError> {
    let row = row(&app, &who, id).await?;
    let mut flow = readable(&row.id, &row.draft)?;
    let copied: String = format!("Copy of {}", row.name).chars().take(NAME_BYTES_MAX / 4).collect();
    flow.name = named(copy.name.as_deref().unwrap_or(&copied))?;
    add(&app, &who, &flow, "flow.duplicate").await
}

/// The draft, its revision, and what is wrong with it.
#[utoipa::path(get, path = "/api/flows/{id}/draft", operation_id = "flow_draft", tag = "flows", params(("id" = String, Path)),
    responses((status = 200, body = FlowDraft), (status = 404, body = Refused)))]
pub async fn draft(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<FlowDraft>, ApiError> {
    let row = row(&app, &who, id).await?;
    Ok(Json(drawn(&app, &who, row).await?))
}

/// Saves the draft, if nobody has changed it since: else 409 with the draft as it is now.
#[utoipa::path(put, path = "/api/flows/{id}/draft", operation_id = "save_flow_draft", tag = "flows",
    params(("id" = String, Path)), request_body = SaveDraft, responses(
    (status = 200, body = FlowDraft), (status = 400, body = Refused), (status = 404, body = Refused),
    (status = 409, body = Refused)))]
pub async fn save(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(save): Body<SaveDraft>,
) -> Result<Json<FlowDraft>, ApiError> {
    let before = row(&app, &who, id).await?;
    // A name that is being typed may be empty for a moment; the list keeps the last one.
    let name = if save.flow.name.trim().is_empty() { before.name.clone() } else { save.flow.name.clone() };
    let body = to_text(&save.flow);
    let draft = Draft { name: &name, body: &body, revision: save.revision };
    let saved = app.store.save_draft(&who.org, &before.id, draft, &who.user, clock::now()).await?;
    let now = row(&app, &who, before.id.0).await?;
    let now = drawn(&app, &who, now).await?;
    match saved {
        Saved::Done(_) => Ok(Json(now)),
        Saved::Stale => Err(ApiError::Moved(Box::new(now))),
        Saved::Gone => Err(ApiError::NotFound("flow")),
    }
}

/// Who would miss the flow.
#[utoipa::path(get, path = "/api/flows/{id}/uses", operation_id = "flow_uses", tag = "flows", params(("id" = String, Path)),
    responses((status = 200, body = Uses), (status = 404, body = Refused)))]
pub async fn uses(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<Uses>, ApiError> {
    let row = row(&app, &who, id).await?;
    Ok(Json(users(&app, &who, &row.id).await?))
}

/// Removes a flow that no number, no other flow and no call has used.
#[utoipa::path(delete, path = "/api/flows/{id}", operation_id = "delete_flow", tag = "flows", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn delete(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let row = row(&app, &who, id).await?;
    let uses = users(&app, &who, &row.id).await?;
    if !uses.is_empty() {
        return Err(in_use(uses));
    }
    if uses.calls > 0 || !app.store.delete_flow(&who.org, &row.id).await? {
        let text = format!("{} calls began on this flow and their logs tell of it; archive it instead", uses.calls);
        return Err(ApiError::InUse(text, Box::new(uses)));
    }
    noted(&app, &who, "flow.delete", row.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a flow away: it keeps its log, and no new call begins on it.
#[utoipa::path(post, path = "/api/flows/{id}/archive", operation_id = "archive_flow", tag = "flows", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn archive(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let row = row(&app, &who, id).await?;
    let uses = users(&app, &who, &row.id).await?;
    if !uses.is_empty() {
        return Err(in_use(uses));
    }
    app.store.archive_flow(&who.org, &row.id, Some(clock::now())).await?;
    noted(&app, &who, "flow.archive", row.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a flow out again.
#[utoipa::path(post, path = "/api/flows/{id}/restore", operation_id = "restore_flow", tag = "flows", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Refused)))]
pub async fn restore(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let row = row(&app, &who, id).await?;
    app.store.archive_flow(&who.org, &row.id, None).await?;
    noted(&app, &who, "flow.restore", row.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn add(app: &App, who: &Who, flow: &Flow, deed: &str) -> Result<Response, ApiError> {
    let now = clock::now();
    let id = FlowId::fresh(now);
    let draft = Draft { name: &flow.name, body: &to_text(flow), revision: 1 };
    app.store.add_flow(&who.org, &id, draft, Some(&who.user), now).await?;
    noted(app, who, deed, id.as_str()).await?;
    let row = row(app, who, id.0).await?;
    Ok((StatusCode::CREATED, Json(drawn(app, who, row).await?)).into_response())
}

/// The flow, if it is there and of this organisation.
async fn row(app: &App, who: &Who, id: String) -> Result<FlowRow, ApiError> {
    app.store.flow(&who.org, &FlowId(id)).await?.ok_or(ApiError::NotFound("flow"))
}

async fn drawn(app: &App, who: &Who, row: FlowRow) -> Result<FlowDraft, ApiError> {
    let flow = readable(&row.id, &row.draft)?;
    let problems = app.surroundings(&who.org).await?.check(&row.id, &flow);
    let updated_by = match &row.updated_by {
        Some(user) => app.store.user(user).await?.map(|user| NamedAgent { id: user.id, name: user.name }),
        None => None,
    };
    Ok(FlowDraft {
        numbers: app.store.flow_uses(&who.org, &row.id).await?.numbers,
        id: row.id,
        name: row.name,
        revision: row.revision,
        published_version: row.published_version,
        changed: row.changed,
        archived: row.archived,
        updated_at: row.updated_at,
        updated_by,
        flow,
        problems,
    })
}

async fn users(app: &App, who: &Who, id: &FlowId) -> Result<Uses, ApiError> {
    let known = app.store.flow_uses(&who.org, id).await?;
    let flows = naming(app, who, |flow| jumps(flow).any(|target| target == id)).await?;
    let flows = flows.into_iter().filter(|flow| flow.id != *id).collect();
    Ok(Uses { numbers: known.numbers, flows, calls: known.calls, live_calls: known.live_calls, settings: Vec::new() })
}

/// The flows not put away of which the draft or what is published is such.
pub(super) async fn naming(app: &App, who: &Who, is: impl Fn(&Flow) -> bool) -> Result<Vec<FlowName>, ApiError> {
    let mut found = Vec::new();
    for row in app.store.flows_of(&who.org).await?.into_iter().filter(|row| !row.archived) {
        let published = app.store.published_flow(&who.org, &row.id).await?.map(|(_, body)| body);
        let mut bodies = [Some(row.draft), published].into_iter().flatten();
        if bodies.any(|body| parse(&body).is_ok_and(|flow| is(&flow))) {
            found.push(FlowName { id: row.id, name: row.name });
        }
    }
    Ok(found)
}

fn in_use(uses: Uses) -> ApiError {
    ApiError::InUse(format!("the flow is in use: {}", uses.told()), Box::new(uses))
}

fn readable(id: &FlowId, body: &str) -> Result<Flow, ApiError> {
    parse(body).map_err(|why| {
        error!(flow.id = %id, error = %why, "flow {id} cannot be read: {why}");
        ApiError::Internal
    })
}

/// Header values carry tokens of other people's services.
fn mask_headers(flow: &mut Flow) {
    for node in &mut flow.nodes {
        if let Kind::HttpCallback(callback) = &mut node.kind {
            for header in callback.headers.iter_mut().filter(|header| !header.value.is_empty()) {
                header.value = MASK.to_owned();
            }
        }
    }
}

pub(super) fn named(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    match name.len() {
        0 => Err(ApiError::Unfit("a name is wanted".to_owned())),
        1..=NAME_BYTES_MAX => Ok(name.to_owned()),
        _ => Err(ApiError::Unfit(format!("a name has at most {NAME_BYTES_MAX} bytes"))),
    }
}

pub(super) async fn noted(app: &App, who: &Who, what: &str, about: &str) -> Result<(), ApiError> {
    let at = clock::now();
    let deed = Deed { org: Some(&who.org), user: Some(&who.user), at, what, about, outcome: "ok" };
    Ok(app.store.audit(deed).await?)
}

/// A flow, read as strictly as one from a file.
fn strict<'de, D: Deserializer<'de>>(from: D) -> Result<Flow, D::Error> {
    parse_value(serde_json::Value::deserialize(from)?).map_err(serde::de::Error::custom)
}

fn strict_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Flow>, D::Error> {
    match Option::<serde_json::Value>::deserialize(from)? {
        Some(value) => parse_value(value).map(Some).map_err(serde::de::Error::custom),
        None => Ok(None),
    }
}

const USES_TOLD_MAX: usize = 5;
