//! WhatsApp business numbers.

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
        row.as_ref().map(account).transpose()
    }

    /// The numbers of a tenant, by name.
    pub async fn accounts_of(&self, org: &OrgId) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query("SELECT * FROM accounts WHERE org_id = $1 ORDER BY name, id")
            .bind(org.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(account).collect()
    }

    /// Adds a number. A taken `phone_number_id` is a conflict.
    pub async fn add_account(&self, account: &Account, now: Millis) -> Result<(), StoreError> {
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
        .bind(&account.token.0)
        .bind(&account.app_secret.0)
        .bind(&account.verify_token.0)
        .bind(account.start_flow.as_ref().map(FlowId::as_str))
        .bind(i64::from(account.calling_enabled))
        .bind(now)
        .execute(&mut *change)
        .await?;
        Ok(change.commit().await?)
    }
}

fn account(row: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId(row.try_get("id")?),
        org: OrgId(row.try_get("org_id")?),
        name: row.try_get("name")?,
        phone_number_id: row.try_get("phone_number_id")?,
        display_number: row.try_get("display_number")?,
        token: Secret(row.try_get("token")?),
        app_secret: Secret(row.try_get("app_secret")?),
        verify_token: Secret(row.try_get("verify_token")?),
        start_flow: row.try_get::<Option<String>, _>("start_flow_id")?.map(FlowId),
        calling_enabled: row.try_get::<i64, _>("calling_enabled")? != 0,
    })
}
