//! The WhatsApp numbers. Token and app secret go in and never come out.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::flows::{named, noted};
use super::guard::Who;
use super::take::{Body, given};
use crate::app::App;
use crate::model::{AccountId, FlowId, Secret, clock};
use crate::store::accounts::Account;

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

/// A number as its admins see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountDetail {
    /// What everyone sees.
    #[serde(flatten)]
    summary: AccountSummary,
    /// Meta's id of the number.
    phone_number_id: String,
    /// A token is set; it is never shown.
    has_token: bool,
    /// An app secret is set; it is never shown.
    has_app_secret: bool,
    /// To be entered at Meta beside the address.
    verify_token: String,
    /// Where Meta sends its webhooks.
    webhook_url: String,
}

/// A number to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// As shown.
    name: String,
    /// Meta's id of the number.
    phone_number_id: String,
    /// Digits; spaces, dashes, brackets and a plus are dropped.
    display_number: String,
    /// Bearer token of the Graph API; write-only.
    token: String,
    /// Key of the webhook's signature; write-only.
    app_secret: String,
    /// Absent: one is made.
    #[serde(default)]
    verify_token: Option<String>,
    /// A published flow.
    #[serde(default)]
    start_flow: Option<FlowId>,
    /// Absent: it takes calls.
    #[serde(default = "yes")]
    calling_enabled: bool,
}

/// A change of a number; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeAccount {
    /// As shown.
    name: Option<String>,
    /// Meta's id of the number.
    phone_number_id: Option<String>,
    /// Digits.
    display_number: Option<String>,
    /// Write-only.
    token: Option<String>,
    /// Write-only.
    app_secret: Option<String>,
    /// What Meta says when it first calls the webhook.
    verify_token: Option<String>,
    /// A published flow; null: none, and calls are refused.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<FlowId>)]
    start_flow: Option<Option<FlowId>>,
    /// It takes calls.
    calling_enabled: Option<bool>,
}

/// Every number, by name.
#[utoipa::path(get, path = "/api/accounts", operation_id = "list_accounts", tag = "settings", responses(
    (status = 200, body = Vec<AccountSummary>), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<AccountSummary>>, ApiError> {
    let accounts = app.store.accounts_of(&who.org).await?;
    Ok(Json(accounts.iter().map(summary).collect()))
}

/// A number, without its secrets.
#[utoipa::path(get, path = "/api/accounts/{id}", operation_id = "account_detail", tag = "settings", params(("id" = String, Path)),
    responses((status = 200, body = AccountDetail), (status = 404, body = Refused)))]
pub async fn detail(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<AccountDetail>, ApiError> {
    let account = account(&app, &who, id).await?;
    Ok(Json(shown(&app, &account)))
}

/// Adds a number.
#[utoipa::path(post, path = "/api/accounts", operation_id = "create_account", tag = "settings", request_body = NewAccount,
    responses((status = 201, body = AccountDetail), (status = 409, body = Refused), (status = 422, body = Refused)))]
pub async fn create(State(app): State<App>, who: Who, Body(new): Body<NewAccount>) -> Result<Response, ApiError> {
    let now = clock::now();
    let account = Account {
        id: AccountId::fresh(now),
        org: who.org.clone(),
        name: named(&new.name)?,
        phone_number_id: phone_number_id(&new.phone_number_id)?,
        display_number: display_number(&new.display_number)?,
        token: secret(new.token, "token")?,
        app_secret: secret(new.app_secret, "app secret")?,
        verify_token: match new.verify_token {
            Some(token) => secret(token, "verify token")?,
            None => Secret(hex::encode(rand::random::<[u8; 16]>())),
        },
        start_flow: new.start_flow,
        calling_enabled: new.calling_enabled,
    };
    check_flow(&app, &who, account.start_flow.as_ref()).await?;
    app.store.add_account(&account, now).await.map_err(taken)?;
    noted(&app, &who, "account.create", account.id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &account))).into_response())
}

/// Changes a number.
#[utoipa::path(patch, path = "/api/accounts/{id}", operation_id = "change_account", tag = "settings", params(("id" = String, Path)),
    request_body = ChangeAccount, responses((status = 200, body = AccountDetail), (status = 404, body = Refused),
    (status = 409, body = Refused), (status = 422, body = Refused)))]
pub async fn change(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(change): Body<ChangeAccount>,
) -> Result<Json<AccountDetail>, ApiError> {
    let mut account = account(&app, &who, id).await?;
    if let Some(name) = change.name {
        account.name = named(&name)?;
    }
    if let Some(id) = change.phone_number_id {
        account.phone_number_id = phone_number_id(&id)?;
    }
    if let Some(number) = change.display_number {
        account.display_number = display_number(&number)?;
    }
    if let Some(token) = change.token {
        account.token = secret(token, "token")?;
    }
    if let Some(app_secret) = change.app_secret {
        account.app_secret = secret(app_secret, "app secret")?;
    }
    if let Some(token) = change.verify_token {
        account.verify_token = secret(token, "verify token")?;
    }
    if let Some(flow) = change.start_flow {
        check_flow(&app, &who, flow.as_ref()).await?;
        account.start_flow = flow;
    }
    account.calling_enabled = change.calling_enabled.unwrap_or(account.calling_enabled);
    if !app.store.change_account(&account).await.map_err(taken)? {
        return Err(ApiError::NotFound("number"));
    }
    noted(&app, &who, "account.change", account.id.as_str()).await?;
    Ok(Json(shown(&app, &account)))
}

/// Removes a number no call tells of.
#[utoipa::path(delete, path = "/api/accounts/{id}", operation_id = "delete_account", tag = "settings", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn delete(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let account = account(&app, &who, id).await?;
    if !app.store.delete_account(&who.org, &account.id).await? {
        let why = "the call log tells of this number, so it stays; turn its calling off instead";
        return Err(ApiError::Conflict(why.to_owned()));
    }
    noted(&app, &who, "account.delete", account.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn account(app: &App, who: &Who, id: String) -> Result<Account, ApiError> {
    let account = app.store.account(&AccountId(id)).await?;
    account.filter(|account| account.org == who.org).ok_or(ApiError::NotFound("number"))
}

async fn check_flow(app: &App, who: &Who, flow: Option<&FlowId>) -> Result<(), ApiError> {
    let Some(flow) = flow else { return Ok(()) };
    match app.store.published_flow(&who.org, flow).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::Unfit("the start flow is not a published flow of this organisation".to_owned())),
    }
}

fn summary(account: &Account) -> AccountSummary {
    AccountSummary {
        id: account.id.clone(),
        name: account.name.clone(),
        display_number: account.display_number.clone(),
        start_flow: account.start_flow.clone(),
        calling_enabled: account.calling_enabled,
    }
}

fn shown(app: &App, account: &Account) -> AccountDetail {
    let public = app.config.server.public_url.trim_end_matches('/');
    AccountDetail {
        summary: summary(account),
        phone_number_id: account.phone_number_id.clone(),
        has_token: !account.token.0.is_empty(),
        has_app_secret: !account.app_secret.0.is_empty(),
        verify_token: account.verify_token.0.clone(),
        webhook_url: format!("{public}/webhooks/{}", account.id),
    }
}

fn taken(why: crate::store::StoreError) -> ApiError {
    match why.is_conflict() {
        true => ApiError::Conflict("a number with this phone number id exists already".to_owned()),
        false => why.into(),
    }
}

fn phone_number_id(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let fits = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits {
        Ok(text.to_owned())
    } else {
        Err(ApiError::Unfit("a phone number id is digits, as Meta shows it".to_owned()))
    }
}

fn display_number(text: &str) -> Result<String, ApiError> {
    let plain: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '(' | ')' | '+' | '.')).collect();
    let fits = (4..=DIGITS_MAX).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_digit());
    if fits {
        Ok(plain)
    } else {
        Err(ApiError::Unfit("a telephone number is digits, with its country code".to_owned()))
    }
}

fn secret(text: String, what: &str) -> Result<Secret, ApiError> {
    let fits = (1..=SECRET_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(Secret(text)) } else { Err(ApiError::Unfit(format!("the {what} is printable ASCII without spaces"))) }
}

fn yes() -> bool {
    true
}

const DIGITS_MAX: usize = 32;
const SECRET_BYTES_MAX: usize = 2_000;
