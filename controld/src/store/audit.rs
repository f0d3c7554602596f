//! Who did what, and how it ended. Written once, never changed.

use sqlx::Row;

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

impl Store {
    /// Writes a deed down.
    pub async fn audit(&self, deed: Deed<'_>) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO audit (id, org_id, user_id, at, what, about, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(format!("aud_{:012x}{:016x}", deed.at, rand::random::<u64>()))
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
