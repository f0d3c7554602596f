//! The organisation's own calling settings.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Refused};
use super::flows::{named, noted};
use super::guard::Who;
use super::take::{Body, given};
use crate::app::App;
use crate::model::OrgId;
use crate::store::orgs::Org;

/// Calling settings of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganisationSettings {
    /// Which.
    id: OrgId,
    /// As shown.
    name: String,
    /// Its numbers take calls.
    calling_enabled: bool,
    /// Its conversations are recorded, if the server records at all.
    recording_enabled: bool,
    /// Its own hold music; null: the configured one.
    #[schema(required)]
    hold_music: Option<String>,
    /// Its own ringback; null: the configured one.
    #[schema(required)]
    ringback: Option<String>,
    /// Seconds a caller waits for an agent; null: as configured.
    #[schema(required)]
    transfer_timeout_secs: Option<u32>,
}

/// A change of the settings; what is absent stays, null is the configured one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeOrganisation {
    /// As shown.
    name: Option<String>,
    /// Its numbers take calls.
    calling_enabled: Option<bool>,
    /// Its conversations are recorded.
    recording_enabled: Option<bool>,
    /// A clip.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    hold_music: Option<Option<String>>,
    /// A clip.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ringback: Option<Option<String>>,
    /// 1 to 3600.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    transfer_timeout_secs: Option<Option<u32>>,
}

/// The settings.
#[utoipa::path(get, path = "/api/organisation", operation_id = "organisation", tag = "settings",
    responses((status = 200, body = OrganisationSettings), (status = 401, body = Refused)))]
pub async fn detail(State(app): State<App>, who: Who) -> Result<Json<OrganisationSettings>, ApiError> {
    Ok(Json(shown(app.store.org(&who.org).await?.ok_or(ApiError::Internal)?)))
}

/// Changes the settings. Calls that run keep what they began with.
#[utoipa::path(patch, path = "/api/organisation", operation_id = "change_organisation", tag = "settings",
    request_body = ChangeOrganisation, responses((status = 200, body = OrganisationSettings), (status = 422, body = Refused)))]
pub async fn change(
    State(app): State<App>,
    who: Who,
    Body(change): Body<ChangeOrganisation>,
) -> Result<Json<OrganisationSettings>, ApiError> {
    let mut org = app.store.org(&who.org).await?.ok_or(ApiError::Internal)?;
    if let Some(name) = change.name {
        org.name = named(&name)?;
    }
    org.calling_enabled = change.calling_enabled.unwrap_or(org.calling_enabled);
    org.recording_enabled = change.recording_enabled.unwrap_or(org.recording_enabled);
    let clips = app.surroundings(&who.org).await?.clips;
    for (new, kept) in [(change.hold_music, &mut org.hold_music), (change.ringback, &mut org.ringback)] {
        let Some(new) = new else { continue };
        if let Some(clip) = new.as_ref().filter(|clip| !clips.contains(*clip)) {
            return Err(ApiError::Unfit(format!("there is no sound \"{clip}\"")));
        }
        *kept = new;
    }
    if let Some(secs) = change.transfer_timeout_secs {
        if secs.is_some_and(|secs| !(1..=TIMEOUT_SECS_MAX).contains(&secs)) {
            return Err(ApiError::Unfit(format!("transfer_timeout_secs is 1 to {TIMEOUT_SECS_MAX}")));
        }
        org.transfer_timeout_secs = secs;
    }
    app.store.change_org(&org).await?;
    noted(&app, &who, "organisation.change", org.id.as_str()).await?;
    Ok(Json(shown(org)))
}

fn shown(org: Org) -> OrganisationSettings {
    OrganisationSettings {
        id: org.id,
        name: org.name,
        calling_enabled: org.calling_enabled,
        recording_enabled: org.recording_enabled,
        hold_music: org.hold_music,
        ringback: org.ringback,
        transfer_timeout_secs: org.transfer_timeout_secs,
    }
}

const TIMEOUT_SECS_MAX: u32 = 3_600;
