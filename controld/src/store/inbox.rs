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

    /// Webhooks nobody has worked on yet, at most `limit`: the oldest of every number, then the second of every number
    /// and so on, so that one number's flood holds up only itself.
    pub async fn waiting_webhooks(&self, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query(
            "SELECT i.id AS id, i.account_id AS account_id, i.body AS body, i.received_at AS received_at
             FROM (SELECT id, received_at, ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY received_at, id) AS place
                   FROM inbox WHERE processed_at IS NULL ORDER BY place, received_at, id LIMIT $1) w
             JOIN inbox i ON i.id = w.id ORDER BY w.place, w.received_at, w.id",
        )
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(waiting).collect()
    }

    /// Forgets webhooks whose work was done before `before`, a bounded number at a time; says how many.
    pub async fn prune_inbox(&self, before: Millis) -> Result<u64, StoreError> {
        let mut change = self.write().await?;
        let gone = sqlx::query(
            "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE processed_at < $1 ORDER BY processed_at LIMIT 200)",
        )
        .bind(before)
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(gone.rows_affected())
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

#[cfg(test)]
mod tests {
    use super::super::cluster;
    use super::*;
    use crate::app::demo;
    use crate::app::passwords::Passwords;
    use crate::store::accounts::Account;

    async fn two_numbers(folder: &std::path::Path) -> (Store, AccountId, AccountId) {
        let store = Store::open(&cluster::database(folder)).await.unwrap();
        demo::move_in(&store, &Passwords::new(), 0).await.unwrap();
        let (one, other) = (AccountId::from("acc_demo"), AccountId::from("acc_two"));
        let demo = store.account(&one).await.unwrap().unwrap();
        let second = Account { id: other.clone(), phone_number_id: "2".into(), ..demo };
        store.add_account(&second, 0).await.unwrap();
        (store, one, other)
    }

    #[tokio::test]
    async fn the_flood_of_one_number_holds_up_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (store, one, other) = two_numbers(folder.path()).await;
        for n in 0..30 {
            store.keep_webhook(&format!("a{n:02}"), &one, "{}", n).await.unwrap();
        }
        store.keep_webhook("b0", &other, "{}", 100).await.unwrap();
        store.keep_webhook("b1", &other, "{}", 101).await.unwrap();
        let ids: Vec<String> = store.waiting_webhooks(5).await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(ids, ["a00", "b0", "a01", "b1", "a02"]);
    }

    #[tokio::test]
    async fn what_was_done_long_ago_is_forgotten_and_what_waits_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (store, one, _) = two_numbers(folder.path()).await;
        for (n, done) in [(0, Some(10)), (1, Some(20)), (2, None)] {
            let id = format!("a{n}");
            store.keep_webhook(&id, &one, "{}", 0).await.unwrap();
            if let Some(at) = done {
                store.webhook_done(&id, "ok", at).await.unwrap();
            }
        }
        assert_eq!(store.prune_inbox(20).await.unwrap(), 1);
        assert_eq!(store.prune_inbox(20).await.unwrap(), 0);
        assert_eq!(store.keep_webhook("a1", &one, "{}", 0).await.unwrap(), Receipt::Repeat);
        assert_eq!(store.waiting_webhooks(5).await.unwrap().len(), 1);
    }
}
