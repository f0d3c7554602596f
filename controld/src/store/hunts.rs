//! Waiting callers, whom they ring for, and the one claim (D12).

use std::collections::BTreeMap;

use sqlx::{Any, Row, Transaction};

use super::calls::CallRow;
use super::journal::{self, NewEntry};
use super::{Store, StoreError};
use crate::model::{CallId, Millis, TeamId, UserId};

/// A hunt that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHunt {
    /// For whom to look.
    pub team: TeamId,
    /// Waiting since; a caller who comes back from a lost agent keeps the first moment and so stands first in line.
    pub since: Millis,
    /// When "nobody is free" is said.
    pub deadline: Millis,
}

/// A hunt as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunt {
    /// For whom.
    pub team: TeamId,
    /// Waiting since.
    pub since: Millis,
    /// Until.
    pub deadline: Millis,
    /// Who has the caller.
    pub claimed_by: Option<UserId>,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The caller is yours.
    Won,
    /// Somebody was quicker.
    Taken {
        /// Who.
        by: UserId,
        /// Their name.
        name: String,
    },
    /// The claimant is on another call.
    Engaged,
    /// Nobody waits: the caller is gone, or never was in a queue.
    Over,
}

impl Store {
    /// Gives a waiting caller to an agent who is free, if nobody has them: one conditional UPDATE decides.
    pub async fn claim(&self, call: &CallId, user: &UserId, now: Millis) -> Result<Claim, StoreError> {
        let mut change = self.write().await?;
        // The agent first: of two calls that one agent claims at two nodes, the row decides.
        let free = sqlx::query("UPDATE presence SET call_id = $1 WHERE user_id = $2 AND call_id IS NULL")
            .bind(call.as_str())
            .bind(user.as_str())
            .execute(&mut *change)
            .await?;
        let won = sqlx::query(
            "UPDATE hunts SET claimed_by = $1, claimed_at = $2 WHERE call_id = $3 AND claimed_by IS NULL \
             AND ended_at IS NULL AND $4 = 1",
        )
        .bind(user.as_str())
        .bind(now)
        .bind(call.as_str())
        .bind(i64::from(free.rows_affected() == 1))
        .execute(&mut *change)
        .await?;
        if won.rows_affected() == 0 {
            let answer = why_not(&mut change, call).await?;
            change.rollback().await?;
            return Ok(answer);
        }
        sqlx::query("UPDATE rings SET state = 'stopped' WHERE call_id = $1 AND state = 'ringing'")
            .bind(call.as_str())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(Claim::Won)
    }

    /// The hunt of a call that is still running.
    pub async fn hunt(&self, call: &CallId) -> Result<Option<Hunt>, StoreError> {
        let row = sqlx::query(
            "SELECT team_id, since, deadline, claimed_by FROM hunts WHERE call_id = $1 AND ended_at IS NULL",
        )
        .bind(call.as_str())
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Hunt {
            team: TeamId(row.try_get("team_id")?),
            since: row.try_get("since")?,
            deadline: row.try_get("deadline")?,
            claimed_by: row.try_get::<Option<String>, _>("claimed_by")?.map(UserId),
        }))
    }

    /// Notes that a call rings for these agents, with the line of the journal that says so.
    pub async fn ring(
        &self,
        call: &CallId,
        users: &[UserId],
        entries: &[NewEntry],
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        for user in users {
            set_ring(&mut change, call, user, "ringing", now).await?;
        }
        journal::append(&mut change, call, entries, now).await?;
        Ok(change.commit().await?)
    }

    /// Notes that an agent wants no more of this call.
    pub async fn decline(
        &self,
        call: &CallId,
        user: &UserId,
        entries: &[NewEntry],
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        set_ring(&mut change, call, user, "declined", now).await?;
        journal::append(&mut change, call, entries, now).await?;
        Ok(change.commit().await?)
    }

    /// Who has declined this call.
    pub async fn declined(&self, call: &CallId) -> Result<Vec<UserId>, StoreError> {
        let rows = sqlx::query("SELECT user_id FROM rings WHERE call_id = $1 AND state = 'declined'")
            .bind(call.as_str())
            .fetch_all(self.read())
            .await?;
        Ok(rows.iter().map(|row| row.try_get(0).map(UserId)).collect::<Result<_, _>>()?)
    }

    /// When each of these agents was last rung; who never was is missing.
    pub async fn last_rung(&self, team: &TeamId) -> Result<BTreeMap<UserId, Millis>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.user_id AS user_id, CAST(MAX(r.since) AS BIGINT) AS rung FROM rings r \
             JOIN team_members m ON m.user_id = r.user_id WHERE m.team_id = $1 GROUP BY r.user_id",
        )
        .bind(team.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok((UserId(row.try_get("user_id")?), row.try_get("rung")?))).collect()
    }
}

async fn set_ring(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
    user: &UserId,
    state: &'static str,
    now: Millis,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rings (call_id, user_id, state, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (call_id, user_id) DO UPDATE SET state = excluded.state, since = excluded.since",
    )
    .bind(call.as_str())
    .bind(user.as_str())
    .bind(state)
    .bind(now)
    .execute(&mut **change)
    .await?;
    Ok(())
}

async fn why_not(change: &mut Transaction<'static, Any>, call: &CallId) -> Result<Claim, StoreError> {
    let row = sqlx::query(
        "SELECT h.ended_at, h.claimed_by, u.name FROM hunts h LEFT JOIN users u ON u.id = h.claimed_by WHERE h.call_id = $1",
    )
    .bind(call.as_str())
    .fetch_optional(&mut **change)
    .await?;
    let Some(row) = row else { return Ok(Claim::Over) };
    let by: Option<String> = row.try_get("claimed_by")?;
    let ended: Option<i64> = row.try_get("ended_at")?;
    Ok(match (ended, by) {
        (Some(_), _) => Claim::Over,
        (None, Some(by)) => {
            Claim::Taken { by: UserId(by), name: row.try_get::<Option<String>, _>("name")?.unwrap_or_default() }
        }
        (None, None) => Claim::Engaged,
    })
}

/// Opens the hunt of a call, or opens it again when its agent was lost: that agent is freed, nobody has declined.
pub(in crate::store) async fn open(
    change: &mut Transaction<'static, Any>,
    row: &CallRow,
    hunt: &NewHunt,
    now: Millis,
) -> Result<(), StoreError> {
    super::presence::release(change, &row.id, now).await?;
    sqlx::query("DELETE FROM rings WHERE call_id = $1").bind(row.id.as_str()).execute(&mut **change).await?;
    sqlx::query(
        "INSERT INTO hunts (call_id, org_id, team_id, since, deadline) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (call_id) DO UPDATE SET team_id = excluded.team_id, since = excluded.since, \
         deadline = excluded.deadline, claimed_by = NULL, claimed_at = NULL, ended_at = NULL",
    )
    .bind(row.id.as_str())
    .bind(row.org.as_str())
    .bind(hunt.team.as_str())
    .bind(hunt.since)
    .bind(hunt.deadline)
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Ends the hunt and every ring of a call.
pub(in crate::store) async fn close(
    change: &mut Transaction<'static, Any>,
    call: &CallId,
    now: Millis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE hunts SET ended_at = $1 WHERE call_id = $2 AND ended_at IS NULL")
        .bind(now)
        .bind(call.as_str())
        .execute(&mut **change)
        .await?;
    sqlx::query("UPDATE rings SET state = 'stopped' WHERE call_id = $1 AND state = 'ringing'")
        .bind(call.as_str())
        .execute(&mut **change)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallId, OrgId, UserId};
    use crate::store::cluster;

    async fn house() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&cluster::database(folder.path())).await.unwrap();
        let mut change = store.write().await.unwrap();
        let rows = "
            INSERT INTO organisations (id, name, created_at) VALUES ('org', 'One', 0);
            INSERT INTO users (id, org_id, email, name, role, password_hash, created_at)
                VALUES ('ana', 'org', 'a', 'Ana', 'agent', '', 0), ('ben', 'org', 'b', 'Ben', 'agent', '', 0);
            INSERT INTO presence (user_id, state, since, idle_since) VALUES ('ana', 'available', 0, 0), ('ben', 'available', 0, 0);
            INSERT INTO accounts (id, org_id, name, phone_number_id, display_number, token, app_secret, verify_token, created_at)
                VALUES ('acc', 'org', '', '1', '1', '', '', '', 0)";
        sqlx::raw_sql(rows).execute(&mut *change).await.unwrap();
        change.commit().await.unwrap();
        (folder, store)
    }

    async fn waiting(store: &Store, call: &str) -> CallId {
        let mut change = store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO calls (id, org_id, account_id, wacid, direction, status, started_at) \
             VALUES ($1, 'org', 'acc', $1, 'incoming', 'queued', 0)",
        )
        .bind(call)
        .execute(&mut *change)
        .await
        .unwrap();
        sqlx::query("INSERT INTO hunts (call_id, org_id, team_id, since, deadline) VALUES ($1, 'org', 'team', 0, 9)")
            .bind(call)
            .execute(&mut *change)
            .await
            .unwrap();
        change.commit().await.unwrap();
        CallId::from(call)
    }

    async fn free(store: &Store, call: &CallId) {
        let mut change = store.write().await.unwrap();
        crate::store::presence::release(&mut change, call, 1).await.unwrap();
        change.commit().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_two_who_claim_at_once_exactly_one_wins_a_thousand_times() {
        let (_folder, store) = house().await;
        // Two pools on one file, as two nodes have it: the database decides, not our own queue of writers.
        let other = Store::open(&cluster::database(_folder.path())).await.unwrap();
        for round in 0..1_000 {
            let call = waiting(&store, &format!("call{round}")).await;
            let (ana, ben) = (UserId::from("ana"), UserId::from("ben"));
            let (a, b) = tokio::join!(store.claim(&call, &ana, 5), other.claim(&call, &ben, 5));
            let (a, b) = (a.unwrap(), b.unwrap());
            let (winner, loser) = if a == Claim::Won { (&ana, b) } else { (&ben, a) };
            let name = if winner.as_str() == "ana" { "Ana" } else { "Ben" };
            assert_eq!(loser, Claim::Taken { by: winner.clone(), name: name.into() }, "round {round}");
            assert_eq!(store.hunt(&call).await.unwrap().unwrap().claimed_by.as_ref(), Some(winner));
            free(&store, &call).await;
        }
    }

    #[tokio::test]
    async fn an_agent_on_a_call_and_a_hunt_that_is_over_are_refused() {
        let (_folder, store) = house().await;
        let (first, second) = (waiting(&store, "first").await, waiting(&store, "second").await);
        let ana = UserId::from("ana");
        assert_eq!(store.claim(&first, &ana, 5).await.unwrap(), Claim::Won);
        assert_eq!(store.claim(&second, &ana, 5).await.unwrap(), Claim::Engaged);
        let mut change = store.write().await.unwrap();
        close(&mut change, &second, 6).await.unwrap();
        change.commit().await.unwrap();
        assert_eq!(store.claim(&second, &UserId::from("ben"), 7).await.unwrap(), Claim::Over);
        assert_eq!(store.claim(&CallId::from("none"), &ana, 7).await.unwrap(), Claim::Over);
        let duty = store.on_duty(&ana).await.unwrap().unwrap();
        assert_eq!((duty.call, duty.org), (Some(first), OrgId::from("org")));
    }
}
