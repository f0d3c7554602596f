//! A question to a web service and its answer: what the flow fills in and `outside` sends.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request, its templates filled in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Header lines.
    pub headers: Vec<Header>,
    /// Body; `None` for a GET.
    pub body: Option<String>,
    /// The answer must be complete by then.
    pub timeout_ms: u64,
}

// What callers entered stands in urls and bodies.
impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body_bytes = self.body.as_ref().map_or(0, String::len);
        write!(f, "HttpRequest({}, {} bytes of url, {body_bytes} of body)", self.method.as_str(), self.url.len())
    }
}

/// What a web service said, or why it said nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpAnswer {
    /// An answer, whatever its status.
    Got {
        /// HTTP status.
        status: u16,
        /// At most 64 KiB of text.
        body: String,
        /// From the request to its last byte.
        took_ms: u64,
    },
    /// No answer.
    Failed {
        /// One sentence.
        why: String,
        /// From the request to the failure.
        took_ms: u64,
    },
}

impl std::fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Got { status, body, took_ms } => write!(f, "Got({status}, {} bytes, {took_ms} ms)", body.len()),
            Self::Failed { why, took_ms } => write!(f, "Failed({why}, {took_ms} ms)"),
        }
    }
}

/// HTTP method of a callback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// No body.
    #[default]
    Get,
    /// With a body.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One header line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value; may hold variables in a flow.
    #[serde(default)]
    pub value: String,
}

// Header values carry tokens of other people's services.
impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ({} bytes)", self.name, self.value.len())
    }
}

/// What the connection itself says; a flow may not.
pub const HEADERS_OF_OURS: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
