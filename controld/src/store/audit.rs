//! Who did what, and how it ended. Written once, never changed.

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};
use crate::model::{Millis, OrgId, UserId};

/// One deed worth remembering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed<'a> {
    /// Of which tenant, if it is known.
    pub org: Option<&'a OrgId>,
    /// Who, if it is known.
    pub user: Option<&'a UserId>,
    /// When.
    pub at: Millis,
    /// A word: `login`, `logout`, `recording.link`, `recording.play`, `call.hang_up`.
    pub what: &'a str,
    /// The id it was done to, or an address.
    pub about: &'a str,
    /// `ok`, or why not.
    pub outcome: &'a str,
}

/// A deed that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Sorts by time.
    pub id: String,
    /// When.
    pub at: Millis,
    /// A word.
    pub what: String,
    /// The id it was done to, or an address.
    pub about: String,
    /// `ok`, or why not.
    pub outcome: String,
    /// Who, and what they are called.
    pub by: Option<(UserId, String)>,
}

impl Store {
    /// Writes a deed down.
    pub async fn audit(&self, deed: Deed<'_>) -> Result<(), StoreError> {
        let id = format!("aud_{:012x}{:016x}", deed.at, rand::random::<u64>());
        self.put_deed(&id, deed).await
    }

    /// Writes a deed down unless the same person did the same to the same in this period already; periods follow each
    /// other from 1970 on.
    pub async fn audit_once_in(&self, period_ms: Millis, deed: Deed<'_>) -> Result<(), StoreError> {
        let period = deed.at.saturating_sub(deed.at.rem_euclid(period_ms.max(1)));
        let same = format!("{}\n{}\n{}", deed.what, deed.about, deed.user.map(UserId::as_str).unwrap_or_default());
        let mut digest = hex::encode(Sha256::digest(same.as_bytes()));
        digest.truncate(32);
        let id = format!("aud_{period:012x}{digest}");
        // Most are repeats, and a question does not keep writers waiting.
        let known = sqlx::query("SELECT 1 FROM audit WHERE id = $1").bind(&id).fetch_optional(self.read()).await?;
        if known.is_some() { Ok(()) } else { self.put_deed(&id, deed).await }
    }

    async fn put_deed(&self, id: &str, deed: Deed<'_>) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO audit (id, org_id, user_id, at, what, about, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(deed.org.map(OrgId::as_str))
        .bind(deed.user.map(UserId::as_str))
        .bind(deed.at)
        .bind(deed.what)
        .bind(deed.about)
        .bind(deed.outcome)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// What was done in an organisation, newest first; only what is older than `before`.
    pub async fn audit_log(&self, org: &OrgId, before: Option<&str>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.id AS id, a.at AS at, a.what AS what, a.about AS about, a.outcome AS outcome,
                    a.user_id AS user_id, u.name AS user_name
             FROM audit a LEFT JOIN users u ON u.id = a.user_id
             WHERE a.org_id = $1 AND ($2 IS NULL OR a.id < $2) ORDER BY a.id DESC LIMIT $3",
        )
        .bind(org.as_str())
        .bind(before)
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(row).collect()
    }

    /// Who has signed in since, from where and when last: e-mail address, network address, moment. At most 10,000.
    pub async fn logins_since(&self, since: Millis) -> Result<Vec<(String, String, Millis)>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.email AS email, a.about AS about, CAST(MAX(a.at) AS BIGINT) AS at
             FROM audit a JOIN users u ON u.id = a.user_id
             WHERE a.what = 'login' AND a.outcome = 'ok' AND a.at >= $1
             GROUP BY u.email, a.about ORDER BY 3 DESC LIMIT 10000",
        )
        .bind(since)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok((row.try_get("email")?, row.try_get("about")?, row.try_get("at")?))).collect()
    }

    /// How often `what` was done to `about`.
    pub async fn deeds(&self, what: &str, about: &str) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE what = $1 AND about = $2")
            .bind(what)
            .bind(about)
            .fetch_one(self.read())
            .await?;
        Ok(row.try_get(0)?)
    }
}

fn row(row: &AnyRow) -> Result<AuditRow, StoreError> {
    let user: Option<String> = row.try_get("user_id")?;
    let name: Option<String> = row.try_get("user_name")?;
    Ok(AuditRow {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        what: row.try_get("what")?,
        about: row.try_get("about")?,
        outcome: row.try_get("outcome")?,
        by: user.map(|user| (UserId(user), name.unwrap_or_default())),
    })
}
