//! Every refusal of the API: its code, its status, its sentence. Decided here and nowhere else.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use super::flows::{FlowDraft, Uses};
use crate::app::passwords::HashFailed;
use crate::app::sounds::NoClip;
use crate::app::speech::Unspoken;
use crate::desk::DeskError;
use crate::ivr::lint::Problem;
use crate::outside::tts::Mute;
use crate::store::StoreError;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No session, or one that is over.
    #[error("sign in first")]
    Unauthenticated,
    /// Unknown person, wrong password, locked out: always the same words.
    #[error("the e-mail address or the password is wrong")]
    WrongPassword,
    /// Too many tries; come back after this many seconds.
    #[error("too many tries; try again in {0} s")]
    TooMany(u64),
    /// The person's role does not reach.
    #[error("your role does not allow this")]
    Forbidden,
    /// The change does not come from our own pages.
    #[error("this change did not come from a page of this server")]
    CrossSite,
    /// Not there, or not yours.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The address is there, but not for this method.
    #[error("this address does not take that method")]
    WrongMethod,
    /// The body is not JSON by its header.
    #[error("the body must be application/json")]
    NotJson,
    /// The body is over its limit.
    #[error("the body is too large")]
    TooLarge,
    /// A body that does not arrive.
    #[error("the body did not arrive in time")]
    Slow,
    /// The flow has errors; it is not published.
    #[error("the flow has errors and cannot be published")]
    Problems(Vec<Problem>),
    /// Somebody changed the flow meanwhile; nothing was written, and this is what is there.
    #[error("somebody else has changed this flow meanwhile; nothing of yours was written over it")]
    Moved(Box<FlowDraft>),
    /// Others would miss it.
    #[error("{0}")]
    InUse(String, Box<Uses>),
    /// What was sent is understood and cannot be taken.
    #[error("{0}")]
    Unfit(String),
    /// The thing is not in a state for this.
    #[error("{0}")]
    Conflict(String),
    /// A part of the house does not answer.
    #[error("{0}")]
    Unavailable(String),
    /// We are at fault; the log says how.
    #[error("something went wrong on our side")]
    Internal,
}

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// What was refused.
    pub error: Reason,
    /// With `has_problems`: what is wrong with the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<Problem>>,
    /// With `moved`: the draft as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Box<FlowDraft>>,
    /// With `in_use`: who would miss it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<Box<Uses>>,
}

/// Why, for programs and people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// For programs.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

impl ApiError {
    fn told(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "wrong_password"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross_site"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "wrong_method"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "slow"),
            Self::Problems(_) => (StatusCode::UNPROCESSABLE_ENTITY, "has_problems"),
            Self::Moved(_) => (StatusCode::CONFLICT, "moved"),
            Self::InUse(..) => (StatusCode::CONFLICT, "in_use"),
            Self::Unfit(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.told();
        let reason = Reason { code, message: self.to_string() };
        let mut body = Refused { error: reason, problems: None, draft: None, uses: None };
        let mut wait = None;
        match self {
            Self::TooMany(secs) => wait = Some(HeaderValue::from(secs)),
            Self::Problems(problems) => body.problems = Some(problems),
            Self::Moved(draft) => body.draft = Some(draft),
            Self::InUse(_, uses) => body.uses = Some(uses),
            _ => {}
        }
        let mut response = (status, Json(body)).into_response();
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(why: StoreError) -> Self {
        if matches!(why, StoreError::Full { .. }) {
            return Self::Conflict(why.to_string());
        }
        error!(error = %why, "a request failed: {why}");
        Self::Internal
    }
}

impl From<DeskError> for ApiError {
    fn from(why: DeskError) -> Self {
        match why {
            DeskError::UnknownCall(_) => Self::NotFound("call"),
            DeskError::UnknownAgent(_) => Self::NotFound("agent"),
            DeskError::Over(_) => Self::Conflict("the call is over already".to_owned()),
            DeskError::Store(why) => why.into(),
            why @ (DeskError::Graph(_) | DeskError::Host(_) | DeskError::Callbacks(_)) => {
                error!(error = %why, "a request failed: {why}");
                Self::Internal
            }
        }
    }
}

impl From<NoClip> for ApiError {
    fn from(why: NoClip) -> Self {
        match why {
            NoClip::Unfit(why) => Self::Unfit(why.to_string()),
            NoClip::Busy => Self::Unavailable(why.to_string()),
            NoClip::Cut => {
                error!(error = %why, "a request failed: {why}");
                Self::Internal
            }
        }
    }
}

impl From<Unspoken> for ApiError {
    fn from(why: Unspoken) -> Self {
        match why {
            Unspoken::Mute(Mute::NoWords) => Self::Unfit(why.to_string()),
            Unspoken::Mute(_) => {
                error!(error = %why, "words were not made into sound: {why}");
                Self::Unavailable(why.to_string())
            }
            Unspoken::Clip(why) => why.into(),
            Unspoken::Store(why) => why.into(),
            Unspoken::Disk(why) => why.into(),
        }
    }
}

impl From<HashFailed> for ApiError {
    fn from(why: HashFailed) -> Self {
        error!(error = %why, "a request failed: {why}");
        Self::Internal
    }
}

impl From<std::io::Error> for ApiError {
    fn from(why: std::io::Error) -> Self {
        error!(error = %why, "a request failed: {why}");
        Self::Internal
    }
}
