//! How each leg of a call sounded, every 5 s.

use sqlx::Row;

use super::{Store, StoreError};
use crate::model::{CallId, Millis};

/// One measurement of one leg.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityRow {
    /// `caller` or `agent`.
    pub leg: String,
    /// When.
    pub at: Millis,
    /// Of what the peer sent us, 0 to 1.
    pub loss: f64,
    /// Interarrival jitter.
    pub jitter_ms: f64,
    /// Round trip.
    pub rtt_ms: Option<f64>,
    /// The loss the peer reports of what we sent, 0 to 1.
    pub far_loss: Option<f64>,
}

impl Store {
    /// Writes a measurement down; a second one of the same moment is dropped.
    pub async fn add_quality(&self, call: &CallId, row: &QualityRow) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO quality (call_id, leg, at, loss, jitter_ms, rtt_ms, far_loss)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (call_id, leg, at) DO NOTHING",
        )
        .bind(call.as_str())
        .bind(&row.leg)
        .bind(row.at)
        .bind(row.loss)
        .bind(row.jitter_ms)
        .bind(row.rtt_ms)
        .bind(row.far_loss)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// The measurements of a call, oldest first.
    pub async fn quality_of(&self, call: &CallId) -> Result<Vec<QualityRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM quality WHERE call_id = $1 ORDER BY at, leg")
            .bind(call.as_str())
            .fetch_all(self.read())
            .await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(QualityRow {
                leg: row.try_get("leg")?,
                at: row.try_get("at")?,
                loss: row.try_get("loss")?,
                jitter_ms: row.try_get("jitter_ms")?,
                rtt_ms: row.try_get("rtt_ms")?,
                far_loss: row.try_get("far_loss")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
