//! Who is at work.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::guard::Who;
use crate::app::App;
use crate::model::{CallId, Millis, Presence, Role, UserId};

/// A person and whether they can be rung.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentSummary {
    /// Who.
    id: UserId,
    /// As shown.
    name: String,
    /// What they may do.
    role: Role,
    /// As set by themselves.
    presence: Presence,
    /// Since when; 0: never on duty.
    since: Millis,
    /// Their standing leg is connected.
    reachable: bool,
    /// The call they are on.
    #[schema(required)]
    call: Option<CallId>,
}

/// Everyone of the organisation who may sign in, by name.
#[utoipa::path(get, path = "/api/agents", operation_id = "list_agents", tag = "people", responses(
    (status = 200, body = Vec<AgentSummary>), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<AgentSummary>>, ApiError> {
    let mut agents = Vec::new();
    for user in app.store.users_of(&who.org).await? {
        let Some(duty) = app.store.on_duty(&user.id).await? else { continue };
        agents.push(AgentSummary {
            reachable: app.desk.reachable(&user.id),
            id: user.id,
            name: user.name,
            role: user.role,
            presence: duty.presence,
            since: duty.since,
            call: duty.call,
        });
    }
    Ok(Json(agents))
}
