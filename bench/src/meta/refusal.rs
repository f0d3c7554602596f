//! Graph's error answers: code, HTTP status and words, decided here alone.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No bearer token, or not ours.
    BadToken,
    /// The phone number id is not ours.
    UnknownObject(String),
    /// The path is none of Graph's.
    UnknownPath(String),
    /// Invalid parameter: the details say which and why.
    Parameter(String),
    /// The number is SIP-enabled.
    SipEnabled,
    /// Calling is off for the number.
    NotEnabled,
    /// The number is too small to switch calling on.
    CannotEnable,
    /// A call with this user is already under way.
    Duplicate,
    /// The user has not allowed the business to call.
    NoPermission,
    /// The answer came too late to be applied.
    ConnectTimeout,
    /// The SDP is unusable (the undocumented code some integrators see).
    Sdp(String),
    /// Too many requests for call permissions.
    PermissionRate,
}

impl Refusal {
    /// Graph's error code.
    pub fn code(&self) -> u32 {
        self.row().0
    }

    /// The error object without its trace id.
    pub fn body(&self) -> Value {
        let (code, _, words) = self.row();
        let mut error = json!({"message": format!("(#{code}) {words}"), "type": "OAuthException", "code": code});
        match self {
            Refusal::BadToken => error["message"] = json!(words),
            Refusal::UnknownObject(id) => {
                error["error_subcode"] = json!(33);
                error["type"] = json!("GraphMethodException");
                error["message"] = json!(format!(
                    "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation."
                ));
            }
            Refusal::UnknownPath(path) => error["message"] = json!(format!("Unknown path components: {path}")),
            Refusal::Sdp(_) => error["error_subcode"] = json!(2494010),
            _ => {}
        }
        if let Some(details) = self.details() {
            error["error_data"] = json!({"messaging_product": "whatsapp", "details": details});
        }
        json!({"error": error})
    }

    fn details(&self) -> Option<&str> {
        Some(match self {
            Refusal::BadToken | Refusal::UnknownObject(_) | Refusal::UnknownPath(_) => return None,
            Refusal::Parameter(details) | Refusal::Sdp(details) => details,
            Refusal::SipEnabled => "SIP is enabled on this phone number; its calls cannot be made with the Graph API.",
            Refusal::NotEnabled => "WhatsApp Cloud API Calling not enabled for this phone number.",
            Refusal::CannotEnable => "Calling cannot be enabled for this phone number.",
            Refusal::Duplicate => "A call with this user is already in progress.",
            Refusal::NoPermission => "The business has no approved call permission from this recipient.",
            Refusal::ConnectTimeout => "The SDP answer could not be applied in time.",
            Refusal::PermissionRate => "Too many call permission requests in this second.",
        })
    }

    fn row(&self) -> (u32, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Refusal::BadToken => (190, S::UNAUTHORIZED, "Invalid OAuth access token - Cannot parse access token"),
            Refusal::UnknownObject(_) => (100, S::BAD_REQUEST, "Unsupported request"),
            Refusal::UnknownPath(_) => (2500, S::BAD_REQUEST, "Unknown path components"),
            Refusal::Parameter(_) => (100, S::BAD_REQUEST, "Invalid parameter"),
            Refusal::SipEnabled => (131055, S::BAD_REQUEST, "Method not allowed"),
            Refusal::NotEnabled => (138000, S::UNAUTHORIZED, "Calling API not enabled"),
            Refusal::CannotEnable => (138015, S::BAD_REQUEST, "Calling cannot be enabled"),
            Refusal::Duplicate => (138003, S::BAD_REQUEST, "Duplicate call"),
            Refusal::NoPermission => (138006, S::UNAUTHORIZED, "No approved call permission from the recipient"),
            Refusal::ConnectTimeout => (138007, S::INTERNAL_SERVER_ERROR, "Connect timeout"),
            Refusal::Sdp(_) => (138008, S::BAD_REQUEST, "SDP Validation error"),
            Refusal::PermissionRate => (613, S::TOO_MANY_REQUESTS, "Calls to this api have exceeded the rate limit"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = self.body();
        body["error"]["fbtrace_id"] = json!("A7fV2kQx0bZ3sLmN9pRtYc1");
        (self.row().1, Json(body)).into_response()
    }
}
