//! Signing in and out.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::door::Peer;
use super::error::{ApiError, Refused};
use super::forwarded;
use super::guard::{Who, cookie_name, token_hash};
use super::take::Body;
use crate::app::App;
use crate::model::{Millis, OrgId, Role, UserId, clock};
use crate::store::audit::Deed;
use crate::store::sessions::LIFE_MS;
use crate::store::users::User;

/// What a person types.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// E-mail address, any case.
    email: String,
    /// Any characters, at most 1024 bytes.
    password: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Who.
    id: UserId,
    /// As shown.
    name: String,
    /// Lower case.
    email: String,
    /// What they may do.
    role: Role,
    /// Of which organisation.
    organisation: Organisation,
}

/// An organisation and its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Organisation {
    /// Which.
    id: OrgId,
    /// As shown.
    name: String,
}

/// Signs in; the session is in the cookie.
#[utoipa::path(post, path = "/api/login", tag = "people", request_body = Login, responses(
    (status = 200, body = Me), (status = 401, body = Refused), (status = 429, body = Refused)))]
pub async fn login(
    State(app): State<App>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, ApiError> {
    let now = clock::now();
    let client = forwarded::client(&app.proxies, peer.ip(), &headers);
    let user = match check(&app, &login, client, now).await {
        Ok(user) => user,
        Err(why) => {
            note_refusal(&app, client, &why, now).await?;
            return Err(why);
        }
    };
    let token = hex::encode(rand::random::<[u8; 32]>());
    app.store.open_session(&token_hash(&token), &user.id, now, now + LIFE_MS).await?;
    let about = client.to_string();
    let deed =
        Deed { org: Some(&user.org), user: Some(&user.id), at: now, what: "login", about: &about, outcome: "ok" };
    app.store.audit(deed).await?;
    let org_name = app.store.org(&user.org).await?.ok_or(ApiError::Internal)?.name;
    info!(user.id = %user.id, "{} signed in", user.id);
    let me = Me {
        id: user.id,
        name: user.name,
        email: user.email,
        role: user.role,
        organisation: Organisation { id: user.org, name: org_name },
    };
    Ok(([(header::SET_COOKIE, set_cookie(&app, &token, LIFE_MS / 1000)?)], Json(me)).into_response())
}

/// Signs out; the session is over.
#[utoipa::path(post, path = "/api/logout", tag = "people", responses((status = 204), (status = 401, body = Refused)))]
pub async fn logout(State(app): State<App>, who: Who) -> Result<Response, ApiError> {
    app.store.close_session(&who.token_hash).await?;
    // Nobody may be listening.
    let _ = app.signed_out.send(who.token_hash.clone());
    let now = clock::now();
    let deed = Deed { org: Some(&who.org), user: Some(&who.user), at: now, what: "logout", about: "", outcome: "ok" };
    app.store.audit(deed).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&app, "", 0)?)]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "people", responses((status = 200, body = Me), (status = 401, body = Refused)))]
pub async fn me(who: Who) -> Json<Me> {
    Json(Me {
        id: who.user,
        name: who.name,
        email: who.email,
        role: who.role,
        organisation: Organisation { id: who.org, name: who.org_name },
    })
}

/// The person, if limits, name and password allow. The same work and the same words for every wrong one.
async fn check(app: &App, login: &Login, ip: IpAddr, now: Millis) -> Result<User, ApiError> {
    if login.email.len() > EMAIL_BYTES_MAX || login.password.len() > PASSWORD_BYTES_MAX {
        return Err(ApiError::WrongPassword);
    }
    let tried = with_logins(app, |logins| logins.attempt(&login.email, ip, now));
    if let Err(secs) = tried {
        app.counts.logins_limited.add();
        return Err(ApiError::TooMany(secs));
    }
    let user = app.store.user_by_email(&login.email).await?.filter(|user| !user.disabled);
    let fits = app.passwords.fits(&login.password, user.as_ref().map(|user| &user.password_hash)).await;
    match user {
        Some(user) if fits => {
            app.counts.logins_ok.add();
            with_logins(app, |logins| logins.succeeded(&login.email, ip, now));
            Ok(user)
        }
        _ => {
            app.counts.logins_refused.add();
            Err(ApiError::WrongPassword)
        }
    }
}

/// WHY not each one: a row is a write with an fsync, and strangers decide how many refusals there are.
async fn note_refusal(app: &App, client: IpAddr, why: &ApiError, now: Millis) -> Result<(), ApiError> {
    let is_counted_only = matches!(why, ApiError::TooMany(_));
    if is_counted_only || !with_logins(app, |logins| logins.is_worth_a_row(client, now)) {
        return Ok(());
    }
    let (about, outcome) = (client.to_string(), why.to_string());
    let deed = Deed { org: None, user: None, at: now, what: "login", about: &about, outcome: &outcome };
    Ok(app.store.audit(deed).await?)
}

fn with_logins<T>(app: &App, work: impl FnOnce(&mut crate::app::logins::Logins) -> T) -> T {
    work(&mut app.logins.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn set_cookie(app: &App, token: &str, life_secs: i64) -> Result<HeaderValue, ApiError> {
    let secure = if app.config.is_tls() { "; Secure" } else { "" };
    let name = cookie_name(&app.config);
    let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={life_secs}{secure}");
    HeaderValue::from_str(&text).map_err(|_| ApiError::Internal)
}

const EMAIL_BYTES_MAX: usize = 320;
const PASSWORD_BYTES_MAX: usize = 1024;
