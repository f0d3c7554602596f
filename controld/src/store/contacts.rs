//! Who calls or is called: one row a person, whether they show a phone number, a user id or both.

use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::call_log::pattern;
use super::{Store, StoreError};
use crate::model::{AccountId, ContactId, Millis, OrgId};
use crate::outside::whatsapp::graph::Callee;

/// What a webhook says about a person. At least one of the two keys is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Phone number, digits; absent for users with usernames.
    pub wa_id: Option<String>,
    /// Business-scoped user id.
    pub user_key: Option<String>,
    /// Profile name; empty if none was told.
    pub name: String,
}

/// A person as the row has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Which.
    pub id: ContactId,
    /// Phone number, digits.
    pub wa_id: Option<String>,
    /// Business-scoped user id.
    pub user_key: Option<String>,
    /// Profile name; empty if none was told.
    pub name: String,
}

impl Contact {
    /// How WhatsApp is asked for this person.
    pub fn callee(&self) -> Option<Callee> {
        let by_phone = self.wa_id.clone().map(Callee::Phone);
        by_phone.or_else(|| self.user_key.clone().map(Callee::UserKey))
    }
}

impl Store {
    /// The contact, if it is of this organisation.
    pub async fn contact_of(&self, org: &OrgId, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        let row = sqlx::query("SELECT id, wa_id, user_key, name FROM contacts WHERE id = $1 AND org_id = $2")
            .bind(id.as_str())
            .bind(org.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Adds a contact by hand. A number that is known already is a conflict.
    pub async fn add_contact(&self, org: &OrgId, contact: &Contact, now: Millis) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO contacts (id, org_id, wa_id, user_key, name, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(contact.id.as_str())
        .bind(org.as_str())
        .bind(contact.wa_id.as_deref())
        .bind(contact.user_key.as_deref())
        .bind(contact.name.as_str())
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// Contacts whose name or number holds `part`, by name.
    pub async fn contacts_of(&self, org: &OrgId, part: &str, limit: i64) -> Result<Vec<Contact>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, wa_id, user_key, name FROM contacts WHERE org_id = $1 \
             AND (LOWER(name) LIKE $2 ESCAPE '!' OR wa_id LIKE $2 ESCAPE '!') ORDER BY LOWER(name), id LIMIT $3",
        )
        .bind(org.as_str())
        .bind(pattern(part))
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(read).collect()
    }

    /// The number on which this contact was last in a call.
    pub async fn last_account(&self, id: &ContactId) -> Result<Option<AccountId>, StoreError> {
        let row =
            sqlx::query("SELECT account_id FROM calls WHERE contact_id = $1 ORDER BY started_at DESC, id DESC LIMIT 1")
                .bind(id.as_str())
                .fetch_optional(self.read())
                .await?;
        Ok(row.map(|row| row.try_get(0).map(AccountId)).transpose()?)
    }

    /// The contact with these keys, made or completed as needed; two rows that turn out to be one person become one.
    pub async fn contact(&self, org: &OrgId, seen: &Seen, now: Millis) -> Result<ContactId, StoreError> {
        let mut change = self.write().await?;
        let by_user =
            find(&mut change, org, "SELECT id FROM contacts WHERE org_id = $1 AND user_key = $2", &seen.user_key)
                .await?;
        let by_phone =
            find(&mut change, org, "SELECT id FROM contacts WHERE org_id = $1 AND wa_id = $2", &seen.wa_id).await?;
        let kept = match (by_user, by_phone) {
            (Some(kept), Some(other)) if kept != other => {
                merge(&mut change, &kept, &other).await?;
                kept
            }
            (Some(kept), _) | (None, Some(kept)) => kept,
            (None, None) => create(&mut change, org, now).await?,
        };
        complete(&mut change, &kept, seen).await?;
        change.commit().await?;
        Ok(kept)
    }
}

fn read(row: &AnyRow) -> Result<Contact, StoreError> {
    Ok(Contact {
        id: ContactId(row.try_get("id")?),
        wa_id: row.try_get("wa_id")?,
        user_key: row.try_get("user_key")?,
        name: row.try_get("name")?,
    })
}

async fn find(
    change: &mut Transaction<'static, Any>,
    org: &OrgId,
    sql: &'static str,
    key: &Option<String>,
) -> Result<Option<ContactId>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    let row = sqlx::query(sql).bind(org.as_str()).bind(key.as_str()).fetch_optional(&mut **change).await?;
    Ok(row.map(|row| row.try_get(0).map(ContactId)).transpose()?)
}

async fn merge(change: &mut Transaction<'static, Any>, kept: &ContactId, other: &ContactId) -> Result<(), StoreError> {
    for sql in
        ["UPDATE calls SET contact_id = $1 WHERE contact_id = $2", "DELETE FROM contacts WHERE $1 <> id AND id = $2"]
    {
        sqlx::query(sql).bind(kept.as_str()).bind(other.as_str()).execute(&mut **change).await?;
    }
    Ok(())
}

async fn create(change: &mut Transaction<'static, Any>, org: &OrgId, now: Millis) -> Result<ContactId, StoreError> {
    let id = ContactId::fresh(now);
    sqlx::query("INSERT INTO contacts (id, org_id, created_at) VALUES ($1, $2, $3)")
        .bind(id.as_str())
        .bind(org.as_str())
        .bind(now)
        .execute(&mut **change)
        .await?;
    Ok(id)
}

async fn complete(change: &mut Transaction<'static, Any>, id: &ContactId, seen: &Seen) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE contacts SET wa_id = COALESCE($1, wa_id), user_key = COALESCE($2, user_key), \
         name = CASE WHEN $3 = '' THEN name ELSE $3 END WHERE id = $4",
    )
    .bind(seen.wa_id.as_deref())
    .bind(seen.user_key.as_deref())
    .bind(seen.name.as_str())
    .bind(id.as_str())
    .execute(&mut **change)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn house() -> (tempfile::TempDir, Store, OrgId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&crate::store::cluster::database(folder.path())).await.unwrap();
        let mut change = store.write().await.unwrap();
        sqlx::query("INSERT INTO organisations (id, name, created_at) VALUES ('org_1', 'One', 0)")
            .execute(&mut *change)
            .await
            .unwrap();
        change.commit().await.unwrap();
        (folder, store, OrgId::from("org_1"))
    }

    fn seen(wa_id: Option<&str>, user_key: Option<&str>, name: &str) -> Seen {
        Seen { wa_id: wa_id.map(str::to_owned), user_key: user_key.map(str::to_owned), name: name.to_owned() }
    }

    #[tokio::test]
    async fn two_rows_become_one_when_both_keys_are_seen_together() {
        let (_folder, store, org) = house().await;
        let by_phone = store.contact(&org, &seen(Some("15550001111"), None, "Ana"), 1).await.unwrap();
        let by_user = store.contact(&org, &seen(None, Some("US.1"), ""), 2).await.unwrap();
        assert_ne!(by_phone, by_user);
        let both = store.contact(&org, &seen(Some("15550001111"), Some("US.1"), ""), 3).await.unwrap();
        assert_eq!(both, by_user);
        let rows = sqlx::query("SELECT wa_id, user_key FROM contacts").fetch_all(store.read()).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].try_get::<String, _>("wa_id").unwrap(), "15550001111");
    }

    #[tokio::test]
    async fn a_name_once_told_is_not_lost_when_a_later_webhook_has_none() {
        let (_folder, store, org) = house().await;
        store.contact(&org, &seen(Some("1"), None, "Zoë 🌷"), 1).await.unwrap();
        store.contact(&org, &seen(Some("1"), None, ""), 2).await.unwrap();
        let name: String =
            sqlx::query("SELECT name FROM contacts").fetch_one(store.read()).await.unwrap().try_get(0).unwrap();
        assert_eq!(name, "Zoë 🌷");
    }
}
