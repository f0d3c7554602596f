//! The people of an organisation: who may sign in, as what, and their own password.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::flows::{named, noted};
use super::guard::Who;
use super::take::Body;
use crate::app::App;
use crate::model::{Role, UserId, clock};
use crate::store::users::User;

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// Who.
    id: UserId,
    /// As shown.
    name: String,
    /// Lower case.
    email: String,
    /// What they may do.
    role: Role,
    /// May not sign in.
    disabled: bool,
}

/// A person to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// As shown.
    name: String,
    /// Nobody else's.
    email: String,
    /// What they may do.
    role: Role,
    /// At least 12 characters.
    password: String,
}

/// A change of a person; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangePerson {
    /// As shown.
    name: Option<String>,
    /// Nobody else's.
    email: Option<String>,
    /// What they may do.
    role: Option<Role>,
    /// At least 12 characters; their sessions end.
    password: Option<String>,
    /// May not sign in; their sessions end.
    disabled: Option<bool>,
}

/// Another password of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The present one.
    old: String,
    /// At least 12 characters.
    new: String,
}

/// Everyone of the organisation, by name.
#[utoipa::path(get, path = "/api/users", operation_id = "list_users", tag = "people",
    responses((status = 200, body = Vec<Person>), (status = 401, body = Refused), (status = 403, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Vec<Person>>, ApiError> {
    Ok(Json(app.store.users_of(&who.org).await?.into_iter().map(shown).collect()))
}

/// Adds a person.
#[utoipa::path(post, path = "/api/users", operation_id = "create_user", tag = "people", request_body = NewPerson,
    responses((status = 201, body = Person), (status = 409, body = Refused), (status = 422, body = Refused)))]
pub async fn create(State(app): State<App>, who: Who, Body(new): Body<NewPerson>) -> Result<Response, ApiError> {
    let now = clock::now();
    let user = User {
        id: UserId::fresh(now),
        org: who.org.clone(),
        email: email(&new.email)?,
        name: named(&new.name)?,
        role: new.role,
        password_hash: app.passwords.hash(password(&new.password)?).await?,
        disabled: false,
    };
    app.store.add_user(&user, now).await.map_err(taken)?;
    noted(&app, &who, "user.create", user.id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(shown(user))).into_response())
}

/// Changes a person. Nobody takes their own role or access away, and the last admin stays one.
#[utoipa::path(patch, path = "/api/users/{id}", operation_id = "change_user", tag = "people", params(("id" = String, Path)),
    request_body = ChangePerson, responses((status = 200, body = Person), (status = 404, body = Refused),
    (status = 409, body = Refused), (status = 422, body = Refused)))]
pub async fn change(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(change): Body<ChangePerson>,
) -> Result<Json<Person>, ApiError> {
    let user = app.store.user(&UserId(id)).await?.filter(|user| user.org == who.org);
    let mut user = user.ok_or(ApiError::NotFound("person"))?;
    let role = change.role.unwrap_or(user.role);
    let disabled = change.disabled.unwrap_or(user.disabled);
    if user.id == who.user && (disabled || role < user.role) {
        return Err(ApiError::Conflict("you cannot lock yourself out or take your own role away".to_owned()));
    }
    (user.role, user.disabled) = (role, disabled);
    if let Some(name) = change.name {
        user.name = named(&name)?;
    }
    if let Some(address) = change.email {
        user.email = email(&address)?;
    }
    if let Some(new) = &change.password {
        user.password_hash = app.passwords.hash(password(new)?).await?;
    }
    if !app.store.change_user(&user, change.password.is_some()).await.map_err(taken)? {
        return Err(ApiError::Conflict("the organisation needs an admin who may sign in".to_owned()));
    }
    noted(&app, &who, "user.change", user.id.as_str()).await?;
    Ok(Json(shown(user)))
}

/// Changes one's own password; every session of theirs ends, this one included.
#[utoipa::path(post, path = "/api/me/password", operation_id = "change_password", tag = "people", request_body = ChangePassword,
    responses((status = 204), (status = 401, body = Refused), (status = 422, body = Refused)))]
pub async fn own_password(
    State(app): State<App>,
    who: Who,
    Body(change): Body<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let mut user = app.store.user(&who.user).await?.ok_or(ApiError::Unauthenticated)?;
    if change.old.len() > PASSWORD_BYTES_MAX || !app.passwords.fits(&change.old, Some(&user.password_hash)).await {
        return Err(ApiError::Unfit("the present password is wrong".to_owned()));
    }
    user.password_hash = app.passwords.hash(password(&change.new)?).await?;
    app.store.change_user(&user, true).await?;
    noted(&app, &who, "user.password", user.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(user: User) -> Person {
    Person { id: user.id, name: user.name, email: user.email, role: user.role, disabled: user.disabled }
}

fn taken(why: crate::store::StoreError) -> ApiError {
    match why.is_conflict() {
        true => ApiError::Conflict("somebody has this e-mail address already".to_owned()),
        false => why.into(),
    }
}

fn email(text: &str) -> Result<String, ApiError> {
    let text = text.trim().to_lowercase();
    let parts =
        text.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
    let plain = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    match parts {
        Some(_) if plain && text.len() <= EMAIL_BYTES_MAX => Ok(text),
        _ => Err(ApiError::Unfit("an e-mail address looks like ana@example.com".to_owned())),
    }
}

fn password(text: &str) -> Result<&str, ApiError> {
    if text.chars().count() < PASSWORD_CHARS_MIN {
        return Err(ApiError::Unfit(format!("a password has at least {PASSWORD_CHARS_MIN} characters")));
    }
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(ApiError::Unfit(format!("a password has at most {PASSWORD_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// OWASP ASVS 5.0 §6.2: long ones, of any characters.
const PASSWORD_CHARS_MIN: usize = 12;
const PASSWORD_BYTES_MAX: usize = 1_024;
const EMAIL_BYTES_MAX: usize = 254;
