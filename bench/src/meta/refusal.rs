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
    /// The token is good, but not for this.
    NoRight,
    /// The app may not do this at all.
    NoAppRight,
    /// This kind of message cannot be sent from here.
    UnsupportedMessage,
    /// A test number may only write to and call its own list.
    NotOnAllowList,
    /// The account cannot pay.
    NoPayment,
    /// More than 24 hours since the user last wrote or called.
    WindowClosed,
    /// No such template in this language.
    NoTemplate(String),
    /// The user cannot be called.
    Uncallable,
    /// The number has too many calls at once.
    Concurrent,
    /// Something broke on the way.
    Connection,
    /// The number has placed too many calls in 24 hours.
    CallRate,
    /// Too many permission requests to this user; free again at this second since 1970.
    AskLimit(u64),
    /// A permission request needs a conversation before it.
    NoConversation,
    /// Too many picked-up calls with this user in 24 hours; free again at this second since 1970.
    CallLimit(u64),
    /// Businesses of this number's country may not call.
    CountryBlocked,
    /// Calling is paused for quality.
    Restricted,
    /// The user has allowed calls for good already.
    PermanentAlready,
    /// No subscriber to `calls`, and no SIP.
    Prerequisites,
}

impl Refusal {
    /// Graph's error code.
    pub fn code(&self) -> u32 {
        self.row().0
    }

    /// The refusal with this code, for a test that forces it. None for codes that are not known.
    pub fn by_code(code: u32) -> Option<Refusal> {
        let forced = "refused on purpose".to_owned();
        Some(match code {
            10 => Refusal::NoAppRight,
            100 => Refusal::Parameter(forced),
            190 => Refusal::BadToken,
            200 => Refusal::NoRight,
            613 => Refusal::PermissionRate,
            131009 => Refusal::UnsupportedMessage,
            131030 => Refusal::NotOnAllowList,
            131044 => Refusal::NoPayment,
            131047 => Refusal::WindowClosed,
            131055 => Refusal::SipEnabled,
            132001 => Refusal::NoTemplate(forced),
            138000 => Refusal::NotEnabled,
            138001 => Refusal::Uncallable,
            138002 => Refusal::Concurrent,
            138003 => Refusal::Duplicate,
            138004 => Refusal::Connection,
            138005 => Refusal::CallRate,
            138006 => Refusal::NoPermission,
            138007 => Refusal::ConnectTimeout,
            138008 => Refusal::Sdp(forced),
            138009 => Refusal::AskLimit(FORCED_UNTIL),
            138011 => Refusal::NoConversation,
            138012 => Refusal::CallLimit(FORCED_UNTIL),
            138013 => Refusal::CountryBlocked,
            138014 => Refusal::Restricted,
            138015 => Refusal::CannotEnable,
            138017 => Refusal::PermanentAlready,
            138018 => Refusal::Prerequisites,
            _ => return None,
        })
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

    fn details(&self) -> Option<String> {
        Some(match self {
            Refusal::BadToken | Refusal::UnknownObject(_) | Refusal::UnknownPath(_) => return None,
            Refusal::NoRight | Refusal::NoAppRight => return None,
            Refusal::Parameter(details) | Refusal::Sdp(details) | Refusal::NoTemplate(details) => details.clone(),
            Refusal::AskLimit(at) => {
                format!("Limit of call permission requests reached. The next one is allowed at {at}.")
            }
            Refusal::CallLimit(at) => format!("Limit of calls to this user reached. The next call is allowed at {at}."),
            other => other.fixed_details().to_owned(),
        })
    }

    fn fixed_details(&self) -> &'static str {
        match self {
            Refusal::SipEnabled => "SIP is enabled on this phone number; its calls cannot be made with the Graph API.",
            Refusal::NotEnabled => "WhatsApp Cloud API Calling not enabled for this phone number.",
            Refusal::CannotEnable => "The messaging limit of this phone number must be 2000 or more.",
            Refusal::Duplicate => "A call with this user is already in progress.",
            Refusal::NoPermission => "The business has no approved call permission from this recipient.",
            Refusal::ConnectTimeout => "The SDP answer could not be applied in time.",
            Refusal::PermissionRate => "Too many call permission requests in this second.",
            Refusal::UnsupportedMessage => "This message type cannot be sent from this phone number.",
            Refusal::NotOnAllowList => "The recipient's number is not in the list of this test number.",
            Refusal::NoPayment => "There is no valid payment method on this account.",
            Refusal::WindowClosed => "More than 24 hours have passed since the recipient last wrote or called.",
            Refusal::Uncallable => "The recipient cannot receive calls.",
            Refusal::Concurrent => "The phone number has reached its limit of calls at the same time.",
            Refusal::Connection => "The call could not be connected.",
            Refusal::CallRate => "The phone number has placed too many calls in the last 24 hours.",
            Refusal::NoConversation => "A call permission request needs a message of the user before it.",
            Refusal::CountryBlocked => "Business-initiated calls are not available for this phone number.",
            Refusal::Restricted => "Calling is disabled for this phone number for a time because of its quality.",
            Refusal::PermanentAlready => "The recipient has given a permanent permission already.",
            Refusal::Prerequisites => "No app is subscribed to the calls webhook field and SIP is not configured.",
            _ => "",
        }
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
            Refusal::NoRight => (200, S::FORBIDDEN, "Permissions error"),
            Refusal::NoAppRight => (10, S::FORBIDDEN, "Application does not have permission for this action"),
            Refusal::UnsupportedMessage => (131009, S::BAD_REQUEST, "Parameter value is not valid"),
            Refusal::NotOnAllowList => (131030, S::BAD_REQUEST, "Recipient phone number not in allowed list"),
            Refusal::NoPayment => (131044, S::BAD_REQUEST, "Business eligibility payment issue"),
            Refusal::WindowClosed => (131047, S::BAD_REQUEST, "Re-engagement message"),
            Refusal::NoTemplate(_) => (132001, S::NOT_FOUND, "Template name does not exist in the translation"),
            Refusal::Uncallable => (138001, S::BAD_REQUEST, "Receiver uncallable"),
            Refusal::Concurrent => (138002, S::TOO_MANY_REQUESTS, "Concurrent calls limit reached"),
            Refusal::Connection => (138004, S::INTERNAL_SERVER_ERROR, "Connection error"),
            Refusal::CallRate => (138005, S::TOO_MANY_REQUESTS, "Call rate limit reached"),
            Refusal::AskLimit(_) => (138009, S::BAD_REQUEST, "Call permission request limit reached"),
            Refusal::NoConversation => (138011, S::BAD_REQUEST, "Call permission request not allowed"),
            Refusal::CallLimit(_) => (138012, S::BAD_REQUEST, "Business-initiated calls limit reached"),
            Refusal::CountryBlocked => (138013, S::BAD_REQUEST, "Business-initiated calling is not available"),
            Refusal::Restricted => (138014, S::BAD_REQUEST, "Calling temporarily disabled"),
            Refusal::PermanentAlready => (138017, S::BAD_REQUEST, "Permanent call permission already exists"),
            Refusal::Prerequisites => (138018, S::BAD_REQUEST, "Prerequisites for calling are missing"),
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

/// A second long ahead, in limits that were forced.
const FORCED_UNTIL: u64 = 4_102_444_800;
