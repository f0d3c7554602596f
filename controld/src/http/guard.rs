//! Who may come in: the session behind the cookie, the role a route asks for, and where a change comes from.

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::error::ApiError;
use super::{ACCESS, Access};
use crate::app::App;
use crate::config::Config;
use crate::model::{Millis, OrgId, Role, UserId, clock};

/// The person behind a request. The tenant comes from here and never from the request.
#[derive(Debug, Clone)]
pub struct Who {
    /// Who.
    pub user: UserId,
    /// Of which organisation.
    pub org: OrgId,
    /// Its name.
    pub org_name: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The session, as the store knows it.
    pub token_hash: String,
}

impl Who {
    /// Whose calls they see: agents their own and their teams', the others all.
    pub fn sees_only(&self) -> Option<UserId> {
        (self.role < Role::Supervisor).then(|| self.user.clone())
    }
}

impl FromRequestParts<App> for Who {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(who) => Ok(who.clone()),
            None => signed_in(app, &parts.headers, clock::now()).await,
        }
    }
}

/// Stands before every route of the API. A route that [`ACCESS`] does not name is not there.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match admit(&app, &mut request).await {
        Ok(()) => {
            let mut response = next.run(request).await;
            response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            response
        }
        Err(why) => {
            match why {
                ApiError::Unauthenticated => app.counts.unauthenticated.add(),
                ApiError::Forbidden => app.counts.forbidden.add(),
                ApiError::CrossSite => app.counts.cross_site.add(),
                _ => {}
            }
            ([(header::CACHE_CONTROL, "no-store")], why).into_response()
        }
    }
}

/// Whether an `Origin` is one of our own pages. For the WebSocket it must be sent; for a change it may be missing.
pub fn is_our_origin(config: &Config, origin: &str) -> bool {
    let ours = config.server.public_url.trim_end_matches('/');
    if origin.eq_ignore_ascii_case(ours) {
        return true;
    }
    // WHY: on one machine 127.0.0.1 and localhost are the same server, and people type either.
    let swapped = [("://127.0.0.1", "://localhost"), ("://localhost", "://127.0.0.1")];
    swapped.iter().any(|(a, b)| ours.contains(a) && origin.eq_ignore_ascii_case(&ours.replacen(a, b, 1)))
}

/// The session behind a request's cookie.
pub async fn signed_in(app: &App, headers: &HeaderMap, now: Millis) -> Result<Who, ApiError> {
    let token = cookie(headers, cookie_name(&app.config)).ok_or(ApiError::Unauthenticated)?;
    let hash = token_hash(token);
    let session = app.store.session(&hash, now).await?.ok_or(ApiError::Unauthenticated)?;
    if now - session.seen_at >= TOUCH_MS {
        app.store.touch_session(&hash, now).await?;
    }
    Ok(Who {
        user: session.user.id,
        org: session.user.org,
        org_name: session.org_name,
        name: session.user.name,
        email: session.user.email,
        role: session.user.role,
        token_hash: hash,
    })
}

/// What is stored in place of a cookie's value.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Over TLS the name itself makes the browser insist on `Secure`, `Path=/` and no `Domain`.
pub fn cookie_name(config: &Config) -> &'static str {
    if config.is_tls() { "__Host-patchbay_session" } else { "patchbay_session" }
}

async fn admit(app: &App, request: &mut Request) -> Result<(), ApiError> {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let Some((.., access)) = ACCESS.iter().find(|(m, p, _)| method == *m && *p == path) else {
        let path_is_known = ACCESS.iter().any(|(_, p, _)| *p == path);
        return Err(if path_is_known { ApiError::WrongMethod } else { ApiError::NotFound("address") });
    };
    if !request.method().is_safe() {
        refuse_other_sites(&app.config, request.headers(), path == TAKES_SOUND)?;
    }
    let least = match access {
        Access::Open => return Ok(()),
        Access::Signed(least) => *least,
    };
    let who = signed_in(app, request.headers(), clock::now()).await?;
    if who.role < least {
        warn!(user.id = %who.user, path, "{} may not use {path}", who.user);
        return Err(ApiError::Forbidden);
    }
    request.extensions_mut().insert(who);
    Ok(())
}

/// Another site's page can send our cookie along, but neither our header nor our origin.
fn refuse_other_sites(config: &Config, headers: &HeaderMap, takes_sound: bool) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let ours = text("x-patchbay") == Some("1")
        && text("origin").is_none_or(|origin| is_our_origin(config, origin))
        && text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    if !ours {
        return Err(ApiError::CrossSite);
    }
    let has_body = text("transfer-encoding").is_some() || text("content-length").is_some_and(|length| length != "0");
    let fits = |kind: &str| match takes_sound {
        // No form can send these.
        true => kind == "application/octet-stream" || kind.starts_with("audio/"),
        false => kind == "application/json",
    };
    let is_fit = text("content-type").and_then(|kind| kind.split(';').next());
    let is_fit = is_fit.is_some_and(|kind| fits(&kind.trim().to_ascii_lowercase()));
    if has_body && !is_fit { Err(ApiError::NotJson) } else { Ok(()) }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && value.len() <= TOKEN_BYTES_MAX).map(|(_, value)| value)
}

/// The route whose body is a file of sound.
const TAKES_SOUND: &str = "/api/audio";
const TOUCH_MS: Millis = 60 * 1000;
const TOKEN_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_change_from_another_site_is_refused_whatever_it_pretends() {
        let config = Config::default();
        let ours = [("x-patchbay", "1"), ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")];
        assert!(refuse_other_sites(&config, &headers(&ours), false).is_ok());
        assert!(refuse_other_sites(&config, &headers(&ours[..1]), false).is_ok());
        for bad in [
            &[][..],
            &[("origin", "http://127.0.0.1:8080")],
            &[("x-patchbay", "0")],
            &[("x-patchbay", "1"), ("origin", "null")],
            &[("x-patchbay", "1"), ("origin", "http://127.0.0.1:8081")],
            &[("x-patchbay", "1"), ("origin", "http://127.0.0.1:8080.evil.example")],
            &[("x-patchbay", "1"), ("origin", "https://127.0.0.1:8080")],
            &[("x-patchbay", "1"), ("sec-fetch-site", "cross-site")],
            &[("x-patchbay", "1"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(matches!(refuse_other_sites(&config, &headers(bad), false), Err(ApiError::CrossSite)), "{bad:?}");
        }
    }

    #[test]
    fn a_body_that_a_form_could_send_is_refused() {
        let config = Config::default();
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let sent = headers(&[("x-patchbay", "1"), ("content-length", "2"), ("content-type", kind)]);
            assert!(matches!(refuse_other_sites(&config, &sent, false), Err(ApiError::NotJson)), "{kind}");
        }
        let json = headers(&[
            ("x-patchbay", "1"),
            ("content-length", "2"),
            ("content-type", "application/json; charset=utf-8"),
        ]);
        assert!(refuse_other_sites(&config, &json, false).is_ok());
    }

    #[test]
    fn localhost_and_its_number_are_one_origin_and_nothing_else_is() {
        let config = Config::default();
        assert!(is_our_origin(&config, "http://localhost:8080"));
        assert!(!is_our_origin(&config, "http://localhost:9999"));
        assert!(!is_our_origin(&config, ""));
    }

    #[test]
    fn the_cookie_is_found_among_others_and_an_endless_one_is_not_looked_at() {
        let found = headers(&[("cookie", "a=b; patchbay_session=abc ;c=d")]);
        assert_eq!(cookie(&found, "patchbay_session"), Some("abc"));
        assert_eq!(cookie(&found, "session"), None);
    }
}
