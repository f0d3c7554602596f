//! Who is at work, and on which call.

use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::{Store, StoreError, as_word, word};
use crate::model::{CallId, Millis, OrgId, Presence, TeamId, UserId};

/// An agent as the database knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty {
    /// Who.
    pub user: UserId,
    /// Of which organisation.
    pub org: OrgId,
    /// Their name.
    pub name: String,
    /// Presence as set; `Offline` for who has never been on duty.
    pub presence: Presence,
    /// Why they are away.
    pub reason: Option<String>,
    /// Since when.
    pub since: Millis,
    /// The call they are on.
    pub call: Option<CallId>,
    /// Since when they are without a call.
    pub idle_since: Millis,
    /// The teams they belong to.
    pub teams: Vec<TeamId>,
}

impl Store {
    /// One agent; `None` if there is no such user or the user is disabled.
    pub async fn on_duty(&self, user: &UserId) -> Result<Option<OnDuty>, StoreError> {
        let row = sqlx::query(
            "SELECT u.id, u.org_id, u.name, p.state, p.reason, p.since, p.call_id, p.idle_since \
             FROM users u LEFT JOIN presence p ON p.user_id = u.id WHERE u.id = $1 AND u.disabled = 0",
        )
        .bind(user.as_str())
        .fetch_optional(self.read())
        .await?;
        match row {
            Some(row) => Ok(Some(self.with_teams(&row).await?)),
            None => Ok(None),
        }
    }

    /// Everyone who is not offline: what a desk that starts has to find again.
    pub async fn all_on_duty(&self) -> Result<Vec<OnDuty>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id, u.org_id, u.name, p.state, p.reason, p.since, p.call_id, p.idle_since \
             FROM presence p JOIN users u ON u.id = p.user_id WHERE p.state <> 'offline' OR p.call_id IS NOT NULL",
        )
        .fetch_all(self.read())
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            all.push(self.with_teams(row).await?);
        }
        Ok(all)
    }

    /// Sets presence. The call an agent is on is not touched.
    pub async fn set_presence(
        &self,
        user: &UserId,
        presence: Presence,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO presence (user_id, state, reason, since, idle_since) VALUES ($1, $2, $3, $4, $4) \
             ON CONFLICT (user_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, since = excluded.since",
        )
        .bind(user.as_str())
        .bind(as_word(&presence))
        .bind(reason)
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    async fn with_teams(&self, row: &AnyRow) -> Result<OnDuty, StoreError> {
        let user: String = row.try_get("id")?;
        let teams = sqlx::query("SELECT team_id FROM team_members WHERE user_id = $1 ORDER BY team_id")
            .bind(user.as_str())
            .fetch_all(self.read())
            .await?;
        let state: Option<String> = row.try_get("state")?;
        Ok(OnDuty {
            org: OrgId(row.try_get("org_id")?),
            name: row.try_get("name")?,
            presence: state.map_or(Ok(Presence::Offline), |state| word("presence", &user, &state))?,
            reason: row.try_get("reason")?,
            since: row.try_get::<Option<i64>, _>("since")?.unwrap_or_default(),
            call: row.try_get::<Option<String>, _>("call_id")?.map(CallId),
            idle_since: row.try_get::<Option<i64>, _>("idle_since")?.unwrap_or_default(),
            teams: teams.iter().map(|team| team.try_get(0).map(TeamId)).collect::<Result<_, _>>()?,
            user: UserId(user),
        })
    }
}

/// Puts an agent who is free on this call; `false`: they are on another.
pub(in crate::store) async fn engage(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
    user: &UserId,
) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE presence SET call_id = $1 WHERE user_id = $2 AND call_id IS NULL")
        .bind(call.as_str())
        .bind(user.as_str())
        .execute(&mut **change)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Frees whoever is on this call.
pub(in crate::store) async fn release(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
    now: Millis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE presence SET call_id = NULL, idle_since = $1 WHERE call_id = $2")
        .bind(now)
        .bind(call.as_str())
        .execute(&mut **change)
        .await?;
    Ok(())
}
