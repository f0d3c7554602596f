//! WhatsApp business numbers. Their token and app secret are sealed before they are written.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};
use crate::model::{AccountId, FlowId, Millis, OrgId, Secret};

/// A WhatsApp business number and what it takes to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// Whose.
    pub org: OrgId,
    /// As shown.
    pub name: String,
    /// Meta's id of the number.
    pub phone_number_id: String,
    /// Digits only.
    pub display_number: String,
    /// Bearer token of the Graph API.
    pub token: Secret,
    /// Key of the webhook's signature.
    pub app_secret: Secret,
    /// What Meta says when it first calls the webhook.
    pub verify_token: Secret,
    /// The flow a caller starts in.
    pub start_flow: Option<FlowId>,
    /// The number takes calls.
    pub calling_enabled: bool,
}

impl Store {
    /// The number.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM accounts WHERE id = $1").bind(id.as_str()).fetch_optional(self.read()).await?;
        row.as_ref().map(|row| self.account_of(row)).transpose()
    }

    /// The numbers of a tenant, by name.
    pub async fn accounts_of(&self, org: &OrgId) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query("SELECT * FROM accounts WHERE org_id = $1 ORDER BY name, id")
            .bind(org.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| self.account_of(row)).collect()
    }

    /// Adds a number. A taken `phone_number_id` is a conflict.
    pub async fn add_account(&self, account: &Account, now: Millis) -> Result<(), StoreError> {
        let [token, app_secret, verify_token] = self.sealed(account);
        let mut change = self.write().await?;
        sqlx::query(
            "INSERT INTO accounts (id, org_id, name, phone_number_id, display_number, token, app_secret, verify_token,
                                   start_flow_id, calling_enabled, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(account.id.as_str())
        .bind(account.org.as_str())
        .bind(&account.name)
        .bind(&account.phone_number_id)
        .bind(&account.display_number)
        .bind(token)
        .bind(app_secret)
        .bind(verify_token)
        .bind(account.start_flow.as_ref().map(FlowId::as_str))
        .bind(i64::from(account.calling_enabled))
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }

    /// Writes a number as it is now. A taken `phone_number_id` is a conflict. False: no such number of this tenant.
    pub async fn change_account(&self, account: &Account) -> Result<bool, StoreError> {
        let [token, app_secret, verify_token] = self.sealed(account);
        let mut change = self.write().await?;
        let done = sqlx::query(
            "UPDATE accounts SET name = $1, phone_number_id = $2, display_number = $3, token = $4, app_secret = $5,
                                 verify_token = $6, start_flow_id = $7, calling_enabled = $8
             WHERE org_id = $9 AND id = $10",
        )
        .bind(&account.name)
        .bind(&account.phone_number_id)
        .bind(&account.display_number)
        .bind(token)
        .bind(app_secret)
        .bind(verify_token)
        .bind(account.start_flow.as_ref().map(FlowId::as_str))
        .bind(i64::from(account.calling_enabled))
        .bind(account.org.as_str())
        .bind(account.id.as_str())
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a number that no call and no webhook tells of. False: it stays.
    pub async fn delete_account(&self, org: &OrgId, id: &AccountId) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let done = sqlx::query(
            "DELETE FROM accounts WHERE org_id = $1 AND id = $2
               AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.account_id = accounts.id)
               AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.account_id = accounts.id)",
        )
        .bind(org.as_str())
        .bind(id.as_str())
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    fn sealed(&self, account: &Account) -> [String; 3] {
        let id = &account.id;
        [("token", &account.token), ("app_secret", &account.app_secret), ("verify_token", &account.verify_token)]
            .map(|(column, secret)| self.vault.seal(&format!("{id}.{column}"), secret))
    }

    fn account_of(&self, row: &AnyRow) -> Result<Account, StoreError> {
        let id: String = row.try_get("id")?;
        let secret = |column: &str| {
            let kept: String = row.try_get(column)?;
            self.vault.open(&format!("{id}.{column}"), &kept).ok_or_else(|| StoreError::BadRow {
                table: "accounts",
                id: id.clone(),
                what: format!("a {column} that our key does not open"),
            })
        };
        Ok(Account {
            org: OrgId(row.try_get("org_id")?),
            name: row.try_get("name")?,
            phone_number_id: row.try_get("phone_number_id")?,
            display_number: row.try_get("display_number")?,
            token: secret("token")?,
            app_secret: secret("app_secret")?,
            verify_token: secret("verify_token")?,
            start_flow: row.try_get::<Option<String>, _>("start_flow_id")?.map(FlowId),
            calling_enabled: row.try_get::<i64, _>("calling_enabled")? != 0,
            id: AccountId(id),
        })
    }
}
