//! Teams: who is rung, and in which order.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::flows::{Uses, named, naming, noted};
use super::guard::Who;
use super::take::Body;
use crate::app::App;
use crate::ivr::node::Kind;
use crate::model::{TeamId, UserId, clock};
use crate::store::teams::{Strategy, Team as TeamRow};

/// A team.
#[derive(Debug, Serialize, ToSchema)]
pub struct Team {
    /// Which.
    id: TeamId,
    /// As shown.
    name: String,
    /// Who of it is rung.
    strategy: Strategy,
    /// Who is in it.
    members: Vec<UserId>,
}

/// A team to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// As shown.
    name: String,
    /// Absent: all.
    #[serde(default = "all")]
    strategy: Strategy,
    /// Who is in it.
    #[serde(default)]
    members: Vec<UserId>,
}

/// A change of a team; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeTeam {
    /// As shown.
    name: Option<String>,
    /// Who of it is rung.
    strategy: Option<Strategy>,
    /// Who is in it, all of them.
    members: Option<Vec<UserId>>,
}

/// Every team, by name.
#[utoipa::path(get, path = "/api/teams", operation_id = "list_teams", tag = "people",
    responses((status = 200, body = Vec<Team>), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<Team>>, ApiError> {
    let mut teams = Vec::new();
    for row in app.store.teams_of(&who.org).await? {
        let members = app.store.everyone_in(&row.id).await?;
        teams.push(shown(row, members));
    }
    Ok(Json(teams))
}

/// Adds a team.
#[utoipa::path(post, path = "/api/teams", operation_id = "create_team", tag = "people", request_body = NewTeam,
    responses((status = 201, body = Team), (status = 422, body = Refused)))]
pub async fn create(State(app): State<App>, who: Who, Body(new): Body<NewTeam>) -> Result<Response, ApiError> {
    let now = clock::now();
    let members = ours(&app, &who, new.members).await?;
    let row = TeamRow { id: TeamId::fresh(now), org: who.org.clone(), name: named(&new.name)?, strategy: new.strategy };
    app.store.add_team(&row, &members, now).await?;
    noted(&app, &who, "team.create", row.id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(shown(row, members))).into_response())
}

/// Changes a team.
#[utoipa::path(patch, path = "/api/teams/{id}", operation_id = "change_team", tag = "people", params(("id" = String, Path)),
    request_body = ChangeTeam, responses((status = 200, body = Team), (status = 404, body = Refused), (status = 422, body = Refused)))]
pub async fn change(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(change): Body<ChangeTeam>,
) -> Result<Json<Team>, ApiError> {
    let mut row = team(&app, &who, id).await?;
    if let Some(name) = change.name {
        row.name = named(&name)?;
    }
    row.strategy = change.strategy.unwrap_or(row.strategy);
    let members = match change.members {
        Some(members) => ours(&app, &who, members).await?,
        None => app.store.everyone_in(&row.id).await?,
    };
    if !app.store.change_team(&row, &members).await? {
        return Err(ApiError::NotFound("team"));
    }
    noted(&app, &who, "team.change", row.id.as_str()).await?;
    Ok(Json(shown(row, members)))
}

/// Removes a team that no flow sends callers to.
#[utoipa::path(delete, path = "/api/teams/{id}", operation_id = "delete_team", tag = "people", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn delete(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let row = team(&app, &who, id).await?;
    let sends = |kind: &Kind| matches!(kind, Kind::Transfer(transfer) if transfer.team == row.id);
    let flows = naming(&app, &who, |flow| flow.nodes.iter().any(|node| sends(&node.kind))).await?;
    if !flows.is_empty() {
        let uses = Uses::of_flows(flows);
        return Err(ApiError::InUse(
            format!("callers are still sent to {}: {}", row.name, uses.told()),
            Box::new(uses),
        ));
    }
    if !app.store.delete_team(&who.org, &row.id).await? {
        return Err(ApiError::Conflict("callers are waiting for this team".to_owned()));
    }
    noted(&app, &who, "team.delete", row.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn team(app: &App, who: &Who, id: String) -> Result<TeamRow, ApiError> {
    app.store.team(&who.org, &TeamId(id)).await?.ok_or(ApiError::NotFound("team"))
}

/// The members, each once, all of this organisation.
async fn ours(app: &App, who: &Who, mut members: Vec<UserId>) -> Result<Vec<UserId>, ApiError> {
    members.sort();
    members.dedup();
    let people = app.store.users_of(&who.org).await?;
    match members.iter().find(|member| !people.iter().any(|person| person.id == **member)) {
        Some(stranger) => Err(ApiError::Unfit(format!("{stranger} is nobody of this organisation"))),
        None => Ok(members),
    }
}

fn shown(row: TeamRow, members: Vec<UserId>) -> Team {
    Team { id: row.id, name: row.name, strategy: row.strategy, members }
}

fn all() -> Strategy {
    Strategy::All
}
