//! `GET invoices/totals`: the sums of the caller's invoices for each status and currency.
//! The statement reads at most [`NEWEST`] invoices, so its cost is limited even if a user has a million invoices.

use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Status;
use super::store::InvoiceStore;
use super::summary::StatusTotal;
use crate::http::error::ApiResult;
use crate::http::reply::Json;
use crate::security::sessions::caller::Caller;

const NEWEST: i64 = 10_000;

/// The sums of the caller's invoices for each status and currency.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{"status": "issued", "currency": "EUR", "invoices": 2, "total": 36300, "due": 36300}],
    "invoices": 2
}))]
pub struct InvoiceTotals {
    /// The sums, ordered by status (from draft to void) and then by currency.
    #[schema(max_items = 1_200)]
    pub items: Vec<StatusTotalView>,
    /// The number of invoices that the sums contain: at most the newest 10,000.
    #[schema(minimum = 0, maximum = 10_000)]
    pub invoices: i64,
}

/// The sums of the invoices with one status and one currency.
/// The largest sum is 9,007,199,254,740,991. A larger sum is replaced by this number.
#[derive(Serialize, ToSchema)]
pub struct StatusTotalView {
    /// The status: `draft`, `issued`, `partially_paid`, `paid`, `credited` (in full) or `void`.
    #[schema(max_length = 14, pattern = "^(draft|issued|partially_paid|paid|credited|void)$")]
    pub status: &'static str,
    /// The currency code (ISO 4217). All amounts are in the minor unit of this currency.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: &'static str,
    /// The number of invoices with this status and currency.
    #[schema(minimum = 1, maximum = 10_000)]
    pub invoices: i64,
    /// The sum of the total amounts.
    pub total: i64,
    /// The sum of the amounts due.
    pub due: i64,
}

pub async fn totals(caller: Caller, invoices: Data<InvoiceStore>) -> ApiResult<Json<InvoiceTotals>> {
    let mut totals = invoices.totals(&caller, NEWEST).await?;
    totals.sort_by_key(|total| (Status::ALL.iter().position(|status| *status == total.status), total.currency.code()));
    let invoices = totals.iter().map(|total| total.invoices).sum();
    let items = totals.into_iter().map(|StatusTotal { status, currency, invoices, total, due }| StatusTotalView {
        status: status.as_str(),
        currency: currency.code(),
        invoices,
        total,
        due,
    });
    Ok(Json(InvoiceTotals { items: items.collect(), invoices }))
}
