//! `{{name}}` and `{{name.field}}`: filled in and escaped for where they land. What is filled in is never read again.

use std::collections::BTreeSet;

use serde_json::Value;

use super::node::HttpCallback;
use super::place::Variables;
use crate::model::callback::{HEADERS_OF_OURS, Header, HttpRequest, Method};

/// The request a callback node makes with these variables.
///
/// # Errors
/// A value would change where the request goes, split a header, or make it too long; or the template itself is faulty.
pub fn request(callback: &HttpCallback, variables: &Variables) -> Result<HttpRequest, BadTemplate> {
    let mut headers = Vec::new();
    for header in &callback.headers {
        headers.push(Header { name: header.name.clone(), value: header_value(header, variables)? });
    }
    let body = match callback.method {
        Method::Post if !callback.body.is_empty() => Some(body(callback, variables)?),
        Method::Post | Method::Get => None,
    };
    if body.is_some() && content_type(callback).is_none() {
        let value = if is_json(callback) { "application/json" } else { "text/plain; charset=utf-8" };
        headers.push(Header { name: "Content-Type".to_owned(), value: value.to_owned() });
    }
    Ok(HttpRequest {
        method: callback.method,
        url: url(&callback.url, variables)?,
        headers,
        body,
        timeout_ms: u64::from(callback.timeout_secs) * 1000,
    })
}

/// The variables a callback node reads, without their fields.
pub fn names_read(callback: &HttpCallback) -> BTreeSet<&str> {
    let headers = callback.headers.iter().map(|header| header.value.as_str());
    let texts = [callback.url.as_str(), callback.body.as_str()].into_iter().chain(headers);
    texts
        .flat_map(Pieces)
        .filter_map(|piece| match piece {
            Piece::Variable { name, .. } => Some(name),
            Piece::Text(_) => None,
        })
        .collect()
}

/// The host (with port) of a url template: where the request goes, whatever the variables hold.
///
/// # Errors
/// The template does not write it out.
pub fn host(template: &str) -> Result<&str, BadTemplate> {
    if template.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\') {
        return Err(BadTemplate::UrlLetters);
    }
    let lower = template.get(..8).unwrap_or(template).to_ascii_lowercase();
    let scheme_bytes = ["https://", "http://"].iter().find(|scheme| lower.starts_with(**scheme)).map(|s| s.len());
    let rest = template.get(scheme_bytes.ok_or(BadTemplate::NotHttp)?..).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains("{{") || host.contains("}}") {
        return Err(BadTemplate::VariableInHost);
    }
    if host.is_empty() || host.contains('@') {
        return Err(BadTemplate::NoHost);
    }
    Ok(host)
}

/// Checks what can be checked before a caller is there.
///
/// # Errors
/// The first fault of url, headers or body.
pub fn check(callback: &HttpCallback) -> Result<(), BadTemplate> {
    request(callback, &Variables::default()).map(|_| ())?;
    for header in &callback.headers {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if header.name.is_empty() || !header.name.bytes().all(token) {
            return Err(BadTemplate::HeaderName(header.name.clone()));
        }
        if HEADERS_OF_OURS.iter().any(|ours| header.name.eq_ignore_ascii_case(ours)) {
            return Err(BadTemplate::HeaderOfOurs(header.name.clone()));
        }
    }
    Ok(())
}

/// Why a request cannot be made from its templates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Another scheme, or none.
    #[error("the url does not begin with http:// or https://")]
    NotHttp,
    /// `https://{{host}}/`.
    #[error("a variable may not choose the host of the url")]
    VariableInHost,
    /// `https:///x`, `https://user@host/`.
    #[error("the url names no host, or a user before it")]
    NoHost,
    /// White space, control characters, backslashes.
    #[error("the url holds a space, a backslash or a control character")]
    UrlLetters,
    /// A value of `..`.
    #[error("a variable would climb out of the url's path")]
    LeavesPath,
    /// A value with a line break.
    #[error("a variable would break header {0}")]
    HeaderBreak(String),
    /// Not a header's name.
    #[error("\"{0}\" is not the name of a header")]
    HeaderName(String),
    /// The connection's own headers.
    #[error("header {0} is set by Patchbay itself")]
    HeaderOfOurs(String),
    /// `{"a": {{b}}}`.
    #[error("the body is not JSON; variables stand inside quotes, as in {{\"name\": \"{{{{name}}}}\"}}")]
    BodyNotJson,
    /// More than the limit.
    #[error("the {0} would be longer than allowed")]
    TooLong(&'static str),
}

/// A template's parts in order.
enum Piece<'t> {
    Text(&'t str),
    Variable { name: &'t str, path: &'t str },
}

/// Reads a template; braces around what is no variable are text.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if self.0.is_empty() {
            return None;
        }
        let Some(open) = self.0.find("{{") else {
            return Some(Piece::Text(std::mem::take(&mut self.0)));
        };
        if open > 0 {
            let (text, rest) = self.0.split_at_checked(open)?;
            self.0 = rest;
            return Some(Piece::Text(text));
        }
        let inside = self.0.get(2..).unwrap_or_default();
        let end = inside.find(|letter: char| !is_name_letter(letter) && !matches!(letter, '.' | ' '));
        let (written, rest) = inside.split_at_checked(end.unwrap_or(inside.len()))?;
        let (name, path) = written.trim().split_once('.').unwrap_or((written.trim(), ""));
        if let Some(rest) = rest.strip_prefix("}}").filter(|_| is_name(name) && !path.contains(' ')) {
            self.0 = rest;
            return Some(Piece::Variable { name, path });
        }
        let (braces, rest) = self.0.split_at_checked(1)?;
        self.0 = rest;
        Some(Piece::Text(braces))
    }
}

/// A name a variable may have: letters, digits, `_`; no digit first.
pub fn is_name(text: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.len() <= NAME_BYTES_MAX && text.chars().all(letters) && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// Fills a template in. Values go through `escape` and are not looked at again.
fn fill(
    template: &str,
    variables: &Variables,
    bytes_max: usize,
    what: &'static str,
    escape: impl Fn(&str) -> String,
) -> Result<String, BadTemplate> {
    let mut filled = String::new();
    for piece in Pieces(template) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable { name, path } => filled.push_str(&escape(&value(variables, name, path))),
        }
        if filled.len() > bytes_max {
            return Err(BadTemplate::TooLong(what));
        }
    }
    Ok(filled)
}

/// A variable, or a field of it, as text; empty when there is none.
fn value(variables: &Variables, name: &str, path: &str) -> String {
    let Some(variable) = variables.get(name) else {
        return String::new();
    };
    if path.is_empty() {
        return variable.text.clone();
    }
    let field = path.split('.').try_fold(variable.json.as_ref(), |at, step| match at {
        Some(Value::Object(fields)) => Some(fields.get(step)),
        Some(Value::Array(items)) => Some(step.parse::<usize>().ok().and_then(|index| items.get(index))),
        _ => None,
    });
    match field.flatten() {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A url: every value is one component, percent-encoded, so scheme, host and port stay as the template has them.
fn url(template: &str, variables: &Variables) -> Result<String, BadTemplate> {
    let host_bytes = host(template)?.len();
    let filled = fill(template, variables, URL_BYTES_MAX, "url", percent_encoded)?;
    let path_starts = filled.find("://").map_or(0, |at| at + 3) + host_bytes;
    let path = |text: &str| text.get(path_starts..).unwrap_or_default().split(['?', '#']).next().map(str::to_owned);
    let dots = |path: Option<String>| path.unwrap_or_default().split('/').filter(|part| is_dots(part)).count();
    // WHATWG URL reads `..` and `%2e%2e` alike as "one up"; a value may not become such a part.
    if dots(path(&filled)) != dots(path(template)) {
        return Err(BadTemplate::LeavesPath);
    }
    Ok(filled)
}

fn is_dots(part: &str) -> bool {
    matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn header_value(header: &Header, variables: &Variables) -> Result<String, BadTemplate> {
    let filled = fill(&header.value, variables, HEADER_BYTES_MAX, "header", str::to_owned)?;
    // RFC 9110 §5.5: CR, LF and NUL are dangerous; the other controls have no meaning.
    if filled.chars().any(|letter| letter.is_control() && letter != '\t') {
        return Err(BadTemplate::HeaderBreak(header.name.clone()));
    }
    Ok(filled)
}

fn body(callback: &HttpCallback, variables: &Variables) -> Result<String, BadTemplate> {
    if is_json(callback) {
        let template = serde_json::from_str(&callback.body).map_err(|_| BadTemplate::BodyNotJson)?;
        let text = json(template, variables)?.to_string();
        return if text.len() <= BODY_BYTES_MAX { Ok(text) } else { Err(BadTemplate::TooLong("body")) };
    }
    let is_form = content_type(callback).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let escape = |text: &str| if is_form { percent_encoded(text) } else { text.to_owned() };
    fill(&callback.body, variables, BODY_BYTES_MAX, "body", escape)
}

/// Fills in the strings of a JSON template; its shape and its keys stay.
fn json(template: Value, variables: &Variables) -> Result<Value, BadTemplate> {
    Ok(match template {
        Value::String(text) => Value::String(fill(&text, variables, BODY_BYTES_MAX, "body", str::to_owned)?),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| json(item, variables)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let filled = fields.into_iter().map(|(key, field)| Ok((key, json(field, variables)?)));
            Value::Object(filled.collect::<Result<_, BadTemplate>>()?)
        }
        other => other,
    })
}

fn is_json(callback: &HttpCallback) -> bool {
    match content_type(callback) {
        Some(kind) => kind.contains("json"),
        None => callback.body.trim_start().starts_with(['{', '[']),
    }
}

fn content_type(callback: &HttpCallback) -> Option<String> {
    let named = callback.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-type"));
    named.map(|header| header.value.trim().to_ascii_lowercase())
}

/// RFC 3986 §2.3: everything but the unreserved characters.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A variable's name.
pub const NAME_BYTES_MAX: usize = 64;

/// A url when filled in.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// A header value when filled in.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;

/// A body when filled in.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
