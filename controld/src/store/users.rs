//! People who sign in.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError, as_word, word};
use crate::model::{Millis, OrgId, Role, Secret, UserId};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// Of which organisation.
    pub org: OrgId,
    /// Lower case.
    pub email: String,
    /// As shown.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// argon2id, PHC string.
    pub password_hash: Secret,
    /// May not sign in.
    pub disabled: bool,
}

impl Store {
    /// The person with this e-mail address, whatever its case.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT * FROM users WHERE email = $1")
            .bind(email.to_lowercase())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(user).transpose()
    }

    /// The person with this id.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM users WHERE id = $1").bind(id.as_str()).fetch_optional(self.read()).await?;
        row.as_ref().map(user).transpose()
    }

    /// Everyone of an organisation, by name.
    pub async fn users_of(&self, org: &OrgId) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query("SELECT * FROM users WHERE org_id = $1 ORDER BY name, id")
            .bind(org.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(user).collect()
    }

    /// Adds a person. A taken e-mail address is a conflict.
    pub async fn add_user(&self, user: &User, now: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO users (id, org_id, email, name, role, password_hash, disabled, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(user.id.as_str())
        .bind(user.org.as_str())
        .bind(user.email.to_lowercase())
        .bind(&user.name)
        .bind(as_word(&user.role))
        .bind(&user.password_hash.0)
        .bind(i64::from(user.disabled))
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// Writes a person as they are now; a taken e-mail address is a conflict. `end_sessions`: they sign in again. False: no
    /// such person of this tenant, or they are its last admin who may sign in and would be no longer.
    pub async fn change_user(&self, user: &User, end_sessions: bool) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query(
            "UPDATE users SET email = $1, name = $2, role = $3, password_hash = $4, disabled = $5
             WHERE org_id = $6 AND id = $7 AND (($8 = 'admin' AND $9 = 0) OR role <> 'admin' OR disabled = 1
               OR EXISTS (SELECT 1 FROM users o WHERE o.org_id = users.org_id AND o.id <> users.id
                          AND o.role = 'admin' AND o.disabled = 0))",
        )
        .bind(user.email.to_lowercase())
        .bind(&user.name)
        .bind(as_word(&user.role))
        .bind(&user.password_hash.0)
        .bind(i64::from(user.disabled))
        .bind(user.org.as_str())
        .bind(user.id.as_str())
        .bind(as_word(&user.role))
        .bind(i64::from(user.disabled))
        .execute(&mut *change)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        if end_sessions || user.disabled {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user.id.as_str()).execute(&mut *change).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Everyone who may not sign in.
    pub async fn locked_out(&self) -> Result<Vec<UserId>, StoreError> {
        let rows = sqlx::query("SELECT id FROM users WHERE disabled <> 0").fetch_all(self.read()).await?;
        rows.iter().map(|row| Ok(UserId(row.try_get(0)?))).collect()
    }

    /// Locks a person out, or in again. Their sessions end in the same moment.
    pub async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query("UPDATE users SET disabled = $1 WHERE id = $2")
            .bind(i64::from(disabled))
            .bind(id.as_str())
            .execute(&mut *change)
            .await?;
        if disabled {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id.as_str()).execute(&mut *change).await?;
        }
        Ok(change.commit().await?)
    }
}

pub(in crate::store) fn user(row: &AnyRow) -> Result<User, StoreError> {
    let id: String = row.try_get("id")?;
    Ok(User {
        role: word("users", &id, row.try_get("role")?)?,
        org: OrgId(row.try_get("org_id")?),
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        password_hash: Secret(row.try_get("password_hash")?),
        disabled: row.try_get::<i64, _>("disabled")? != 0,
        id: UserId(id),
    })
}
