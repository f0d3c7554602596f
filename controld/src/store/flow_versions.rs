//! Published versions of flows: written once, never changed; which one callers get is one column of the flow.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::flows::{Saved, is_there};
use super::{Store, StoreError};
use crate::model::{FlowId, Millis, OrgId, UserId};

/// A published version, with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// From 1.
    pub version: i64,
    /// Flow JSON.
    pub body: String,
    /// Why it was published.
    pub note: String,
    /// Who published it.
    pub published_by: Option<UserId>,
    /// When.
    pub published_at: Millis,
    /// Calls that began on it.
    pub calls: i64,
}

/// What is published, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// The draft with this revision and no other; `None`: whatever it is.
    pub revision: Option<i64>,
    /// Why.
    pub note: &'a str,
    /// Who.
    pub by: Option<&'a UserId>,
}

impl Store {
    /// The version that calls start on now, with its body.
    pub async fn published_flow(&self, org: &OrgId, id: &FlowId) -> Result<Option<(i64, String)>, StoreError> {
        let row = sqlx::query(
            "SELECT v.version AS version, v.body AS body FROM flows f
             JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.published_version
             WHERE f.org_id = $1 AND f.id = $2 AND f.archived_at IS NULL",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(self.read())
        .await?;
        row.map(|row| Ok((row.try_get("version")?, row.try_get("body")?))).transpose()
    }

    /// A published body: what a live call keeps, whatever is published after.
    pub async fn flow_version(&self, id: &FlowId, version: i64) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT body FROM flow_versions WHERE flow_id = $1 AND version = $2")
            .bind(id.as_str())
            .bind(version)
            .fetch_optional(self.read())
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Every version of a tenant's flow, the newest first.
    pub async fn versions_of(&self, org: &OrgId, id: &FlowId) -> Result<Vec<VersionRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT v.version AS version, v.body AS body, v.note AS note, v.published_by AS published_by,
                    v.published_at AS published_at,
                    (SELECT CAST(COUNT(*) AS BIGINT) FROM calls c
                     WHERE c.flow_id = v.flow_id AND c.flow_version = v.version) AS calls
             FROM flow_versions v JOIN flows f ON f.id = v.flow_id
             WHERE f.org_id = $1 AND f.id = $2 ORDER BY v.version DESC",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(version).collect()
    }

    /// Publishes the draft; says the new version. The body is copied within the one transaction, so what is published is
    /// what had that revision.
    pub async fn publish_flow(
        &self,
        org: &OrgId,
        id: &FlowId,
        publication: Publication<'_>,
        now: Millis,
    ) -> Result<Saved<i64>, StoreError> {
        let mut change = self.write().await?;
        // The row is written first: on PostgreSQL that holds off whoever else publishes or saves.
        let taken = sqlx::query(
            "UPDATE flows SET updated_at = $1 WHERE org_id = $2 AND id = $3 AND revision = COALESCE($4, revision)",
        )
        .bind(now)
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(publication.revision)
        .execute(&mut *change)
        .await?;
        if taken.rows_affected() == 0 {
            let there = is_there(&mut change, org, id).await?;
            return Ok(if there { Saved::Stale } else { Saved::Gone });
        }
        let last =
            sqlx::query("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM flow_versions WHERE flow_id = $1")
                .bind(id.as_str())
                .fetch_one(&mut *change)
                .await?;
        let version = last.try_get::<i64, _>(0)?.saturating_add(1);
        sqlx::query(
            "INSERT INTO flow_versions (flow_id, version, body, note, published_by, published_at)
             SELECT id, CAST($1 AS BIGINT), draft, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT)
             FROM flows WHERE id = $5",
        )
        .bind(version)
        .bind(publication.note)
        .bind(publication.by.map(UserId::as_str))
        .bind(now)
        .bind(id.as_str())
        .execute(&mut *change)
        .await?;
        sqlx::query("UPDATE flows SET published_version = $1 WHERE id = $2")
            .bind(version)
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(Saved::Done(version))
    }

    /// Gives callers an earlier or later version from now on. False: no such version.
    pub async fn roll_back(&self, org: &OrgId, id: &FlowId, version: i64, now: Millis) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query(
            "UPDATE flows SET published_version = $1, updated_at = $2 WHERE org_id = $3 AND id = $4
               AND EXISTS (SELECT 1 FROM flow_versions v WHERE v.flow_id = flows.id AND v.version = $5)",
        )
        .bind(version)
        .bind(now)
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(version)
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

fn version(row: &AnyRow) -> Result<VersionRow, StoreError> {
    Ok(VersionRow {
        version: row.try_get("version")?,
        body: row.try_get("body")?,
        note: row.try_get("note")?,
        published_by: row.try_get::<Option<String>, _>("published_by")?.map(UserId),
        published_at: row.try_get("published_at")?,
        calls: row.try_get("calls")?,
    })
}
