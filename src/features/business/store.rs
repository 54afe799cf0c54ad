//! SQL of businesses. Every statement filters by the caller's id.

use sqlx::PgPool;

use super::model::Business;
use crate::base::time_zone::TimeZone;
use crate::db::{OwnerTx, owner_query_as};
use crate::http::error::{ApiError, ApiResult};
use crate::security::sessions::caller::Caller;

#[derive(Clone)]
pub struct BusinessStore {
    pool: PgPool,
}

/// The result of the query in [`BusinessStore::read`]. It contains default values until the user sets the business.
struct Row {
    name: String,
    address: Option<String>,
    country: Option<String>,
    vat_id: Option<String>,
    registration: Option<String>,
    iban: Option<String>,
    bic: Option<String>,
    time_zone: Option<String>,
    payment_terms_days: Option<i32>,
    version: i64,
}

impl TryFrom<Row> for (Business, i64) {
    type Error = ApiError;

    fn try_from(row: Row) -> ApiResult<Self> {
        let invalid_row = || ApiError::internal("stored business is invalid");
        let zone = row.time_zone.as_deref().map_or(Ok(TimeZone::UTC), str::parse);
        let business = Business {
            name: row.name,
            address: row.address,
            country: row.country,
            vat_id: row.vat_id,
            registration: row.registration,
            iban: row.iban.as_deref().map(str::parse).transpose().map_err(|_| invalid_row())?,
            bic: row.bic.as_deref().map(str::parse).transpose().map_err(|_| invalid_row())?,
            time_zone: zone.map_err(|_| invalid_row())?,
            payment_terms_days: row.payment_terms_days,
        };
        Ok((business, row.version))
    }
}

impl BusinessStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Returns the caller's business and its version, which is 1 until the caller sets the business.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if the account has just been deleted.
    pub async fn read(&self, caller: &Caller) -> ApiResult<(Business, i64)> {
        owner_query_as!(
            Row,
            caller.user(),
            r#"select coalesce(b.name, u.display_name) as "name!", b.address as "address?", b.country as "country?",
                   b.vat_id as "vat_id?", b.registration as "registration?", b.iban as "iban?", b.bic as "bic?",
                   b.time_zone as "time_zone?", b.payment_terms_days as "payment_terms_days?",
                   coalesce(b.version, 1) as "version!"
               from users u left join businesses b on b.owner_id = $1 where u.id = $1"#
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// # Errors
    /// [`ApiError::PreconditionFailed`] if another request has changed the business.
    pub async fn replace(&self, caller: &Caller, business: &Business, version: i64) -> ApiResult<i64> {
        let mut tx = OwnerTx::begin(&self.pool, caller.user()).await?;
        let replaced = sqlx::query_scalar!(
            "insert into businesses as b (owner_id, name, address, country, vat_id, registration, iban, bic, time_zone,
                 payment_terms_days, version)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::bigint + 1)
             on conflict (owner_id) do update
             set name = $2, address = $3, country = $4, vat_id = $5, registration = $6, iban = $7, bic = $8,
                 time_zone = $9, payment_terms_days = $10, version = b.version + 1
             where b.owner_id = $1 and b.version = $11
             returning version",
            caller.user().uuid(),
            business.name,
            business.address,
            business.country,
            business.vat_id,
            business.registration,
            business.iban.as_ref().map(|iban| iban.as_str()),
            business.bic.as_ref().map(|bic| bic.as_str()),
            business.time_zone.name(),
            business.payment_terms_days,
            version
        )
        .fetch_optional(tx.connection())
        .await?;
        let replaced = replaced.ok_or(ApiError::PreconditionFailed)?;
        tx.commit().await?;
        Ok(replaced)
    }
}
