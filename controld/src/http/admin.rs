//! For machines that watch: alive, ready, and what was counted.

use std::fmt::Write;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::door::Peer;
use super::error::ApiError;
use super::guard::{Who, signed_in};
use crate::app::App;
use crate::model::counts::Count;
use crate::model::{Role, clock};

/// The process runs.
pub async fn livez() -> &'static str {
    "alive\n"
}

/// The database takes changes and mediad answers.
pub async fn readyz(State(app): State<App>) -> Response {
    let missing = [("the database", app.store.is_ready().await), ("mediad", app.desk.has_media())];
    let missing: Vec<&str> = missing.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {} does not answer\n", missing.join(" and "))).into_response()
}

/// Counts in Prometheus' text format, for this machine and for admins.
pub async fn metrics(
    State(app): State<App>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // WHY: behind a proxy every peer is this machine, so a forwarded request is judged by its cookie.
    let direct =
        peer.ip().is_loopback() && !["forwarded", "x-forwarded-for"].iter().any(|name| headers.contains_key(*name));
    if !direct {
        let who: Who = signed_in(&app, &headers, clock::now()).await?;
        if who.role < Role::Admin {
            return Err(ApiError::Forbidden);
        }
    }
    let text = text(&app, app.store.live_count().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

fn text(app: &App, calls_live: i64) -> String {
    let counts = &app.counts;
    let mut text = String::new();
    let mut say = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
        let _ = writeln!(text, "# HELP patchbay_{name} {help}\n# TYPE patchbay_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "patchbay_{name}{labels} {value}");
        }
    };
    let live = u64::try_from(calls_live).unwrap_or_default();
    say("calls_live", "gauge", "Calls that are not over.", &[("", live)]);
    say("mediad_connected", "gauge", "1 while mediad answers.", &[("", u64::from(app.desk.has_media()))]);
    let classes = ["{class=\"1xx\"}", "{class=\"2xx\"}", "{class=\"3xx\"}", "{class=\"4xx\"}", "{class=\"5xx\"}"];
    let answers: Vec<_> = classes.into_iter().zip(counts.answers.iter().map(Count::get)).collect();
    say("http_answers_total", "counter", "HTTP answers by class.", &answers);
    let logins = [
        ("{outcome=\"ok\"}", counts.logins_ok.get()),
        ("{outcome=\"refused\"}", counts.logins_refused.get()),
        ("{outcome=\"limited\"}", counts.logins_limited.get()),
    ];
    say("logins_total", "counter", "Attempts to sign in.", &logins);
    let refusals = [
        ("{why=\"unauthenticated\"}", counts.unauthenticated.get()),
        ("{why=\"forbidden\"}", counts.forbidden.get()),
        ("{why=\"cross_site\"}", counts.cross_site.get()),
        ("{why=\"bad_link\"}", counts.bad_links.get()),
    ];
    say("http_refused_total", "counter", "Requests refused at the door.", &refusals);
    let recordings = [
        ("{outcome=\"archived\"}", counts.archived.get()),
        ("{outcome=\"retried\"}", counts.archive_retries.get()),
        ("{outcome=\"failed\"}", counts.archive_failed.get()),
    ];
    say("recordings_total", "counter", "Recordings on their way to the archive.", &recordings);
    text
}
