//! The WhatsApp numbers, without their secrets.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::guard::Who;
use crate::app::App;
use crate::model::{AccountId, FlowId};

/// A number.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountSummary {
    /// Which.
    id: AccountId,
    /// As shown.
    name: String,
    /// Digits only.
    display_number: String,
    /// Where its callers start.
    #[schema(required)]
    start_flow: Option<FlowId>,
    /// It takes calls.
    calling_enabled: bool,
}

/// Every number, by name.
#[utoipa::path(get, path = "/api/accounts", operation_id = "list_accounts", tag = "settings", responses(
    (status = 200, body = Vec<AccountSummary>), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<AccountSummary>>, ApiError> {
    let accounts = app.store.accounts_of(&who.org).await?.into_iter().map(|account| AccountSummary {
        id: account.id,
        name: account.name,
        display_number: account.display_number,
        start_flow: account.start_flow,
        calling_enabled: account.calling_enabled,
    });
    Ok(Json(accounts.collect()))
}
