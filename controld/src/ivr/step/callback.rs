//! A question to a web service.

use serde_json::json;

use super::Deed;
use super::walk::{Move, Walk};
use crate::ivr::deed::{HttpAnswer, TrailKind};
use crate::ivr::flow::On;
use crate::ivr::node::HttpCallback;
use crate::ivr::place::{Standing, Variable};
use crate::ivr::template;

pub(super) fn enter(walk: &mut Walk<'_>, callback: &HttpCallback) -> Move {
    match template::request(callback, &walk.place.variables) {
        Ok(request) => {
            let text = format!("Asks {}", host(callback));
            walk.say(TrailKind::Http, text, json!({ "method": callback.method, "host": host(callback) }));
            let timeout_ms = request.timeout_ms.saturating_add(ANSWER_SPARE_MS);
            walk.place.standing = Standing::Calling;
            walk.deed(Deed::Comfort);
            walk.deed(Deed::Http(request));
            walk.timer(timeout_ms);
            Move::Stay
        }
        Err(why) => answered(walk, callback, HttpAnswer::Failed { why: why.to_string(), took_ms: 0 }),
    }
}

pub(super) fn answered(walk: &mut Walk<'_>, callback: &HttpCallback, answer: HttpAnswer) -> Move {
    let host = host(callback);
    let well = match &answer {
        HttpAnswer::Got { status, body, took_ms } => {
            let text = format!("{host} answered {status} after {took_ms} ms");
            let data = json!({ "host": host, "status": status, "bytes": body.len(), "took_ms": took_ms });
            walk.say(TrailKind::Http, text, data);
            store(walk, callback, body);
            (200..300).contains(status)
        }
        HttpAnswer::Failed { why, took_ms } => {
            let text = format!("No answer from {host}: {why}");
            walk.say(TrailKind::Http, text, json!({ "host": host, "error": why, "took_ms": took_ms }));
            store(walk, callback, "");
            false
        }
    };
    Move::Take(if !well && walk.leads(On::HttpError) { On::HttpError } else { On::Default })
}

/// The answer to a question that held a sensitive value may repeat it, and is masked like it.
fn store(walk: &mut Walk<'_>, callback: &HttpCallback, body: &str) {
    let name = callback.store_response_as.as_str();
    if name.is_empty() {
        return;
    }
    let variables = &mut walk.place.variables;
    let told = template::names_read(callback);
    let sensitive = told.iter().any(|name| variables.get(name).is_some_and(|variable| variable.sensitive));
    if !variables.set(name, Variable { sensitive, ..Variable::answer(body) }) {
        walk.say(TrailKind::Http, format!("{name} cannot be set"), json!({ "store_as": name }));
    }
}

fn host(callback: &HttpCallback) -> &str {
    template::host(&callback.url).unwrap_or("the web service")
}

/// The desk reports a timeout itself; this is for an answer that never comes back to the call.
const ANSWER_SPARE_MS: u64 = 1_000;
