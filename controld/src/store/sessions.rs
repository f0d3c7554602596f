//! Who is signed in. The cookie's value is never stored, only its hash.

use sqlx::Row;

use super::users::{User, user};
use super::{Store, StoreError};
use crate::model::{Millis, UserId};

/// A living session and whose it is.
#[derive(Debug, Clone)]
pub struct Session {
    /// SHA-256 of the cookie's value, hex.
    pub token_hash: String,
    /// Whose.
    pub user: User,
    /// Name of the organisation.
    pub org_name: String,
    /// Last use that was written down.
    pub seen_at: Millis,
}

/// A living session, without its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the cookie's value, hex.
    pub token_hash: String,
    /// Signed in.
    pub created_at: Millis,
    /// Last use that was written down.
    pub seen_at: Millis,
    /// Over at the latest.
    pub expires_at: Millis,
}

impl Store {
    /// Opens a session that ends at `expires_at` at the latest.
    pub async fn open_session(
        &self,
        token_hash: &str,
        user: &UserId,
        now: Millis,
        expires_at: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, user_id, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(token_hash)
        .bind(user.as_str())
        .bind(now)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// The session, if it is alive: not over, used within [`IDLE_MS`], its person not locked out.
    pub async fn session(&self, token_hash: &str, now: Millis) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(
            "SELECT users.*, organisations.name AS org_name, sessions.seen_at AS seen_at
             FROM sessions JOIN users ON users.id = sessions.user_id
             JOIN organisations ON organisations.id = users.org_id
             WHERE sessions.token_hash = $1 AND sessions.expires_at > $2 AND sessions.seen_at > $3
               AND users.disabled = 0",
        )
        .bind(token_hash)
        .bind(now)
        .bind(now.saturating_sub(IDLE_MS))
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Session {
            token_hash: token_hash.to_owned(),
            user: user(&row)?,
            org_name: row.try_get("org_name")?,
            seen_at: row.try_get("seen_at")?,
        }))
    }

    /// The session was used.
    pub async fn touch_session(&self, token_hash: &str, now: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query("UPDATE sessions SET seen_at = $1 WHERE token_hash = $2 AND seen_at < $3")
            .bind(now)
            .bind(token_hash)
            .bind(now)
            .execute(&mut *change)
            .await?;
        Ok(change.commit().await?)
    }

    /// Ends a session. One that is not there is ended already.
    pub async fn close_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash).execute(&mut *change).await?;
        Ok(change.commit().await?)
    }

    /// The living sessions of a person, the last used first.
    pub async fn sessions_of(&self, user: &UserId, now: Millis) -> Result<Vec<SessionRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT token_hash, created_at, seen_at, expires_at FROM sessions
             WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, token_hash",
        )
        .bind(user.as_str())
        .bind(now)
        .bind(now.saturating_sub(IDLE_MS))
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SessionRow {
                    token_hash: row.try_get("token_hash")?,
                    created_at: row.try_get("created_at")?,
                    seen_at: row.try_get("seen_at")?,
                    expires_at: row.try_get("expires_at")?,
                })
            })
            .collect()
    }

    /// Ends every session of a person but this one; says how many.
    pub async fn close_other_sessions(&self, user: &UserId, kept: &str) -> Result<u64, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2")
            .bind(user.as_str())
            .bind(kept)
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(done.rows_affected())
    }

    /// Forgets sessions that are over; says how many.
    pub async fn sweep_sessions(&self, now: Millis) -> Result<u64, StoreError> {
        let mut change = self.write().await?;
        let swept = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2")
            .bind(now)
            .bind(now.saturating_sub(IDLE_MS))
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(swept.rows_affected())
    }
}

/// A session unused for this long is over.
pub const IDLE_MS: Millis = 30 * 60 * 1000;
/// A session this old is over, used or not.
pub const LIFE_MS: Millis = 12 * 60 * 60 * 1000;
