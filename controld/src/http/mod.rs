//! Every route of the house, who may use it, and what every answer carries.

pub mod accounts;
pub mod admin;
pub mod agents;
pub mod audio;
pub mod auth;
pub mod calls;
pub mod contacts;
pub mod door;
pub mod error;
pub mod flows;
pub mod forwarded;
pub mod guard;
pub mod organisation;
pub mod pace;
pub mod pages;
pub mod range;
pub mod recordings;
pub mod serving;
pub mod sessions;
pub mod softphone;
pub mod take;
pub mod teams;
pub mod users;
pub mod webhook;

use ::audio::limits::UPLOAD_BYTES_MAX;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::app::intake::WEBHOOK_BODY_BYTES_MAX;
use crate::ivr::parse::FLOW_BYTES_MAX;
use crate::model::Role;
use crate::model::softphone::{FromTab, ToTab};

/// Who may use a route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Open,
    /// Whoever is signed in with this role or a higher one.
    Signed(Role),
}

/// Every route of the API and who may use it. The guard refuses what is not here; a test holds it against the document.
pub const ACCESS: &[(Method, &str, Access)] = &[
    (Method::POST, "/api/login", Access::Open),
    (Method::GET, "/api/openapi.json", Access::Open),
    (Method::POST, "/api/logout", Access::Signed(Role::Agent)),
    (Method::GET, "/api/me", Access::Signed(Role::Agent)),
    (Method::GET, "/api/calls", Access::Signed(Role::Agent)),
    (Method::GET, "/api/calls/{id}", Access::Signed(Role::Agent)),
    (Method::POST, "/api/calls/{id}/hang-up", Access::Signed(Role::Supervisor)),
    (Method::POST, "/api/calls/{id}/recording-link", Access::Signed(Role::Agent)),
    (Method::GET, "/api/live", Access::Signed(Role::Agent)),
    (Method::GET, "/api/flows", Access::Signed(Role::Agent)),
    (Method::POST, "/api/flows", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/flow.schema.json", Access::Signed(Role::Agent)),
    (Method::POST, "/api/flows/import", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}", Access::Signed(Role::Agent)),
    (Method::DELETE, "/api/flows/{id}", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}/draft", Access::Signed(Role::Admin)),
    (Method::PUT, "/api/flows/{id}/draft", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/lint", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/publish", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}/versions", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}/versions/{version}", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/versions/{version}/rollback", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}/diff", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}/export", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/duplicate", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/archive", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/restore", Access::Signed(Role::Admin)),
    (Method::GET, "/api/flows/{id}/uses", Access::Signed(Role::Admin)),
    (Method::POST, "/api/flows/{id}/simulate", Access::Signed(Role::Admin)),
    (Method::GET, "/api/accounts", Access::Signed(Role::Agent)),
    (Method::POST, "/api/accounts", Access::Signed(Role::Admin)),
    (Method::GET, "/api/accounts/{id}", Access::Signed(Role::Admin)),
    (Method::PATCH, "/api/accounts/{id}", Access::Signed(Role::Admin)),
    (Method::DELETE, "/api/accounts/{id}", Access::Signed(Role::Admin)),
    (Method::GET, "/api/audio", Access::Signed(Role::Admin)),
    (Method::POST, "/api/audio", Access::Signed(Role::Admin)),
    (Method::GET, "/api/audio/sound", Access::Signed(Role::Admin)),
    (Method::POST, "/api/audio/speech", Access::Signed(Role::Admin)),
    (Method::PATCH, "/api/audio/{id}", Access::Signed(Role::Admin)),
    (Method::DELETE, "/api/audio/{id}", Access::Signed(Role::Admin)),
    (Method::GET, "/api/audio/{id}/uses", Access::Signed(Role::Admin)),
    (Method::GET, "/api/teams", Access::Signed(Role::Agent)),
    (Method::POST, "/api/teams", Access::Signed(Role::Admin)),
    (Method::PATCH, "/api/teams/{id}", Access::Signed(Role::Admin)),
    (Method::DELETE, "/api/teams/{id}", Access::Signed(Role::Admin)),
    (Method::GET, "/api/users", Access::Signed(Role::Admin)),
    (Method::POST, "/api/users", Access::Signed(Role::Admin)),
    (Method::PATCH, "/api/users/{id}", Access::Signed(Role::Admin)),
    (Method::POST, "/api/me/password", Access::Signed(Role::Agent)),
    (Method::GET, "/api/me/sessions", Access::Signed(Role::Agent)),
    (Method::POST, "/api/me/sessions/end-others", Access::Signed(Role::Agent)),
    (Method::GET, "/api/audit", Access::Signed(Role::Admin)),
    (Method::GET, "/api/organisation", Access::Signed(Role::Agent)),
    (Method::PATCH, "/api/organisation", Access::Signed(Role::Admin)),
    (Method::GET, "/api/agents", Access::Signed(Role::Agent)),
    (Method::GET, "/api/contacts", Access::Signed(Role::Agent)),
    (Method::POST, "/api/contacts", Access::Signed(Role::Agent)),
    (Method::GET, "/api/contacts/{id}", Access::Signed(Role::Agent)),
    (Method::POST, "/api/contacts/{id}/ask-permission", Access::Signed(Role::Agent)),
    (Method::GET, "/api/softphone", Access::Signed(Role::Agent)),
];

/// The API's document: what the handlers' own types say.
pub fn document() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// The whole house behind one door.
pub fn house(app: App) -> Router {
    let api = api().split_for_parts().0.route_layer(middleware::from_fn_with_state(app.clone(), guard::guard));
    let router = Router::new()
        .merge(api.layer(DefaultBodyLimit::max(API_BODY_BYTES_MAX)))
        .route("/recordings/{id}", get(recordings::play))
        .route("/livez", get(admin::livez))
        .route("/readyz", get(admin::readyz))
        .route("/metrics", get(admin::metrics))
        .merge(webhook::routes().layer(DefaultBodyLimit::max(WEBHOOK_BODY_BYTES_MAX)))
        .fallback(pages::page);
    let policy = policy(&app.config.server.public_url);
    let finish = middleware::from_fn_with_state((app.clone(), policy), finish);
    router.layer(finish).with_state(app)
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Patchbay", description = "The API of controld. Changes carry `X-Patchbay: 1` and a JSON body."),
    components(schemas(FromTab, ToTab, audio::SoundPurpose))
)]
struct Document;

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(calls::list))
        .routes(routes!(calls::detail))
        .routes(routes!(calls::hang_up))
        .routes(routes!(recordings::link))
        .routes(routes!(calls::live))
        .merge(flow_routes())
        .merge(setting_routes())
        .routes(routes!(agents::list))
        .routes(routes!(contacts::list, contacts::create))
        .routes(routes!(contacts::detail))
        .routes(routes!(contacts::ask_permission))
        .routes(routes!(softphone::open))
        .routes(routes!(openapi_json))
}

/// Flows, whose bodies are larger than others.
fn flow_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(flows::list, flows::create))
        .routes(routes!(flows::schema))
        .routes(routes!(flows::import))
        .routes(routes!(flows::detail, flows::delete))
        .routes(routes!(flows::draft, flows::save))
        .routes(routes!(flows::duplicate))
        .routes(routes!(flows::archive))
        .routes(routes!(flows::restore))
        .routes(routes!(flows::uses))
        .routes(routes!(flows::publish::lint))
        .routes(routes!(flows::publish::publish))
        .routes(routes!(flows::publish::versions))
        .routes(routes!(flows::publish::version))
        .routes(routes!(flows::publish::roll_back))
        .routes(routes!(flows::compare::compare))
        .routes(routes!(flows::compare::export))
        .routes(routes!(flows::simulate::simulate))
        .layer(DefaultBodyLimit::max(FLOW_BODY_BYTES_MAX))
}

/// What admins set: numbers, sounds, teams, people.
fn setting_routes() -> OpenApiRouter<App> {
    let uploads = OpenApiRouter::new().routes(routes!(audio::list, audio::upload));
    OpenApiRouter::new()
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::detail, accounts::change, accounts::delete))
        .routes(routes!(audio::sound))
        .routes(routes!(audio::speak))
        .routes(routes!(audio::rename, audio::delete))
        .routes(routes!(audio::uses))
        .routes(routes!(teams::list, teams::create))
        .routes(routes!(teams::change, teams::delete))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::change))
        .routes(routes!(users::own_password))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end_others))
        .routes(routes!(sessions::audit))
        .routes(routes!(organisation::detail, organisation::change))
        .merge(uploads.layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "house", responses((status = 200, body = Object)))]
async fn openapi_json() -> axum::Json<utoipa::openapi::OpenApi> {
    axum::Json(document())
}

/// What every answer carries, and its place in the counts.
async fn finish(State((app, policy)): State<(App, HeaderValue)>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    app.counts.answered(response.status().as_u16());
    let headers = response.headers_mut();
    for (name, value) in SAFETY {
        headers.entry(name).or_insert(value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    if app.config.is_tls() {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
    }
    response
}

/// `connect-src` names our WebSocket, which not every browser counts as `'self'`.
fn policy(public_url: &str) -> HeaderValue {
    let socket = public_url.trim_end_matches('/').replacen("http", "ws", 1);
    let policy = format!(
        "default-src 'self'; connect-src 'self' {socket}; media-src 'self' blob:; img-src 'self' data:; \
         style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

/// OWASP ASVS 5.0 §3.4.
const SAFETY: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("microphone=(self), camera=(), geolocation=()"),
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");
const API_BODY_BYTES_MAX: usize = 64 * 1024;
/// A flow, and what is sent around it.
const FLOW_BODY_BYTES_MAX: usize = FLOW_BYTES_MAX + 256 * 1024;
