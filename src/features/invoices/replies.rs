//! Invoices as a client reads them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Invoice;
use super::quantity;
use super::summary::Summary;
use super::totals::{Line, TaxOfRate};
use crate::base::id::{CustomerId, InvoiceId};
use crate::base::page::Page;
use crate::http::error::{ApiError, ApiResult};

/// An invoice. Amounts are in the currency's minor unit and computed by the server.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "10000000-0000-4000-8000-000000000006", "customer_id": "c0000000-0000-4000-8000-000000000001",
    "status": "issued", "number": "INV-2026-0001", "currency": "EUR", "issue_date": "2026-12-01", "due_date": "2026-12-31",
    "notes": "Thank you.",
    "lines": [{"description": "Consulting", "quantity": "1.5", "unit_price": 10000, "discount_basis_points": 0,
        "tax_basis_points": 2100, "gross": 15000, "discount": 0, "net": 15000, "tax": 3150}],
    "subtotal": 15000, "discount_total": 0, "taxes": [{"tax_basis_points": 2100, "net": 15000, "tax": 3150}],
    "tax_total": 3150, "total": 18150, "paid": 0, "due": 18150,
    "created_at": "2026-12-01T09:30:00.000001Z", "updated_at": "2026-12-01T09:31:00.000001Z"
}))]
pub struct InvoiceView {
    #[schema(value_type = String, format = Uuid)]
    pub id: InvoiceId,
    /// Who is to pay it.
    #[schema(value_type = String, format = Uuid)]
    pub customer_id: CustomerId,
    /// `draft`, `issued`, `partially_paid`, `paid` or `void`.
    #[schema(max_length = 14, pattern = "^(draft|issued|partially_paid|paid|void)$")]
    pub status: &'static str,
    /// Given when it is issued.
    #[schema(required = true, max_length = 30, pattern = "^INV-[0-9]{4}-[0-9]{4,}$")]
    pub number: Option<String>,
    /// ISO 4217. All amounts are in its minor unit.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: &'static str,
    /// The day on which it was issued; null for a draft.
    #[schema(required = true)]
    pub issue_date: Option<NaiveDate>,
    /// The last day on which it can be paid in time.
    #[schema(required = true)]
    pub due_date: Option<NaiveDate>,
    /// Printed below the lines.
    #[schema(required = true, max_length = 2000, format = "paragraph")]
    pub notes: Option<String>,
    /// What is invoiced, in this order.
    #[schema(max_items = 100)]
    pub lines: Vec<LineView>,
    /// Before discounts and tax.
    pub subtotal: i64,
    /// All discounts together.
    pub discount_total: i64,
    /// The tax of each rate.
    #[schema(max_items = 100)]
    pub taxes: Vec<TaxView>,
    /// All taxes together.
    pub tax_total: i64,
    /// What is to be paid in all.
    pub total: i64,
    /// What has been paid.
    pub paid: i64,
    /// Still to be paid; zero unless it is issued or partially paid.
    pub due: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A line, with what it comes to.
#[derive(Serialize, ToSchema)]
pub struct LineView {
    /// What it is for.
    #[schema(max_length = 500, format = "line")]
    pub description: String,
    /// A decimal, of at most three decimals.
    #[schema(max_length = 13, pattern = "^[0-9]{1,9}(\\.[0-9]{1,3})?$")]
    pub quantity: String,
    /// Minor units.
    pub unit_price: i64,
    /// Hundredths of a percent.
    #[schema(minimum = 0, maximum = 10_000)]
    pub discount_basis_points: i32,
    /// Hundredths of a percent, of what is left after the discount.
    #[schema(minimum = 0, maximum = 10_000)]
    pub tax_basis_points: i32,
    /// Quantity × unit price, rounded half up.
    pub gross: i64,
    /// Of the gross amount, rounded half up.
    pub discount: i64,
    /// Gross less discount.
    pub net: i64,
    /// Of the net amount, rounded half up.
    pub tax: i64,
}

/// The tax of all lines with one rate.
#[derive(Serialize, ToSchema)]
pub struct TaxView {
    /// Hundredths of a percent.
    #[schema(minimum = 0, maximum = 10_000)]
    pub tax_basis_points: i32,
    /// What is taxed at this rate.
    pub net: i64,
    /// The sum of the taxes of these lines.
    pub tax: i64,
}

impl InvoiceView {
    /// What the client reads of this invoice.
    ///
    /// # Errors
    /// Its lines cannot be added up, which was checked when they were kept.
    pub fn of(invoice: &Invoice) -> ApiResult<Self> {
        let (content, totals, life) = (invoice.content(), invoice.totals(), invoice.life());
        Ok(Self {
            id: invoice.id(),
            customer_id: content.customer,
            status: life.status.word(),
            number: life.number.clone(),
            currency: content.currency.code(),
            issue_date: life.issue_date,
            due_date: content.due_date,
            notes: content.notes.clone(),
            lines: content.lines.iter().map(LineView::of).collect::<ApiResult<_>>()?,
            subtotal: totals.subtotal,
            discount_total: totals.discount,
            taxes: totals.taxes.iter().map(TaxView::from).collect(),
            tax_total: totals.tax,
            total: totals.total,
            paid: life.paid,
            due: invoice.due(),
            created_at: life.created_at,
            updated_at: life.updated_at,
        })
    }
}

impl LineView {
    fn of(line: &Line) -> ApiResult<Self> {
        let amounts = line.amounts().map_err(ApiError::internal)?;
        Ok(Self {
            description: line.description().to_owned(),
            quantity: quantity::decimal(line.quantity_thousandths()),
            unit_price: line.unit_price(),
            discount_basis_points: line.discount_basis_points(),
            tax_basis_points: line.tax_basis_points(),
            gross: amounts.gross,
            discount: amounts.discount,
            net: amounts.net,
            tax: amounts.tax,
        })
    }
}

impl From<&TaxOfRate> for TaxView {
    fn from(tax: &TaxOfRate) -> Self {
        Self { tax_basis_points: tax.basis_points, net: tax.net, tax: tax.tax }
    }
}

/// An invoice in a list, without its lines: those are read with the invoice itself.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "status": "issued", "number": "INV-2026-0001", "currency": "EUR", "total": 18150, "paid": 0
}))]
pub struct InvoiceSummary {
    #[schema(value_type = String, format = Uuid)]
    pub id: InvoiceId,
    /// Who is to pay it.
    #[schema(value_type = String, format = Uuid)]
    pub customer_id: CustomerId,
    /// `draft`, `issued`, `partially_paid`, `paid` or `void`.
    #[schema(max_length = 14, pattern = "^(draft|issued|partially_paid|paid|void)$")]
    pub status: &'static str,
    /// Given when it is issued.
    #[schema(required = true, max_length = 30, pattern = "^INV-[0-9]{4}-[0-9]{4,}$")]
    pub number: Option<String>,
    /// ISO 4217. All amounts are in its minor unit.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: &'static str,
    /// The day on which it was issued; null for a draft.
    #[schema(required = true)]
    pub issue_date: Option<NaiveDate>,
    /// The last day on which it can be paid in time.
    #[schema(required = true)]
    pub due_date: Option<NaiveDate>,
    /// What is to be paid in all.
    pub total: i64,
    /// What has been paid.
    pub paid: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<&Summary> for InvoiceSummary {
    fn from(summary: &Summary) -> Self {
        Self {
            id: summary.id,
            customer_id: summary.customer,
            status: summary.status.word(),
            number: summary.number.clone(),
            currency: summary.currency.code(),
            issue_date: summary.issue_date,
            due_date: summary.due_date,
            total: summary.total,
            paid: summary.paid,
            created_at: summary.created_at,
            updated_at: summary.updated_at,
        }
    }
}

/// A page of invoices, newest first.
#[derive(Serialize, ToSchema)]
pub struct InvoicePage {
    #[schema(max_items = 100)]
    pub items: Vec<InvoiceSummary>,
    /// Give it back as `cursor`, with the same filter, for the next page; null on the last one.
    #[schema(required = true, max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub next_cursor: Option<String>,
}

impl From<Page<Summary>> for InvoicePage {
    fn from(page: Page<Summary>) -> Self {
        Self { items: page.items.iter().map(InvoiceSummary::from).collect(), next_cursor: page.next_cursor }
    }
}
