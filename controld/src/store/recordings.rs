//! Recordings: where each one's bytes are, from the first frame to the archive.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use super::{Store, StoreError, word};
use crate::model::{CallId, Millis, OrgId, RecordingId};

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRow {
    /// Which; its file in the spool is `<id>.ogg`.
    pub id: RecordingId,
    /// Whose.
    pub org: OrgId,
    /// Of which call.
    pub call: CallId,
    /// How far it has come.
    pub state: RecordingState,
    /// Why it failed, or why it is shorter than the talk.
    pub reason: Option<String>,
    /// First frame.
    pub started_at: Millis,
    /// Length.
    pub duration_ms: Option<i64>,
    /// Size.
    pub bytes: Option<i64>,
    /// Of the archived bytes, hex.
    pub sha256: Option<String>,
    /// Path below the recordings folder.
    pub place: Option<String>,
}

/// How far a recording has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// mediad is writing it.
    Recording,
    /// Complete in the spool, waiting for the archive.
    Spooled,
    /// In the archive.
    Archived,
    /// There is nothing to hear; the reason says why.
    Failed,
}

impl Store {
    /// A recording begins. A repeat is harmless.
    pub async fn begin_recording(
        &self,
        id: &RecordingId,
        org: &OrgId,
        call: &CallId,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO recordings (id, org_id, call_id, state, started_at) VALUES ($1, $2, $3, 'recording', $4)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(org.as_str())
        .bind(call.as_str())
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// The file is complete in the spool, even one that was given up: mediad may salvage it late. What is archived stays
    /// archived; `false`: nothing has changed.
    pub async fn recording_spooled(
        &self,
        id: &RecordingId,
        duration_ms: i64,
        bytes: i64,
        reason: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let changed = sqlx::query(
            "UPDATE recordings SET state = 'spooled', duration_ms = $1, bytes = $2, reason = $3
             WHERE id = $4 AND state IN ('recording', 'failed')",
        )
        .bind(duration_ms)
        .bind(bytes)
        .bind(reason)
        .bind(id.as_str())
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(changed.rows_affected() == 1)
    }

    /// The bytes are safe at `place`.
    pub async fn recording_archived(
        &self,
        id: &RecordingId,
        place: &str,
        sha256: &str,
        duration_ms: i64,
        bytes: i64,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "UPDATE recordings SET state = 'archived', place = $1, sha256 = $2, duration_ms = $3, bytes = $4, reason = $5
             WHERE id = $6",
        )
        .bind(place)
        .bind(sha256)
        .bind(duration_ms)
        .bind(bytes)
        .bind(reason)
        .bind(id.as_str())
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// There is nothing to hear. What is archived stays archived.
    pub async fn recording_failed(&self, id: &RecordingId, reason: &str) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query("UPDATE recordings SET state = 'failed', reason = $1 WHERE id = $2 AND state <> 'archived'")
            .bind(reason)
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        Ok(change.commit().await?)
    }

    /// The recording, whoever's it is: for the archive, which works for all.
    pub async fn recording_of_anyone(&self, id: &RecordingId) -> Result<Option<RecordingRow>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM recordings WHERE id = $1").bind(id.as_str()).fetch_optional(self.read()).await?;
        row.as_ref().map(recording).transpose()
    }

    /// The recording, if it is this tenant's.
    pub async fn recording(&self, org: &OrgId, id: &RecordingId) -> Result<Option<RecordingRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM recordings WHERE org_id = $1 AND id = $2")
            .bind(org.as_str())
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(recording).transpose()
    }

    /// The last recording of a call.
    pub async fn recording_of(&self, org: &OrgId, call: &CallId) -> Result<Option<RecordingRow>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM recordings WHERE org_id = $1 AND call_id = $2 ORDER BY started_at DESC, id DESC LIMIT 1",
        )
        .bind(org.as_str())
        .bind(call.as_str())
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(recording).transpose()
    }

    /// What the archive has to look at, oldest first, each with the end of its call: what is complete in the spool, and
    /// what should be because its call is over.
    pub async fn recordings_to_archive(&self) -> Result<Vec<(RecordingRow, Option<Millis>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.*, c.ended_at AS call_ended_at FROM recordings r JOIN calls c ON c.id = r.call_id
             WHERE r.state = 'spooled' OR (r.state = 'recording' AND c.ended_at IS NOT NULL)
             ORDER BY r.started_at, r.id LIMIT 1000",
        )
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok((recording(row)?, row.try_get("call_ended_at")?))).collect()
    }
}

fn recording(row: &AnyRow) -> Result<RecordingRow, StoreError> {
    let id: String = row.try_get("id")?;
    Ok(RecordingRow {
        org: OrgId(row.try_get("org_id")?),
        call: CallId(row.try_get("call_id")?),
        state: word("recordings", &id, row.try_get("state")?)?,
        reason: row.try_get("reason")?,
        started_at: row.try_get("started_at")?,
        duration_ms: row.try_get("duration_ms")?,
        bytes: row.try_get("bytes")?,
        sha256: row.try_get("sha256")?,
        place: row.try_get("place")?,
        id: RecordingId(id),
    })
}
