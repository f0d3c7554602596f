//! Flows: a draft that changes, published versions that never do.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};
use crate::model::{FlowId, Millis, OrgId, UserId};

/// A flow without its published bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRow {
    /// Which.
    pub id: FlowId,
    /// Whose.
    pub org: OrgId,
    /// As shown.
    pub name: String,
    /// The draft, flow JSON.
    pub draft: String,
    /// Of the draft.
    pub revision: i64,
    /// `None`: never published.
    pub published_version: Option<i64>,
}

impl Store {
    /// The flows of a tenant, by name.
    pub async fn flows_of(&self, org: &OrgId) -> Result<Vec<FlowRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM flows WHERE org_id = $1 ORDER BY name, id")
            .bind(org.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(flow).collect()
    }

    /// The flow, if it is this tenant's.
    pub async fn flow(&self, org: &OrgId, id: &FlowId) -> Result<Option<FlowRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM flows WHERE org_id = $1 AND id = $2")
            .bind(org.as_str())
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(flow).transpose()
    }

    /// The version that calls start on now, with its body.
    pub async fn published_flow(&self, org: &OrgId, id: &FlowId) -> Result<Option<(i64, String)>, StoreError> {
        let row = sqlx::query(
            "SELECT v.version AS version, v.body AS body FROM flows f
             JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.published_version
             WHERE f.org_id = $1 AND f.id = $2",
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

    /// Adds a flow as a draft, revision 1.
    pub async fn add_flow(
        &self,
        org: &OrgId,
        id: &FlowId,
        name: &str,
        draft: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO flows (id, org_id, name, draft, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.as_str())
        .bind(org.as_str())
        .bind(name)
        .bind(draft)
        .bind(now)
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// Publishes the draft as it is; says the new version. `None`: no such flow.
    pub async fn publish_flow(
        &self,
        org: &OrgId,
        id: &FlowId,
        by: Option<&UserId>,
        now: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let mut change = self.write().await?;
        let found = sqlx::query("SELECT draft FROM flows WHERE org_id = $1 AND id = $2")
            .bind(org.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *change)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let draft: String = found.try_get(0)?;
        let last =
            sqlx::query("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM flow_versions WHERE flow_id = $1")
                .bind(id.as_str())
                .fetch_one(&mut *change)
                .await?;
        let version = last.try_get::<i64, _>(0)?.saturating_add(1);
        sqlx::query(
            "INSERT INTO flow_versions (flow_id, version, body, published_by, published_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id.as_str())
        .bind(version)
        .bind(&draft)
        .bind(by.map(UserId::as_str))
        .bind(now)
        .execute(&mut *change)
        .await?;
        sqlx::query("UPDATE flows SET published_version = $1, updated_at = $2 WHERE id = $3")
            .bind(version)
            .bind(now)
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(Some(version))
    }
}

fn flow(row: &AnyRow) -> Result<FlowRow, StoreError> {
    Ok(FlowRow {
        id: FlowId(row.try_get("id")?),
        org: OrgId(row.try_get("org_id")?),
        name: row.try_get("name")?,
        draft: row.try_get("draft")?,
        revision: row.try_get("revision")?,
        published_version: row.try_get("published_version")?,
    })
}
