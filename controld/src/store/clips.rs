//! An organisation's own sounds: what they are called, where they lie, how long and how loud they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use super::{Store, StoreError, as_word, word};
use crate::model::{ClipId, Millis, OrgId, UserId};

/// A clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipRow {
    /// Which.
    pub id: ClipId,
    /// Whose.
    pub org: OrgId,
    /// As shown.
    pub name: String,
    /// Path below `audio_dir`, as prompts name it.
    pub place: String,
    /// Length.
    pub duration_ms: i64,
    /// Size of the prepared file.
    pub bytes: i64,
    /// Integrated loudness as it is played.
    pub lufs: f64,
    /// Where it comes from.
    pub source: ClipSource,
    /// What it says, for speech.
    pub words: Option<String>,
    /// Who says it, for speech.
    pub voice: Option<String>,
    /// Who brought it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Millis,
}

/// Where a clip comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClipSource {
    /// A file somebody sent.
    Upload,
    /// Words made into sound.
    Speech,
}

impl Store {
    /// The clips of a tenant, by name.
    pub async fn clips_of(&self, org: &OrgId) -> Result<Vec<ClipRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM clips WHERE org_id = $1 ORDER BY name, id")
            .bind(org.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(clip).collect()
    }

    /// The clip, if it is this tenant's.
    pub async fn clip(&self, org: &OrgId, id: &ClipId) -> Result<Option<ClipRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM clips WHERE org_id = $1 AND id = $2")
            .bind(org.as_str())
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(clip).transpose()
    }

    /// The clip that says these words with this voice.
    pub async fn speech(&self, org: &OrgId, words: &str, voice: &str) -> Result<Option<ClipRow>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM clips WHERE org_id = $1 AND source = 'speech' AND words = $2 AND voice = $3 ORDER BY id LIMIT 1",
        )
        .bind(org.as_str())
        .bind(words)
        .bind(voice)
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(clip).transpose()
    }

    /// Where the words of a tenant's spoken clips lie; of two that say the same the younger one.
    pub async fn speech_of(&self, org: &OrgId) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = sqlx::query(
            "SELECT words, place FROM clips WHERE org_id = $1 AND source = 'speech' AND words IS NOT NULL ORDER BY created_at, id",
        )
        .bind(org.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok((row.try_get("words")?, row.try_get("place")?))).collect()
    }

    /// Adds a clip whose file lies in its place already.
    pub async fn add_clip(&self, clip: &ClipRow) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO clips (id, org_id, name, place, duration_ms, bytes, lufs, source, words, voice, created_by,
                                created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(clip.id.as_str())
        .bind(clip.org.as_str())
        .bind(&clip.name)
        .bind(&clip.place)
        .bind(clip.duration_ms)
        .bind(clip.bytes)
        .bind(clip.lufs)
        .bind(as_word(&clip.source))
        .bind(&clip.words)
        .bind(&clip.voice)
        .bind(clip.created_by.as_ref().map(UserId::as_str))
        .bind(clip.created_at)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// Gives a clip another name. False: no such clip.
    pub async fn rename_clip(&self, org: &OrgId, id: &ClipId, name: &str) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query("UPDATE clips SET name = $1 WHERE org_id = $2 AND id = $3")
            .bind(name)
            .bind(org.as_str())
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets a clip. False: no such clip.
    pub async fn delete_clip(&self, org: &OrgId, id: &ClipId) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query("DELETE FROM clips WHERE org_id = $1 AND id = $2")
            .bind(org.as_str())
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

fn clip(row: &AnyRow) -> Result<ClipRow, StoreError> {
    let id: String = row.try_get("id")?;
    Ok(ClipRow {
        source: word("clips", &id, row.try_get("source")?)?,
        org: OrgId(row.try_get("org_id")?),
        name: row.try_get("name")?,
        place: row.try_get("place")?,
        duration_ms: row.try_get("duration_ms")?,
        bytes: row.try_get("bytes")?,
        lufs: row.try_get("lufs")?,
        words: row.try_get("words")?,
        voice: row.try_get("voice")?,
        created_by: row.try_get::<Option<String>, _>("created_by")?.map(UserId),
        created_at: row.try_get("created_at")?,
        id: ClipId(id),
    })
}
