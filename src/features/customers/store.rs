//! SQL of customers. Every statement filters by the caller's id; there is no unscoped variant.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{Customer, Details};
use crate::base::id::CustomerId;
use crate::base::page::{Limit, Position};
use crate::db::{OwnerTx, exactly_one, violates};
use crate::http::error::{ApiError, ApiResult};
use crate::security::sessions::caller::Caller;

/// The error for deleting a customer who has invoices.
pub const CUSTOMER_HAS_INVOICES: ApiError =
    ApiError::Conflict { code: "customer_has_invoices", title: "The customer has invoices" };

/// Reads and writes customers.
#[derive(Clone)]
pub struct CustomerStore {
    pool: PgPool,
}

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

    /// Returns an internal error for a row that violates the rules of the model. This service does not write such rows.
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

impl CustomerStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Begins a transaction on the caller's customers.
    pub async fn begin<'a>(&self, caller: &'a Caller) -> ApiResult<CustomerTx<'a>> {
        Ok(CustomerTx { transaction: OwnerTx::begin(&self.pool, caller.user()).await?, caller })
    }

    /// Returns a customer.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if the customer does not exist or belongs to another user.
    pub async fn read(&self, caller: &Caller, id: CustomerId) -> ApiResult<Customer> {
        let mut tx = OwnerTx::begin(&self.pool, caller.user()).await?;
        sqlx::query_as!(
            Row,
            "select id, name, email, address, tax_id, default_currency, version, created_at, updated_at
             from customers where owner_id = $1 and id = $2",
            caller.user().uuid(),
            id.uuid()
        )
        .fetch_optional(tx.connection())
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// Returns the customers after `after`, newest first. One row more than the page shows that a next page exists.
    pub async fn list(&self, caller: &Caller, after: Position, limit: Limit) -> ApiResult<Vec<Customer>> {
        let mut tx = OwnerTx::begin(&self.pool, caller.user()).await?;
        sqlx::query_as!(
            Row,
            "select id, name, email, address, tax_id, default_currency, version, created_at, updated_at
             from customers where owner_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            caller.user().uuid(),
            after.created_at,
            after.id,
            limit.rows()
        )
        .fetch_all(tx.connection())
        .await?
        .into_iter()
        .map(Customer::try_from)
        .collect()
    }
}

/// An open transaction on the caller's customers. Dropping it without [`commit`](Self::commit) rolls it back.
pub struct CustomerTx<'a> {
    transaction: OwnerTx,
    caller: &'a Caller,
}

impl AsMut<PgConnection> for CustomerTx<'_> {
    fn as_mut(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }
}

impl CustomerTx<'_> {
    /// Returns the connection of the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }

    /// Inserts a customer.
    pub async fn insert(&mut self, customer: &Customer) -> ApiResult<()> {
        let details = customer.details();
        sqlx::query!(
            "insert into customers
                 (id, owner_id, name, email, address, tax_id, default_currency, version, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            customer.id().uuid(),
            self.caller.user().uuid(),
            details.name,
            details.email.as_ref().map(|email| email.as_str()),
            details.address,
            details.tax_id,
            details.default_currency.code(),
            customer.version(),
            customer.created_at(),
            customer.updated_at()
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(())
    }

    /// Returns a customer and locks its row until the end of the transaction.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if the customer does not exist or belongs to another user.
    pub async fn lock(&mut self, id: CustomerId) -> ApiResult<Customer> {
        sqlx::query_as!(
            Row,
            "select id, name, email, address, tax_id, default_currency, version, created_at, updated_at
             from customers where owner_id = $1 and id = $2 for update",
            self.caller.user().uuid(),
            id.uuid()
        )
        .fetch_optional(self.transaction.connection())
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// Saves the next version of a locked customer.
    pub async fn save(&mut self, customer: &Customer) -> ApiResult<()> {
        let details = customer.details();
        let saved = sqlx::query!(
            "update customers
             set name = $3, email = $4, address = $5, tax_id = $6, default_currency = $7, version = $8, updated_at = $9
             where owner_id = $1 and id = $2 and version = $8::bigint - 1",
            self.caller.user().uuid(),
            customer.id().uuid(),
            details.name,
            details.email.as_ref().map(|email| email.as_str()),
            details.address,
            details.tax_id,
            details.default_currency.code(),
            customer.version(),
            customer.updated_at()
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(exactly_one(&saved)?)
    }

    /// Deletes a locked customer.
    ///
    /// # Errors
    /// [`CUSTOMER_HAS_INVOICES`]: the foreign key refuses the deletion, even if a parallel request is inserting the
    /// invoice.
    pub async fn delete(&mut self, customer: &Customer) -> ApiResult<()> {
        let deleted = sqlx::query!(
            "delete from customers where owner_id = $1 and id = $2 and version = $3",
            self.caller.user().uuid(),
            customer.id().uuid(),
            customer.version()
        )
        .execute(self.transaction.connection())
        .await
        .map_err(|error| match violates(&error, "invoices_customer") {
            true => CUSTOMER_HAS_INVOICES,
            false => error.into(),
        })?;
        Ok(exactly_one(&deleted)?)
    }

    /// Commits the transaction.
    pub async fn commit(self) -> ApiResult<()> {
        Ok(self.transaction.commit().await?)
    }
}
