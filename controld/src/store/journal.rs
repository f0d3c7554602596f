//! The journal of a call, each step before its deeds (D10), and the place where a live call stands.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::{Store, StoreError};
use crate::model::{CallId, Millis};

/// A line of a call's journal, before it has its number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// A word: connect, accepted, node, digit, queued, rung, claimed, connected, held, ended …
    pub kind: &'static str,
    /// One plain sentence.
    pub text: String,
    /// The facts beside it, sensitive digits masked.
    pub data: Value,
}

/// A line of a call's journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// 1, 2, 3 … within the call.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// A word.
    pub kind: String,
    /// One plain sentence.
    pub text: String,
    /// The facts beside it.
    pub data: Value,
}

#[derive(Serialize, Deserialize)]
struct Body {
    text: String,
    #[serde(default)]
    data: Value,
}

impl NewEntry {
    /// A line with facts.
    pub fn new(kind: &'static str, text: impl Into<String>, data: Value) -> Self {
        Self { kind, text: text.into(), data }
    }
}

impl Store {
    /// The whole journal of a call, in order.
    pub async fn journal(&self, call: &CallId) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query("SELECT seq, at, kind, body FROM journal WHERE call_id = $1 ORDER BY seq")
            .bind(call.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| entry(call, row)).collect()
    }

    /// Adds lines to the journal of a call, whether it lives or not.
    pub async fn add_to_journal(&self, call: &CallId, entries: &[NewEntry], at: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        append(&mut change, call, entries, at).await?;
        Ok(change.commit().await?)
    }

    /// Where a live call stands, as the desk wrote it.
    pub async fn place(&self, call: &CallId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT place FROM places WHERE call_id = $1")
            .bind(call.as_str())
            .fetch_optional(self.read())
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

pub(in crate::store) async fn append(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
    entries: &[NewEntry],
    at: Millis,
) -> Result<(), StoreError> {
    for line in entries {
        let body = Body { text: line.text.clone(), data: line.data.clone() };
        sqlx::query(
            "INSERT INTO journal (call_id, seq, at, kind, body) \
             SELECT $1, CAST(COALESCE(MAX(seq), 0) + 1 AS BIGINT), $2, $3, $4 FROM journal WHERE call_id = $1",
        )
        .bind(call.as_str())
        .bind(at)
        .bind(line.kind)
        .bind(serde_json::to_string(&body).unwrap_or_default())
        .execute(&mut **change)
        .await?;
    }
    Ok(())
}

pub(in crate::store) async fn put_place(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
    place: &str,
    at: Millis,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO places (call_id, place, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (call_id) DO UPDATE SET place = excluded.place, updated_at = excluded.updated_at",
    )
    .bind(call.as_str())
    .bind(place)
    .bind(at)
    .execute(&mut **change)
    .await?;
    Ok(())
}

pub(in crate::store) async fn forget_place(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM places WHERE call_id = $1").bind(call.as_str()).execute(&mut **change).await?;
    Ok(())
}

fn entry(call: &CallId, row: &AnyRow) -> Result<Entry, StoreError> {
    let body: String = row.try_get("body")?;
    let body: Body = serde_json::from_str(&body).map_err(|_| StoreError::BadRow {
        table: "journal",
        id: call.to_string(),
        what: body.chars().take(80).collect(),
    })?;
    Ok(Entry {
        seq: row.try_get("seq")?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        text: body.text,
        data: body.data,
    })
}
