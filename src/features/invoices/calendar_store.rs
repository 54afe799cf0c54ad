use chrono::Days;
use sqlx::PgExecutor;

use super::calendar::BusinessCalendar;
use super::store::{InvoiceStore, InvoiceTx};
use crate::base::id::UserId;
use crate::base::time_zone::TimeZone;
use crate::db::owner_query;
use crate::http::error::{ApiError, ApiResult};
use crate::security::sessions::caller::Caller;

impl InvoiceStore {
    pub async fn calendar(&self, caller: &Caller) -> ApiResult<BusinessCalendar> {
        calendar(&self.pool, caller.user()).await
    }
}

impl InvoiceTx<'_> {
    pub async fn calendar(&mut self) -> ApiResult<BusinessCalendar> {
        let owner = self.caller().user();
        calendar(self.connection(), owner).await
    }
}

async fn calendar(db: impl PgExecutor<'_>, owner: UserId) -> ApiResult<BusinessCalendar> {
    let business = owner_query!(owner, "select time_zone, payment_terms_days from businesses where owner_id = $1")
        .fetch_optional(db)
        .await?;
    let Some(business) = business else {
        return Ok(BusinessCalendar { time_zone: TimeZone::UTC, payment_terms: None });
    };
    let days = business.payment_terms_days.and_then(|days| u64::try_from(days).ok());
    Ok(BusinessCalendar {
        time_zone: business.time_zone.parse().map_err(ApiError::internal)?,
        payment_terms: days.map(Days::new),
    })
}
