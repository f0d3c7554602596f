//! Every route of the house, who may use it, and what every answer carries.

pub mod accounts;
pub mod admin;
pub mod agents;
pub mod auth;
pub mod calls;
pub mod error;
pub mod flows;
pub mod guard;
pub mod pages;
pub mod range;
pub mod recordings;
#[cfg(room_http_softphone)]
pub mod softphone;
pub mod take;
#[cfg(room_http_webhook)]
pub mod webhook;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
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
    (Method::GET, "/api/flows/{id}", Access::Signed(Role::Agent)),
    (Method::GET, "/api/accounts", Access::Signed(Role::Agent)),
    (Method::GET, "/api/agents", Access::Signed(Role::Agent)),
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
        .fallback(pages::page);
    #[cfg(room_http_webhook)]
    let router = router.merge(webhook::routes().layer(DefaultBodyLimit::max(WEBHOOK_BODY_BYTES_MAX)));
    router.layer(middleware::from_fn_with_state(app.clone(), finish)).with_state(app)
}

/// The address at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Patchbay", description = "The API of controld. Changes carry `X-Patchbay: 1` and a JSON body."),
    components(schemas(FromTab, ToTab))
)]
struct Document;

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(calls::list))
        .routes(routes!(calls::detail))
        .routes(routes!(recordings::link))
        .routes(routes!(calls::live))
        .routes(routes!(flows::list))
        .routes(routes!(flows::detail))
        .routes(routes!(accounts::list))
        .routes(routes!(agents::list))
        .routes(routes!(openapi_json))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "house", responses((status = 200, body = Object)))]
async fn openapi_json() -> axum::Json<utoipa::openapi::OpenApi> {
    axum::Json(document())
}

/// What every answer carries, and its place in the counts.
async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    app.counts.answered(response.status().as_u16());
    let headers = response.headers_mut();
    for (name, value) in SAFETY {
        headers.entry(name).or_insert(value);
    }
    if app.config.is_tls() {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
    }
    response
}

/// OWASP ASVS 5.0 §3.4. `connect-src` names the WebSocket's schemes, which not every browser counts as `'self'`.
const SAFETY: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; img-src 'self' data:; \
             style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("microphone=(self), camera=(), geolocation=()")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");
const API_BODY_BYTES_MAX: usize = 64 * 1024;
/// Meta sends at most 3 MB.
#[cfg(room_http_webhook)]
const WEBHOOK_BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
