//! Small facts about the house itself: how far mediad's events were dealt with, the key of signed links.

use sqlx::Row;

use super::{Store, StoreError};

impl Store {
    /// What is written under `name`.
    pub async fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT value FROM facts WHERE name = $1").bind(name).fetch_optional(self.read()).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Writes `value` under `name`, over what was there.
    pub async fn set_fact(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// The value under `name`; `fresh` is written there first if there is none. Of many who ask at once, all hear the same.
    pub async fn fact_or(&self, name: &str, fresh: &str) -> Result<String, StoreError> {
        let mut change = self.write().await?;
        sqlx::query("INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&mut *change)
            .await?;
        let row = sqlx::query("SELECT value FROM facts WHERE name = $1").bind(name).fetch_one(&mut *change).await?;
        change.commit().await?;
        Ok(row.try_get(0)?)
    }
}
