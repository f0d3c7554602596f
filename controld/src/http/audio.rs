//! The audio library: an organisation's own sounds and those every organisation may use.

use std::path::{Path as FilePath, PathBuf};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Refused};
use super::flows::{FlowName, Uses, named, naming, noted};
use super::guard::Who;
use super::range::part;
use super::recordings::{answer, range_that_counts};
use super::take::{Asked, Body};
use crate::app::App;
use crate::app::sounds::{Prepared, Purpose};
use crate::app::surroundings::shared_clips;
use crate::ivr::flow::Flow;
use crate::ivr::parse::PROMPT_TEXT_BYTES_MAX;
use crate::model::{ClipId, Millis, UserId, clock};
use crate::outside::tts::one_line;
use crate::store::clips::{ClipRow, ClipSource};

/// A sound of the organisation's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct Clip {
    /// Which.
    id: ClipId,
    /// As shown.
    name: String,
    /// What a prompt's `clip` says.
    clip: String,
    /// Length.
    duration_ms: i64,
    /// Size of the prepared file.
    bytes: i64,
    /// Loudness as it is played, in LUFS.
    lufs: f64,
    /// Where it comes from.
    source: ClipSource,
    /// What it says, for speech.
    #[schema(required)]
    words: Option<String>,
    /// Who brought it.
    #[schema(required)]
    created_by: Option<UserId>,
    /// When.
    created_at: Millis,
}

/// A sound every organisation may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedClip {
    /// What a prompt's `clip` says.
    clip: String,
    /// Length.
    duration_ms: i64,
}

/// What can be played to callers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Library {
    /// The organisation's own, by name.
    clips: Vec<Clip>,
    /// The house's, by path.
    shared: Vec<SharedClip>,
}

/// What is sent, beside its bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Upload {
    /// As shown.
    name: String,
    /// `prompt` (default): speech, trimmed and played once; `music`: looped without a joint.
    #[serde(default)]
    #[param(required = false)]
    purpose: SoundPurpose,
}

/// What a sound is for.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoundPurpose {
    /// Speech, played once.
    #[default]
    Prompt,
    /// Music: looped.
    Music,
}

/// Another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// As shown.
    name: String,
}

/// Words to be made into sound.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// What is said; gaps and line ends count as one space.
    text: String,
}

/// Which sound.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// As a prompt's `clip` says it.
    clip: String,
}

/// Everything that can be played to callers.
#[utoipa::path(get, path = "/api/audio", operation_id = "list_audio", tag = "audio",
    responses((status = 200, body = Library), (status = 401, body = Refused)))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Library>, ApiError> {
    let clips = app.store.clips_of(&who.org).await?.into_iter().map(Clip::from).collect();
    let lengths = app.shared_lengths(FilePath::new(&app.config.calling.audio_dir));
    let shared = lengths
        .into_iter()
        .map(|(clip, ms)| SharedClip { clip, duration_ms: i64::try_from(ms).unwrap_or(i64::MAX) })
        .collect();
    Ok(Json(Library { clips, shared }))
}

/// Adds a sound. The body is the file itself: WAV, MP3, OGG, Opus, FLAC, M4A or WebM, told by its content. It is decoded
/// under limits, trimmed, brought to its loudness and kept as callers hear it.
#[utoipa::path(post, path = "/api/audio", operation_id = "upload_audio", tag = "audio", params(Upload),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = Clip),
    (status = 413, body = Refused), (status = 422, body = Refused), (status = 503, body = Refused)))]
pub async fn upload(
    State(app): State<App>,
    who: Who,
    Asked(upload): Asked<Upload>,
    bytes: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, ApiError> {
    let bytes = bytes.map_err(|why| match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => ApiError::BadRequest(why.body_text()),
    })?;
    let name = named(&upload.name)?;
    let purpose = match upload.purpose {
        SoundPurpose::Prompt => Purpose::Prompt,
        SoundPurpose::Music => Purpose::Music,
    };
    let Prepared { ogg, duration_ms, lufs } = app.sounds.prepare(bytes, purpose).await?;
    let now = clock::now();
    let id = ClipId::fresh(now);
    let place = format!("own/{}/{id}.ogg", who.org);
    app.sounds.put(&path_of(&app, &place), &ogg).await?;
    let row = ClipRow {
        org: who.org.clone(),
        name,
        place,
        duration_ms: i64::try_from(duration_ms).unwrap_or(i64::MAX),
        bytes: i64::try_from(ogg.len()).unwrap_or(i64::MAX),
        lufs,
        source: ClipSource::Upload,
        words: None,
        voice: None,
        created_by: Some(who.user.clone()),
        created_at: now,
        id,
    };
    app.store.add_clip(&row).await?;
    noted(&app, &who, "audio.upload", row.id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(Clip::from(row))).into_response())
}

/// Makes words into a sound with the server's voice, once: the same words get the same clip.
#[utoipa::path(post, path = "/api/audio/speech", operation_id = "speak", tag = "audio", request_body = Words,
    responses((status = 200, body = Clip), (status = 201, body = Clip), (status = 422, body = Refused),
    (status = 503, body = Refused)))]
pub async fn speak(State(app): State<App>, who: Who, Body(words): Body<Words>) -> Result<Response, ApiError> {
    if words.text.len() > PROMPT_TEXT_BYTES_MAX {
        return Err(ApiError::Unfit(format!("a prompt says at most {PROMPT_TEXT_BYTES_MAX} bytes")));
    }
    let (row, is_new) = app.speak(&who.org, &words.text, &who.user).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Clip::from(row))).into_response())
}

/// Gives a sound another name; prompts find it as before.
#[utoipa::path(patch, path = "/api/audio/{id}", operation_id = "rename_audio", tag = "audio", params(("id" = String, Path)),
    request_body = Rename, responses((status = 200, body = Clip), (status = 404, body = Refused), (status = 422, body = Refused)))]
pub async fn rename(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Body(rename): Body<Rename>,
) -> Result<Json<Clip>, ApiError> {
    let row = clip(&app, &who, id).await?;
    let name = named(&rename.name)?;
    app.store.rename_clip(&who.org, &row.id, &name).await?;
    Ok(Json(Clip::from(ClipRow { name, ..row })))
}

/// Where a sound is used: flows that play it, hold music and ringback of the organisation.
#[utoipa::path(get, path = "/api/audio/{id}/uses", operation_id = "audio_uses", tag = "audio", params(("id" = String, Path)),
    responses((status = 200, body = Uses), (status = 404, body = Refused)))]
pub async fn uses(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<Json<Uses>, ApiError> {
    let row = clip(&app, &who, id).await?;
    Ok(Json(users(&app, &who, &row).await?))
}

/// Removes a sound that nothing plays.
#[utoipa::path(delete, path = "/api/audio/{id}", operation_id = "delete_audio", tag = "audio", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub async fn delete(State(app): State<App>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let row = clip(&app, &who, id).await?;
    let uses = users(&app, &who, &row).await?;
    if !uses.is_empty() {
        return Err(ApiError::InUse(format!("\"{}\" is still played: {}", row.name, uses.told()), Box::new(uses)));
    }
    app.store.delete_clip(&who.org, &row.id).await?;
    // The row is what counts; a file that stays behind is found by nobody.
    let _ = tokio::fs::remove_file(path_of(&app, &row.place)).await;
    noted(&app, &who, "audio.delete", row.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The sound, exactly as callers hear it, whole or in part.
#[utoipa::path(get, path = "/api/audio/sound", operation_id = "play_audio", tag = "audio", params(Which),
    responses((status = 200, content_type = "audio/ogg", body = Vec<u8>), (status = 404, body = Refused)))]
pub async fn sound(
    State(app): State<App>,
    who: Who,
    Asked(which): Asked<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let folder = FilePath::new(&app.config.calling.audio_dir);
    // A path is never taken at its word: it is one of the known ones, or nothing.
    let own = app.store.clips_of(&who.org).await?.into_iter().any(|clip| clip.place == which.clip);
    if !own && !shared_clips(folder).contains(&which.clip) {
        return Err(ApiError::NotFound("sound"));
    }
    let file = File::open(folder.join(&which.clip)).await.map_err(|_| ApiError::NotFound("sound"))?;
    let len = file.metadata().await?.len();
    let etag = format!("\"{}-{len}\"", hex::encode(which.clip.as_bytes()));
    let wanted = part(range_that_counts(&headers, &etag), len);
    let mut response = answer(file, len, wanted, &etag, false).await?;
    response.headers_mut().remove(header::CONTENT_DISPOSITION);
    Ok(response)
}

impl From<ClipRow> for Clip {
    fn from(row: ClipRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            clip: row.place,
            duration_ms: row.duration_ms,
            bytes: row.bytes,
            lufs: row.lufs,
            source: row.source,
            words: row.words,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

async fn clip(app: &App, who: &Who, id: String) -> Result<ClipRow, ApiError> {
    app.store.clip(&who.org, &ClipId(id)).await?.ok_or(ApiError::NotFound("sound"))
}

async fn users(app: &App, who: &Who, row: &ClipRow) -> Result<Uses, ApiError> {
    let plays = |flow: &Flow| {
        let mut prompts = flow.nodes.iter().filter_map(|node| node.kind.prompt());
        prompts.any(|prompt| {
            let says = prompt.unspoken().map(one_line);
            prompt.clip.as_deref() == Some(&row.place) || (says.is_some() && says == row.words)
        })
    };
    let flows: Vec<FlowName> = naming(app, who, plays).await?;
    let org = app.store.org(&who.org).await?.ok_or(ApiError::Internal)?;
    let settings = [("hold_music", org.hold_music), ("ringback", org.ringback)];
    let settings = settings.into_iter().filter(|(_, clip)| clip.as_deref() == Some(&row.place));
    Ok(Uses { flows, settings: settings.map(|(name, _)| name.to_owned()).collect(), ..Uses::default() })
}

fn path_of(app: &App, place: &str) -> PathBuf {
    FilePath::new(&app.config.calling.audio_dir).join(place)
}
