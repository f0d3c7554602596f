//! Contacts: who has called or been called, and whether WhatsApp lets us call them now.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Refused};
use super::flows::{named, noted};
use super::guard::Who;
use super::take::Body;
use crate::app::App;
use crate::model::{AccountId, ContactId, clock};
use crate::outside::whatsapp::permission::Permission;
use crate::store::contacts::Contact as Row;

/// Whom to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactQuery {
    /// Part of the name or the number.
    q: Option<String>,
    /// At most so many, 1 to 200; absent: 50.
    limit: Option<i64>,
}

/// A person at the other end.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contact {
    /// Which.
    id: ContactId,
    /// Profile name; empty if none was told.
    name: String,
    /// Digits; empty for users with usernames.
    phone: String,
}

/// A person, and whether they can be called.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactDetail {
    /// Who.
    contact: Contact,
    /// The number they would be called from.
    account: AccountId,
    /// What WhatsApp says about calling them; `null` if it could not be asked.
    #[schema(required)]
    permission: Option<Permission>,
    /// Why it could not be asked: one sentence.
    #[schema(required)]
    problem: Option<String>,
}

/// A contact to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    /// As shown until WhatsApp tells their own name.
    name: String,
    /// With its country code; spaces, dashes, brackets and a plus sign are left out.
    phone: String,
}

/// A request for permission to call.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AskPermission {
    /// What the user reads above the buttons; absent: WhatsApp's own words only.
    text: Option<String>,
}

/// Contacts by name.
#[utoipa::path(get, path = "/api/contacts", operation_id = "list_contacts", tag = "contacts", params(ContactQuery),
    responses((status = 200, body = Vec<Contact>), (status = 400, body = Refused), (status = 401, body = Refused)))]
pub async fn list(
    State(app): State<App>,
    who: Who,
    Query(query): Query<ContactQuery>,
) -> Result<Json<Vec<Contact>>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::BadRequest(format!("limit is 1 to {PAGE_MAX}")));
    }
    let part = query.q.unwrap_or_default();
    let rows = app.store.contacts_of(&who.org, part.trim(), limit).await?;
    Ok(Json(rows.into_iter().map(shown).collect()))
}

/// Adds a contact who has not called yet.
#[utoipa::path(post, path = "/api/contacts", operation_id = "create_contact", tag = "contacts", request_body = NewContact,
    responses((status = 201, body = Contact), (status = 409, body = Refused), (status = 422, body = Refused)))]
pub async fn create(State(app): State<App>, who: Who, Body(new): Body<NewContact>) -> Result<Response, ApiError> {
    let phone: String = new.phone.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '+')).collect();
    if !(PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&phone.len()) || !phone.chars().all(|c| c.is_ascii_digit()) {
        return Err(ApiError::Unfit("a phone number has 7 to 15 digits, with its country code".to_owned()));
    }
    let now = clock::now();
    let row = Row { id: ContactId::fresh(now), wa_id: Some(phone), user_key: None, name: named(&new.name)? };
    match app.store.add_contact(&who.org, &row, now).await {
        Err(why) if why.is_conflict() => return Err(ApiError::Conflict("this number is a contact already".to_owned())),
        added => added?,
    }
    noted(&app, &who, "contact.create", row.id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(shown(row))).into_response())
}

/// One contact, with WhatsApp's word on calling them now.
#[utoipa::path(get, path = "/api/contacts/{id}", operation_id = "get_contact", tag = "contacts", params(("id" = String, Path)),
    responses((status = 200, body = ContactDetail), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn detail(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<ContactDetail>, ApiError> {
    let row = contact(&app, &who, id).await?;
    let account = app.desk.number_for(&who.org, &row).await.map_err(ApiError::Conflict)?;
    let asked = app.desk.permission(&account, &row).await;
    let (permission, problem) = match asked {
        Ok(permission) => (Some(permission), None),
        Err(why) => (None, Some(why)),
    };
    Ok(Json(ContactDetail { contact: shown(row), account: account.id, permission, problem }))
}

/// Asks the contact for permission to call. WhatsApp shows them its own card.
#[utoipa::path(post, path = "/api/contacts/{id}/ask-permission", operation_id = "ask_permission", tag = "contacts",
    params(("id" = String, Path)), request_body = AskPermission,
    responses((status = 204), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn ask_permission(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(ask): Body<AskPermission>,
) -> Result<StatusCode, ApiError> {
    let text = ask.text.unwrap_or_default();
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(ApiError::BadRequest(format!("text is at most {TEXT_CHARS_MAX} characters")));
    }
    let row = contact(&app, &who, id).await?;
    let account = app.desk.number_for(&who.org, &row).await.map_err(ApiError::Conflict)?;
    app.desk.ask_permission(&account, &row, text.trim()).await.map_err(ApiError::Conflict)?;
    noted(&app, &who, "contact.ask_permission", row.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn contact(app: &App, who: &Who, id: String) -> Result<Row, ApiError> {
    app.store.contact_of(&who.org, &ContactId(id)).await?.ok_or(ApiError::NotFound("contact"))
}

fn shown(row: Row) -> Contact {
    Contact { id: row.id, name: row.name, phone: row.wa_id.unwrap_or_default() }
}

/// E.164 allows 15.
const PHONE_DIGITS_MAX: usize = 15;
const PHONE_DIGITS_MIN: usize = 7;
const PAGE: i64 = 50;
const PAGE_MAX: i64 = 200;
/// Meta's limit of an interactive message's body.
const TEXT_CHARS_MAX: usize = 1_024;
