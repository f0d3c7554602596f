//! For machines that watch: alive, ready, and what was counted.

use std::fmt::Write;
use std::net::IpAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::door::Peer;
use super::error::ApiError;
use super::guard::{Who, signed_in};
use super::webhook::same;
use crate::app::App;
use crate::config::Config;
use crate::model::counts::Count;
use crate::model::{Role, clock};

/// The process runs.
pub async fn livez() -> &'static str {
    "alive\n"
}

/// The database takes changes and mediad answers.
pub async fn readyz(State(app): State<App>) -> Response {
    let database = app.readiness.get(clock::now(), app.store.is_ready()).await;
    let missing = [("the database", database), ("mediad", app.desk.has_media())];
    let missing: Vec<&str> = missing.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {} does not answer\n", missing.join(" and "))).into_response()
}

/// Counts in Prometheus' text format, for who has the key, for admins, and on a house of one machine for that machine.
pub async fn metrics(
    State(app): State<App>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !has_key(&app.config, &headers) && !is_at_home(&app.config, peer.ip(), &headers) {
        let who: Who = signed_in(&app, &headers, clock::now()).await?;
        if who.role < Role::Admin {
            return Err(ApiError::Forbidden);
        }
    }
    let text = text(&app, app.store.live_count().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

fn has_key(config: &Config, headers: &HeaderMap) -> bool {
    let key = &config.server.metrics_key.0;
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    !key.is_empty() && same(key, given)
}

/// WHY `public_url` too: behind a proxy every peer is this machine, and not every proxy says that it is one.
fn is_at_home(config: &Config, peer: IpAddr, headers: &HeaderMap) -> bool {
    let is_forwarded =
        ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
    let url = reqwest::Url::parse(&config.server.public_url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default().trim_matches(['[', ']']);
    let is_private = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    peer.to_canonical().is_loopback() && is_private && !is_forwarded
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
        ("{why=\"bad_signature\"}", counts.bad_signatures.get()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_for_this_machine_only_while_the_house_is_not_public() {
        let at_home = |url: &str, peer: &str, headers: &[(&'static str, &'static str)]| {
            let mut config = Config::default();
            config.server.public_url = url.into();
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            is_at_home(&config, peer.parse().unwrap(), &headers)
        };
        for url in ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080/"] {
            assert!(at_home(url, "127.0.0.1", &[]) && at_home(url, "::1", &[]), "{url}");
            assert!(!at_home(url, "192.0.2.1", &[]));
            assert!(!at_home(url, "127.0.0.1", &[("x-forwarded-for", "192.0.2.1")]));
            assert!(!at_home(url, "127.0.0.1", &[("via", "1.1 proxy")]));
        }
        for url in ["https://calls.example", "http://192.0.2.7:8080", "http://127.0.0.1.calls.example", "nonsense"] {
            assert!(!at_home(url, "127.0.0.1", &[]), "{url}");
        }
    }

    #[test]
    fn a_key_opens_the_counts_and_no_key_opens_nothing() {
        let mut config = Config::default();
        let with = |config: &Config, value: &'static str| {
            has_key(config, &[(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect())
        };
        assert!(!with(&config, "Bearer ") && !has_key(&config, &HeaderMap::new()));
        config.server.metrics_key = crate::model::Secret("k".into());
        assert!(with(&config, "Bearer k"));
        assert!(!with(&config, "Bearer kk") && !with(&config, "k") && !with(&config, "Bearer "));
    }
}
