//! Teams and who is in them.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use super::{Store, StoreError, as_word, word};
use crate::model::{Millis, OrgId, TeamId, UserId};

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Which.
    pub id: TeamId,
    /// Whose.
    pub org: OrgId,
    /// As shown.
    pub name: String,
    /// Who of it is rung.
    pub strategy: Strategy,
}

/// Who of a team is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Everyone at once.
    All,
    /// Who has had no call for the longest.
    LongestIdle,
    /// One after the other.
    RoundRobin,
}

impl Store {
    /// The team, if it is this tenant's.
    pub async fn team(&self, org: &OrgId, id: &TeamId) -> Result<Option<Team>, StoreError> {
        let row = sqlx::query("SELECT * FROM teams WHERE org_id = $1 AND id = $2")
            .bind(org.as_str())
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(team).transpose()
    }

    /// The teams of a tenant, by name.
    pub async fn teams_of(&self, org: &OrgId) -> Result<Vec<Team>, StoreError> {
        let rows = sqlx::query("SELECT * FROM teams WHERE org_id = $1 ORDER BY name, id")
            .bind(org.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(team).collect()
    }

    /// Who is in a team and may sign in, by id.
    pub async fn members(&self, id: &TeamId) -> Result<Vec<UserId>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.user_id AS user_id FROM team_members m JOIN users u ON u.id = m.user_id
             WHERE m.team_id = $1 AND u.disabled = 0 ORDER BY m.user_id",
        )
        .bind(id.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok(UserId(row.try_get(0)?))).collect()
    }

    /// Everyone in a team, by id, those who may not sign in included.
    pub async fn everyone_in(&self, id: &TeamId) -> Result<Vec<UserId>, StoreError> {
        let rows = sqlx::query("SELECT user_id FROM team_members WHERE team_id = $1 ORDER BY user_id")
            .bind(id.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Ok(UserId(row.try_get(0)?))).collect()
    }

    /// Writes a team and who is in it as they are now. False: no such team of this tenant.
    pub async fn change_team(&self, team: &Team, members: &[UserId]) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query("UPDATE teams SET name = $1, strategy = $2 WHERE org_id = $3 AND id = $4")
            .bind(&team.name)
            .bind(as_word(&team.strategy))
            .bind(team.org.as_str())
            .bind(team.id.as_str())
            .execute(&mut *change)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM team_members WHERE team_id = $1").bind(team.id.as_str()).execute(&mut *change).await?;
        for member in members {
            sqlx::query("INSERT INTO team_members (team_id, user_id) VALUES ($1, $2)")
                .bind(team.id.as_str())
                .bind(member.as_str())
                .execute(&mut *change)
                .await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Removes a team in which nobody waits. False: it stays.
    pub async fn delete_team(&self, org: &OrgId, id: &TeamId) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let there = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM teams t WHERE t.org_id = $1 AND t.id = $2
               AND NOT EXISTS (SELECT 1 FROM hunts h WHERE h.team_id = t.id AND h.ended_at IS NULL)",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_one(&mut *change)
        .await?;
        if there.try_get::<i64, _>(0)? == 0 {
            return Ok(false);
        }
        for text in ["DELETE FROM team_members WHERE team_id = $1", "DELETE FROM teams WHERE id = $1"] {
            sqlx::query(text).bind(id.as_str()).execute(&mut *change).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Adds a team with its members.
    pub async fn add_team(&self, team: &Team, members: &[UserId], now: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query("INSERT INTO teams (id, org_id, name, strategy, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(team.id.as_str())
            .bind(team.org.as_str())
            .bind(&team.name)
            .bind(as_word(&team.strategy))
            .bind(now)
            .execute(&mut *change)
            .await?;
        for member in members {
            sqlx::query("INSERT INTO team_members (team_id, user_id) VALUES ($1, $2)")
                .bind(team.id.as_str())
                .bind(member.as_str())
                .execute(&mut *change)
                .await?;
        }
        Ok(change.commit().await?)
    }
}

fn team(row: &AnyRow) -> Result<Team, StoreError> {
    let id: String = row.try_get("id")?;
    Ok(Team {
        org: OrgId(row.try_get("org_id")?),
        name: row.try_get("name")?,
        strategy: word("teams", &id, row.try_get("strategy")?)?,
        id: TeamId(id),
    })
}
