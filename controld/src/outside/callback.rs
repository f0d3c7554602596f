//! Asks the web services that flows name, and nothing inside the house: every address is looked up once, judged, and
//! then connected to as it was judged.

pub mod guard;
mod names;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};
use tokio::sync::Semaphore;

use self::guard::{Guard, Refusal};
use self::names::{GuardedNames, Names, SystemNames};
use crate::model::OrgId;
use crate::model::callback::{HEADERS_OF_OURS, HttpAnswer, HttpRequest, Method};

/// Asks web services on behalf of flows.
pub struct Callbacks {
    client: Client,
    guard: Arc<Guard>,
    in_flight: Mutex<HashMap<OrgId, Arc<Semaphore>>>,
}

impl Callbacks {
    /// Ready to ask what the guard lets pass. The process must have a rustls provider by now.
    ///
    /// # Errors
    /// The system has no trusted certificates.
    pub fn new(guard: Guard) -> Result<Self, NoCallbacks> {
        Self::with_names(guard, Arc::new(SystemNames))
    }

    fn with_names(guard: Guard, names: Arc<dyn Names>) -> Result<Self, NoCallbacks> {
        let guard = Arc::new(guard);
        let client = Client::builder()
            .dns_resolver(GuardedNames { guard: guard.clone(), names })
            // A redirect is an answer like any other: where it leads was not judged.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            // A connection kept from yesterday was judged yesterday.
            .pool_max_idle_per_host(0)
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            .user_agent(USER_AGENT)
            .build()
            .map_err(|why| NoCallbacks(root_cause(&why).to_string()))?;
        Ok(Self { client, guard, in_flight: Mutex::new(HashMap::new()) })
    }

    /// Asks once. Whatever happens there is an answer, at the request's timeout at the latest.
    pub async fn ask(&self, org: &OrgId, request: HttpRequest) -> HttpAnswer {
        let started = Instant::now();
        let took_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let timeout = Duration::from_millis(request.timeout_ms.min(TIMEOUT_MS_MAX));
        let seat = self.seats(org);
        let asked = async {
            let _seat = seat.acquire().await;
            self.send(request).await
        };
        match tokio::time::timeout(timeout, asked).await {
            Ok(Ok((status, body))) => HttpAnswer::Got { status, body, took_ms: took_ms() },
            Ok(Err(why)) => HttpAnswer::Failed { why: why.to_string(), took_ms: took_ms() },
            Err(_) => HttpAnswer::Failed { why: Failure::Late(timeout.as_secs()).to_string(), took_ms: took_ms() },
        }
    }

    fn seats(&self, org: &OrgId) -> Arc<Semaphore> {
        let mut all = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(org.clone()).or_insert_with(|| Arc::new(Semaphore::new(IN_FLIGHT_MAX))).clone()
    }

    async fn send(&self, request: HttpRequest) -> Result<(u16, String), Failure> {
        let url = Url::parse(&request.url).map_err(|_| Failure::Refused(Refusal::Url))?;
        self.guard.judge_url(&url).map_err(Failure::Refused)?;
        let mut asked = match request.method {
            Method::Get => self.client.get(url.clone()),
            Method::Post => self.client.post(url.clone()),
        };
        asked = asked.headers(headers(&request)?);
        if let Some(body) = request.body {
            asked = asked.body(body);
        }
        let response = asked.send().await.map_err(|why| Failure::of(&why))?;
        let peer = response.remote_addr().map(|peer| peer.ip());
        if peer.is_some_and(|peer| self.guard.judge_address(&url, peer).is_err()) {
            return Err(Failure::Refused(Refusal::NotPublic));
        }
        let status = response.status().as_u16();
        Ok((status, read(response).await?))
    }
}

/// Web services cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("web requests of flows cannot be made: {0}")]
pub struct NoCallbacks(String);

/// Why there is no answer; each is a sentence of the call's log.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("no answer within {0} s")]
    Late(u64),
    #[error("header {0} cannot be sent")]
    Header(String),
    #[error("the connection could not be made: {0}")]
    Connection(String),
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    #[error("the answer is compressed, which was not asked for")]
    Compressed,
    #[error("the answer is longer than {} KiB", ANSWER_BYTES_MAX / 1024)]
    TooLong,
}

impl Failure {
    fn of(why: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(why);
        while let Some(error) = cause {
            if let Some(refusal) = error.downcast_ref::<Refusal>() {
                return Self::Refused(refusal.clone());
            }
            cause = error.source();
        }
        if why.is_connect() {
            Self::Connection(root_cause(why).to_string())
        } else {
            Self::BrokeOff(root_cause(why).to_string())
        }
    }
}

/// The request's own headers; those of the connection are not its to set.
fn headers(request: &HttpRequest) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for header in &request.headers {
        let wrong = || Failure::Header(header.name.escape_default().to_string());
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| wrong())?;
        if HEADERS_OF_OURS.contains(&name.as_str()) {
            return Err(wrong());
        }
        headers.append(name, HeaderValue::from_bytes(header.value.as_bytes()).map_err(|_| wrong())?);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(headers)
}

/// The answer's text. Nothing is unpacked, so what is counted is what there is.
async fn read(mut response: Response) -> Result<String, Failure> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if response.headers().get(CONTENT_ENCODING).is_some_and(|value| !plain(value)) {
        return Err(Failure::Compressed);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| Failure::BrokeOff(root_cause(&why).to_string()))? {
        if bytes.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
            return Err(Failure::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The innermost error says what happened; those around it say where in our code.
fn root_cause<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut root = error;
    while let Some(inner) = root.source() {
        root = inner;
    }
    root
}

const USER_AGENT: &str = concat!("Patchbay/", env!("CARGO_PKG_VERSION"));

/// Requests under way for one organisation; the next one waits, within its own timeout.
pub const IN_FLIGHT_MAX: usize = 10;

/// An answer's body.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A connection is there by then, or will not be.
pub const CONNECT_MS_MAX: u64 = 3_000;

/// The longest a flow may make its caller wait.
pub const TIMEOUT_MS_MAX: u64 = 30_000;
