//! Teams and who is in them.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
