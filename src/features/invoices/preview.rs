//! Computes the amounts of a draft and stores nothing, so that clients need not compute amounts themselves.

use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::invoice_views::Amounts;
use super::store::InvoiceStore;
use super::views::InvoiceDraft;
use crate::http::body::JsonBody;
use crate::http::error::ApiResult;
use crate::http::reply::Json;
use crate::security::sessions::caller::Caller;

/// The amounts of a draft, in the currency's minor unit.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "currency": "EUR",
    "lines": [{"description": "Consulting", "quantity": "1.5", "unit_price": "100.00", "discount_rate": null,
        "discount_amount": 500, "tax_rate": "21", "gross": 15000, "discount": 500, "net": 14500}],
    "discount": 363, "subtotal": 15000, "discount_total": 863, "taxes": [{"tax_rate": "21", "net": 14137, "tax": 2969}],
    "tax_total": 2969, "total": 17106
}))]
pub struct InvoicePreview {
    /// The currency code (ISO 4217). All amounts are in the minor unit of this currency.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: &'static str,
    #[serde(flatten)]
    #[schema(inline)]
    pub amounts: Amounts,
    /// The total amount, including tax.
    pub total: i64,
}

pub async fn preview(
    caller: Caller,
    JsonBody(draft): JsonBody<InvoiceDraft>,
    invoices: Data<InvoiceStore>,
) -> ApiResult<Json<InvoicePreview>> {
    let (content, totals) = draft.parse()?;
    invoices.check_customer(&caller, content.customer).await?;
    let amounts = Amounts::of(&content, &totals);
    Ok(Json(InvoicePreview { currency: content.currency.code(), amounts, total: totals.total }))
}
