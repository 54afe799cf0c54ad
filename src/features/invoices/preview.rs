//! `POST invoices/preview`: computes the amounts of a draft and stores nothing.
//! A client can show the totals while a user types, and need not compute amounts itself.
//! The endpoint accepts the same request bodies as `POST invoices`.

use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::invoice_views::{LineView, TaxView};
use super::model::Content;
use super::store::InvoiceStore;
use super::totals::Totals;
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
    /// The lines, in the order in which the invoice shows them.
    #[schema(max_items = 100)]
    pub lines: Vec<LineView>,
    /// The computed discount on the whole invoice. It is a part of `discount_total`.
    pub discount: i64,
    /// The sum of the lines before discounts and tax.
    pub subtotal: i64,
    /// The sum of all discounts, both on the whole invoice and on the lines.
    pub discount_total: i64,
    /// The tax for each rate.
    #[schema(max_items = 100)]
    pub taxes: Vec<TaxView>,
    /// The sum of all taxes.
    pub tax_total: i64,
    /// The total amount, including tax.
    pub total: i64,
}

impl InvoicePreview {
    fn of(content: &Content, totals: &Totals) -> Self {
        Self {
            currency: content.currency.code(),
            lines: content.lines.iter().map(|line| LineView::of(line, content.currency)).collect(),
            discount: totals.invoice_discount,
            subtotal: totals.subtotal,
            discount_total: totals.discount,
            taxes: totals.taxes.iter().map(TaxView::from).collect(),
            tax_total: totals.tax,
            total: totals.total,
        }
    }
}

/// Computes the amounts of a draft.
pub async fn preview(
    caller: Caller,
    JsonBody(draft): JsonBody<InvoiceDraft>,
    invoices: Data<InvoiceStore>,
) -> ApiResult<Json<InvoicePreview>> {
    let (content, totals) = draft.parse()?;
    invoices.check_customer(&caller, content.customer).await?;
    Ok(Json(InvoicePreview::of(&content, &totals)))
}
