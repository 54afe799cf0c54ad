//! SQL of customers. Every statement filters by the owner.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::model::{Customer, Details};
use crate::base::id::UserId;
use crate::base::page::{Limit, Position};
use crate::db::{OwnerTx, owner_query_as};
use crate::features::customers::id::CustomerId;
use crate::features::resources::{Resource, ResourceStore, map_deletion_error};
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::row_quotas::count_rows;
use crate::security::sessions::caller::Caller;

count_rows!(Customer, "customers");

struct Row {
    id: Uuid,
    name: String,
    email: Option<String>,
    address: Option<String>,
    tax_id: Option<String>,
    default_currency: String,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Customer {
    type Error = ApiError;

    /// Fails if a stored value is invalid. The service never writes an invalid value, but an operator could.
    fn try_from(row: Row) -> ApiResult<Self> {
        let invalid_row = || ApiError::internal("stored customer is invalid");
        let details = Details {
            name: row.name,
            email: row.email.map(|email| email.parse()).transpose().map_err(|_| invalid_row())?,
            address: row.address,
            tax_id: row.tax_id,
            default_currency: row.default_currency.parse().map_err(|_| invalid_row())?,
        };
        Ok(Self::from_stored(row.id.into(), details, row.version, row.created_at, row.updated_at))
    }
}

impl ResourceStore for Customer {
    async fn find<'e>(db: impl PgExecutor<'e>, caller: &Caller, id: CustomerId) -> ApiResult<Option<Self>> {
        owner_query_as!(
            Row,
            caller.user(),
            "select id, name, email, address, tax_id, default_currency, version, created_at, updated_at
             from customers where owner_id = $1 and id = $2",
            id.uuid()
        )
        .fetch_optional(db)
        .await?
        .map(Self::try_from)
        .transpose()
    }

    async fn list(pool: &PgPool, caller: &Caller, after: Position, limit: Limit) -> ApiResult<Vec<Self>> {
        owner_query_as!(
            Row,
            caller.user(),
            "select id, name, email, address, tax_id, default_currency, version, created_at, updated_at
             from customers where owner_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            after.created_at,
            after.id,
            limit.rows()
        )
        .fetch_all(pool)
        .await?
        .into_iter()
        .map(Self::try_from)
        .collect()
    }

    async fn insert(&self, tx: &mut OwnerTx) -> ApiResult<()> {
        let details = self.details();
        sqlx::query!(
            "insert into customers
                 (id, owner_id, name, email, address, tax_id, default_currency, version, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.id().uuid(),
            tx.owner().uuid(),
            details.name,
            details.email.as_ref().map(|email| email.as_str()),
            details.address,
            details.tax_id,
            details.default_currency.code(),
            self.version(),
            self.created_at(),
            self.updated_at()
        )
        .execute(tx.connection())
        .await?;
        Ok(())
    }

    async fn save(&self, tx: &mut OwnerTx) -> ApiResult<u64> {
        let details = self.details();
        let saved = sqlx::query!(
            "update customers
             set name = $3, email = $4, address = $5, tax_id = $6, default_currency = $7, version = $8, updated_at = $9
             where owner_id = $1 and id = $2 and version = $8::bigint - 1",
            tx.owner().uuid(),
            self.id().uuid(),
            details.name,
            details.email.as_ref().map(|email| email.as_str()),
            details.address,
            details.tax_id,
            details.default_currency.code(),
            self.version(),
            self.updated_at()
        )
        .execute(tx.connection())
        .await?;
        Ok(saved.rows_affected())
    }

    async fn delete(&self, tx: &mut OwnerTx) -> ApiResult<u64> {
        let deleted = sqlx::query!(
            "delete from customers where owner_id = $1 and id = $2 and version = $3",
            tx.owner().uuid(),
            self.id().uuid(),
            self.version()
        )
        .execute(tx.connection())
        .await
        .map_err(map_deletion_error)?;
        Ok(deleted.rows_affected())
    }
}
