//! Webhooks as they came: the receipt that is written before the 200 (D11).

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};
use crate::model::{AccountId, Millis};

/// A webhook that waits for its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// SHA-256 of account and body, hex.
    pub id: String,
    /// Whose number it concerns.
    pub account: AccountId,
    /// The verified body.
    pub body: String,
    /// When it came.
    pub received_at: Millis,
}

/// What became of a webhook at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Seen for the first time; its row is on the disk.
    New,
    /// The same bytes were here before; nothing was written.
    Repeat,
}

impl Store {
    /// Writes the receipt. When this returns, the webhook may be answered 200.
    pub async fn keep_webhook(
        &self,
        id: &str,
        account: &AccountId,
        body: &str,
        now: Millis,
    ) -> Result<Receipt, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query(
            "INSERT INTO inbox (id, account_id, body, received_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(account.as_str())
        .bind(body)
        .bind(now)
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(if done.rows_affected() == 1 { Receipt::New } else { Receipt::Repeat })
    }

    /// Webhooks nobody has worked on yet, oldest first, at most `limit`.
    pub async fn waiting_webhooks(&self, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, account_id, body, received_at FROM inbox WHERE processed_at IS NULL ORDER BY received_at, id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(waiting).collect()
    }

    /// The work on a webhook is done; `outcome` is a word for people.
    pub async fn webhook_done(&self, id: &str, outcome: &str, now: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query("UPDATE inbox SET processed_at = $1, outcome = $2 WHERE id = $3")
            .bind(now)
            .bind(outcome)
            .bind(id)
            .execute(&mut *change)
            .await?;
        Ok(change.commit().await?)
    }
}

fn waiting(row: &AnyRow) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        id: row.try_get("id")?,
        account: AccountId(row.try_get("account_id")?),
        body: row.try_get("body")?,
        received_at: row.try_get("received_at")?,
    })
}
