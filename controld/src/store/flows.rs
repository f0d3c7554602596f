//! Flows: the draft people draw on, counted so that nobody overwrites another; who uses a flow; putting it away.

use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

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
    /// The draft is not what is published.
    pub changed: bool,
    /// Last change.
    pub updated_at: Millis,
    /// Who changed it last.
    pub updated_by: Option<UserId>,
    /// Put away: no new call begins on it.
    pub archived: bool,
}

/// A new state of a draft, made from the state with `revision`.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// As shown.
    pub name: &'a str,
    /// Flow JSON.
    pub body: &'a str,
    /// The revision the change was made from.
    pub revision: i64,
}

/// What became of a change that names the revision it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved<T> {
    /// Written.
    Done(T),
    /// Somebody was quicker; nothing was written.
    Stale,
    /// No such flow here.
    Gone,
}

/// Who would miss a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowUses {
    /// Numbers whose callers start there, digits.
    pub numbers: Vec<String>,
    /// Calls that began there, over or not.
    pub calls: i64,
    /// Of those, not over.
    pub live_calls: i64,
}

macro_rules! flow {
    () => {
        "SELECT f.*, CAST(CASE WHEN v.body = f.draft THEN 0 ELSE 1 END AS BIGINT) AS changed
         FROM flows f LEFT JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.published_version
         WHERE f.org_id = $1"
    };
}

impl Store {
    /// The flows of a tenant, by name.
    pub async fn flows_of(&self, org: &OrgId) -> Result<Vec<FlowRow>, StoreError> {
        let rows =
            sqlx::query(concat!(flow!(), " ORDER BY f.name, f.id")).bind(org.as_str()).fetch_all(self.read()).await?;
        rows.iter().map(flow).collect()
    }

    /// The flows of a tenant that a call can be sent to, each with its published version. No draft is read.
    pub async fn published_flows(&self, org: &OrgId) -> Result<Vec<(FlowId, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, published_version FROM flows
             WHERE org_id = $1 AND published_version IS NOT NULL AND archived_at IS NULL ORDER BY id",
        )
        .bind(org.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok((FlowId(row.try_get(0)?), row.try_get(1)?))).collect()
    }

    /// The flow, if it is this tenant's.
    pub async fn flow(&self, org: &OrgId, id: &FlowId) -> Result<Option<FlowRow>, StoreError> {
        let row = sqlx::query(concat!(flow!(), " AND f.id = $2"))
            .bind(org.as_str())
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(flow).transpose()
    }

    /// Adds a flow as a draft, revision 1, unless the tenant has [`FLOWS_MAX`].
    pub async fn add_flow(
        &self,
        org: &OrgId,
        id: &FlowId,
        draft: Draft<'_>,
        by: Option<&UserId>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM flows WHERE org_id = $1")
            .bind(org.as_str())
            .fetch_one(&mut *change)
            .await?;
        if row.try_get::<i64, _>(0)? >= FLOWS_MAX {
            return Err(StoreError::Full { what: "flows", max: FLOWS_MAX });
        }
        sqlx::query(
            "INSERT INTO flows (id, org_id, name, draft, updated_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.as_str())
        .bind(org.as_str())
        .bind(draft.name)
        .bind(draft.body)
        .bind(by.map(UserId::as_str))
        .bind(now)
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// Writes a draft if nobody has changed it since `draft.revision`; says its new revision.
    pub async fn save_draft(
        &self,
        org: &OrgId,
        id: &FlowId,
        draft: Draft<'_>,
        by: &UserId,
        now: Millis,
    ) -> Result<Saved<i64>, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query(
            "UPDATE flows SET name = $1, draft = $2, revision = revision + 1, updated_by = $3, updated_at = $4
             WHERE org_id = $5 AND id = $6 AND revision = $7",
        )
        .bind(draft.name)
        .bind(draft.body)
        .bind(by.as_str())
        .bind(now)
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(draft.revision)
        .execute(&mut *change)
        .await?;
        if done.rows_affected() == 0 {
            let there = is_there(&mut change, org, id).await?;
            return Ok(if there { Saved::Stale } else { Saved::Gone });
        }
        change.commit().await?;
        Ok(Saved::Done(draft.revision.saturating_add(1)))
    }

    /// Puts a flow away, or takes it out again. False: no such flow.
    pub async fn archive_flow(&self, org: &OrgId, id: &FlowId, at: Option<Millis>) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query("UPDATE flows SET archived_at = $1 WHERE org_id = $2 AND id = $3")
            .bind(at)
            .bind(org.as_str())
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a flow with its versions, unless a number starts there or a call began there. False: nothing was removed.
    pub async fn delete_flow(&self, org: &OrgId, id: &FlowId) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let used = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM flows f WHERE f.org_id = $1 AND f.id = $2
               AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.start_flow_id = f.id)
               AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.flow_id = f.id)",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_one(&mut *change)
        .await?;
        if used.try_get::<i64, _>(0)? == 0 {
            return Ok(false);
        }
        for text in ["DELETE FROM flow_versions WHERE flow_id = $1", "DELETE FROM flows WHERE id = $1"] {
            sqlx::query(text).bind(id.as_str()).execute(&mut *change).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Who would miss the flow, jumps from other flows aside: those stand in their bodies.
    pub async fn flow_uses(&self, org: &OrgId, id: &FlowId) -> Result<FlowUses, StoreError> {
        let numbers = sqlx::query(
            "SELECT display_number FROM accounts WHERE org_id = $1 AND start_flow_id = $2 ORDER BY display_number",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_all(self.read())
        .await?;
        let calls = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN ended_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
             FROM calls WHERE org_id = $1 AND flow_id = $2",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_one(self.read())
        .await?;
        Ok(FlowUses {
            numbers: numbers.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
            calls: calls.try_get(0)?,
            live_calls: calls.try_get(1)?,
        })
    }
}

/// Whether the flow exists and is this tenant's.
pub(in crate::store) async fn is_there(
    change: &mut Transaction<'static, Any>,
    org: &OrgId,
    id: &FlowId,
) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM flows WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_one(&mut **change)
        .await?;
    Ok(row.try_get::<i64, _>(0)? == 1)
}

fn flow(row: &AnyRow) -> Result<FlowRow, StoreError> {
    Ok(FlowRow {
        id: FlowId(row.try_get("id")?),
        org: OrgId(row.try_get("org_id")?),
        name: row.try_get("name")?,
        draft: row.try_get("draft")?,
        revision: row.try_get("revision")?,
        published_version: row.try_get("published_version")?,
        changed: row.try_get::<i64, _>("changed")? != 0,
        updated_at: row.try_get("updated_at")?,
        updated_by: row.try_get::<Option<String>, _>("updated_by")?.map(UserId),
        archived: row.try_get::<Option<i64>, _>("archived_at")?.is_some(),
    })
}

/// Flows of an organisation, drafts and archived ones included.
pub const FLOWS_MAX: i64 = 200;

#[cfg(test)]
mod tests {
    use super::super::cluster;
    use super::*;
    use crate::store::orgs::Org;

    #[tokio::test]
    async fn an_organisation_has_two_hundred_flows_and_hears_why_it_has_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&cluster::database(folder.path())).await.unwrap();
        let add = async |org: &OrgId, n: i64| {
            let draft = Draft { name: "A", body: "{}", revision: 1 };
            store.add_flow(org, &FlowId(format!("{org}_{n}")), draft, None, 0).await
        };
        let (a, b) = (OrgId::from("a"), OrgId::from("b"));
        for org in [&a, &b] {
            let org = Org {
                id: org.clone(),
                name: "A".into(),
                calling_enabled: true,
                recording_enabled: true,
                hold_music: None,
                ringback: None,
                transfer_timeout_secs: None,
            };
            store.add_org(&org, 0).await.unwrap();
        }
        for n in 0..FLOWS_MAX {
            add(&a, n).await.unwrap();
        }
        let why = add(&a, FLOWS_MAX).await.err().unwrap();
        assert!(matches!(why, StoreError::Full { max: FLOWS_MAX, .. }), "{why}");
        add(&b, 0).await.unwrap();
        assert_eq!(store.published_flows(&a).await.unwrap(), []);
    }
}
