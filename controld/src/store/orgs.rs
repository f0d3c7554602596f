//! Tenants and their calling settings.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};
use crate::model::{Millis, OrgId};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Which.
    pub id: OrgId,
    /// As shown.
    pub name: String,
    /// Its numbers take calls.
    pub calling_enabled: bool,
    /// Its conversations are recorded, if the configuration records at all.
    pub recording_enabled: bool,
    /// Clip of its own hold music; `None`: the configured one.
    pub hold_music: Option<String>,
    /// Clip of its own ringback; `None`: the configured one.
    pub ringback: Option<String>,
    /// Seconds a caller waits for an agent; `None`: as configured.
    pub transfer_timeout_secs: Option<u32>,
}

impl Store {
    /// The tenant.
    pub async fn org(&self, id: &OrgId) -> Result<Option<Org>, StoreError> {
        let row = sqlx::query("SELECT * FROM organisations WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(org).transpose()
    }

    /// Nobody has moved in yet.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM organisations").fetch_one(self.read()).await?;
        Ok(row.try_get::<i64, _>(0)? == 0)
    }

    /// Writes a tenant as it is now. False: no such tenant.
    pub async fn change_org(&self, org: &Org) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query(
            "UPDATE organisations SET name = $1, calling_enabled = $2, recording_enabled = $3, hold_music = $4,
                                      ringback = $5, transfer_timeout_secs = $6 WHERE id = $7",
        )
        .bind(&org.name)
        .bind(i64::from(org.calling_enabled))
        .bind(i64::from(org.recording_enabled))
        .bind(&org.hold_music)
        .bind(&org.ringback)
        .bind(org.transfer_timeout_secs.map(i64::from))
        .bind(org.id.as_str())
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Adds a tenant.
    pub async fn add_org(&self, org: &Org, now: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO organisations
               (id, name, calling_enabled, recording_enabled, hold_music, ringback, transfer_timeout_secs, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(org.id.as_str())
        .bind(&org.name)
        .bind(i64::from(org.calling_enabled))
        .bind(i64::from(org.recording_enabled))
        .bind(&org.hold_music)
        .bind(&org.ringback)
        .bind(org.transfer_timeout_secs.map(i64::from))
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }
}

fn org(row: &AnyRow) -> Result<Org, StoreError> {
    let id: String = row.try_get("id")?;
    let timeout: Option<i64> = row.try_get("transfer_timeout_secs")?;
    let timeout = timeout.map(u32::try_from).transpose().map_err(|_| StoreError::BadRow {
        table: "organisations",
        id: id.clone(),
        what: "a transfer timeout outside 32 bits".to_owned(),
    })?;
    Ok(Org {
        id: OrgId(id),
        name: row.try_get("name")?,
        calling_enabled: row.try_get::<i64, _>("calling_enabled")? != 0,
        recording_enabled: row.try_get::<i64, _>("recording_enabled")? != 0,
        hold_music: row.try_get("hold_music")?,
        ringback: row.try_get("ringback")?,
        transfer_timeout_secs: timeout,
    })
}
