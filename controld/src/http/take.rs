//! What a request carries, parsed or refused in our words.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Json, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match in_time(Json::<T>::from_request(request, state)).await? {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::NotJson),
            Err(why) if why.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::TooLarge),
            Err(why) => Err(ApiError::BadRequest(format!("the body does not fit: {}", why.body_text()))),
        }
    }
}

/// A body taken as it is, to be read by our own reader.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match in_time(String::from_request(request, state)).await? {
            Ok(text) => Ok(Self(text)),
            Err(why) if why.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::TooLarge),
            Err(why) => Err(ApiError::BadRequest(why.body_text())),
        }
    }
}

/// Whoever sends a body sends it now: a trickle would hold its connection for ever.
async fn in_time<T>(body: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(Duration::from_millis(BODY_MS), body).await.map_err(|_| ApiError::Slow)
}

/// The part of an address after `?`.
pub struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(why) => Err(ApiError::BadRequest(why.body_text())),
        }
    }
}

/// A value that counts as absent when it is empty: what a form sends for "any".
pub fn or_any<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    match Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => T::deserialize(text.into_deserializer()).map(Some),
    }
}

/// A field that may be absent, null, or there: the outer `Option` says whether it was sent.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// A whole number that counts as absent when it is empty.
pub fn number_or_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    match Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| serde::de::Error::custom("a whole number is wanted")),
    }
}

/// A flow of 2 MiB over a slow line arrives in it.
const BODY_MS: u64 = 30_000;
