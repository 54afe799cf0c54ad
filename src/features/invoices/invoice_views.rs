use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Content, Invoice};
use super::summary::Summary;
use super::totals::{Discount, Line, TaxSubtotal, Totals};
use crate::base::money::Currency;
use crate::features::customers::id::CustomerId;
use crate::features::invoices::id::InvoiceId;
use crate::http::reply::Versioned;

/// An invoice. The server computes all amounts, in the minor unit of the currency.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "10000000-0000-4000-8000-000000000006", "customer_id": "c0000000-0000-4000-8000-000000000001",
    "status": "issued", "number": "INV-2026-0001", "currency": "EUR", "issue_date": "2026-12-01", "due_date": "2026-12-31",
    "notes": "Thank you.",
    "lines": [{"description": "Consulting", "quantity": "1.5", "unit_price": "100.00", "discount_rate": null,
        "discount_amount": 500, "tax_rate": "21", "gross": 15000, "discount": 500, "net": 14500}],
    "discount_rate": "2.5", "discount_amount": null, "discount": 363, "subtotal": 15000, "discount_total": 863,
    "taxes": [{"tax_rate": "21", "net": 14137, "tax": 2969}],
    "tax_total": 2969, "total": 17106, "paid": 0, "credited": 0, "due": 17106,
    "created_at": "2026-12-01T09:30:00.000001Z", "updated_at": "2026-12-01T09:31:00.000001Z"
}))]
pub struct InvoiceView {
    #[serde(flatten)]
    #[schema(inline)]
    pub summary: InvoiceSummary,
    /// Notes that are printed below the lines.
    #[schema(required = true, max_length = 2000, format = "paragraph")]
    pub notes: Option<String>,
    /// The discount on the whole invoice in percent, if the user entered a rate.
    #[schema(required = true, max_length = 7, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3})?$")]
    pub discount_rate: Option<String>,
    /// The discount on the whole invoice in minor units, if the user entered an amount.
    #[schema(required = true, example = json!(null))]
    pub discount_amount: Option<i64>,
    #[serde(flatten)]
    #[schema(inline)]
    pub amounts: Amounts,
    /// The amount due: total − credited − paid. It is 0 if the status is `draft`, `void`, `paid` or `credited`.
    pub due: i64,
}

/// The lines and the amounts that lead to the total.
#[derive(Serialize, ToSchema)]
pub struct Amounts {
    /// The lines, in the order in which the invoice shows them.
    #[schema(max_items = 100)]
    pub lines: Vec<LineView>,
    /// The computed discount on the whole invoice. It does not include discounts on lines.
    pub discount: i64,
    /// The sum of the lines before discounts and tax.
    pub subtotal: i64,
    /// The sum of all discounts, including discounts on lines.
    pub discount_total: i64,
    /// The tax for each rate.
    #[schema(max_items = 100)]
    pub taxes: Vec<TaxView>,
    /// The sum of all taxes.
    pub tax_total: i64,
}

/// A line with its computed amounts.
#[derive(Serialize, ToSchema)]
pub struct LineView {
    /// The item or service.
    #[schema(max_length = 500, format = "line")]
    pub description: String,
    /// The quantity: a decimal with at most three decimals.
    #[schema(max_length = 13, pattern = "^[0-9]{1,9}(\\.[0-9]{1,3})?$")]
    pub quantity: String,
    /// The unit price in the currency's major unit. It has at most four decimals more than the currency.
    #[schema(max_length = 19, pattern = "^[0-9]{1,14}(\\.[0-9]{1,8})?$")]
    pub unit_price: String,
    /// The discount in percent, if the user entered a rate.
    #[schema(required = true, example = json!(null), max_length = 7, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3})?$")]
    pub discount_rate: Option<String>,
    /// The discount in minor units, if the user entered an amount.
    #[schema(required = true)]
    pub discount_amount: Option<i64>,
    /// The tax rate in percent of the amount after discounts.
    #[schema(max_length = 7, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3})?$")]
    pub tax_rate: String,
    /// The gross amount: quantity × unit price, rounded half up.
    pub gross: i64,
    /// The computed discount. A rate applies to the gross amount, rounded half up.
    pub discount: i64,
    /// The net amount: gross − discount. It contains no tax.
    /// The field `taxes` of the invoice contains the tax of each rate.
    pub net: i64,
}

/// The tax of all lines with one rate.
#[derive(Serialize, ToSchema)]
pub struct TaxView {
    /// The tax rate in percent.
    #[schema(max_length = 7, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3})?$")]
    pub tax_rate: String,
    /// The taxable amount: the net amounts of the lines with this rate, minus their shares of the invoice discount.
    pub net: i64,
    /// The tax on the taxable amount, rounded half up.
    pub tax: i64,
}

impl From<&Invoice> for Versioned<InvoiceView> {
    fn from(invoice: &Invoice) -> Self {
        Self { version: invoice.state().version, view: invoice.into() }
    }
}

impl From<&Invoice> for InvoiceView {
    fn from(invoice: &Invoice) -> Self {
        let (content, totals) = (invoice.content(), invoice.totals());
        let (discount_rate, discount_amount) = discount_fields(content.discount);
        Self {
            summary: invoice.into(),
            notes: content.notes.clone(),
            discount_rate,
            discount_amount,
            amounts: Amounts::of(content, totals),
            due: invoice.amount_due(),
        }
    }
}

impl From<&Invoice> for InvoiceSummary {
    fn from(invoice: &Invoice) -> Self {
        let (content, state) = (invoice.content(), invoice.state());
        Self {
            id: invoice.id(),
            customer_id: content.customer,
            status: state.status.as_str(),
            number: state.number.clone(),
            currency: content.currency.code(),
            issue_date: state.issue_date,
            due_date: content.due_date,
            total: invoice.totals().total,
            paid: state.paid,
            credited: state.credited,
            created_at: state.created_at,
            updated_at: state.updated_at,
        }
    }
}

impl Amounts {
    pub(super) fn of(content: &Content, totals: &Totals) -> Self {
        Self {
            lines: content.lines.iter().map(|line| LineView::of(line, content.currency)).collect(),
            discount: totals.invoice_discount,
            subtotal: totals.subtotal,
            discount_total: totals.discount,
            taxes: totals.taxes.iter().map(TaxView::from).collect(),
            tax_total: totals.tax,
        }
    }
}

impl LineView {
    fn of(line: &Line, currency: Currency) -> Self {
        let (discount_rate, discount_amount) = discount_fields(line.discount());
        let amounts = line.amounts();
        Self {
            description: line.description().to_owned(),
            quantity: line.quantity().to_string(),
            unit_price: line.unit_price().decimal(currency),
            discount_rate,
            discount_amount,
            tax_rate: line.tax_rate().to_string(),
            gross: amounts.gross,
            discount: amounts.discount,
            net: amounts.net,
        }
    }
}

/// Returns the values of the fields `discount_rate` and `discount_amount`. At most one of the two is set.
fn discount_fields(discount: Option<Discount>) -> (Option<String>, Option<i64>) {
    match discount {
        Some(Discount::Rate(rate)) => (Some(rate.to_string()), None),
        Some(Discount::Amount(amount)) => (None, Some(amount)),
        None => (None, None),
    }
}

impl From<&TaxSubtotal> for TaxView {
    fn from(tax: &TaxSubtotal) -> Self {
        Self { tax_rate: tax.rate.to_string(), net: tax.net, tax: tax.tax }
    }
}

/// An invoice in a list, without its lines.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "c0000000-0000-4000-8000-000000000001", "status": "issued", "number": "INV-2026-0001",
    "currency": "EUR", "issue_date": "2026-12-01", "due_date": "2026-12-31", "total": 17106, "paid": 0, "credited": 0
}))]
pub struct InvoiceSummary {
    #[schema(value_type = String, format = Uuid)]
    pub id: InvoiceId,
    /// The id of the customer who receives the invoice.
    #[schema(value_type = String, format = Uuid)]
    pub customer_id: CustomerId,
    /// The status: `draft`, `issued`, `partially_paid`, `paid`, `credited` (in full) or `void`.
    #[schema(max_length = 14, pattern = "^(draft|issued|partially_paid|paid|credited|void)$")]
    pub status: &'static str,
    /// The number, which the service assigns when the invoice is issued.
    #[schema(required = true, max_length = 30, pattern = "^INV-[0-9]{4}-[0-9]{4,}$")]
    pub number: Option<String>,
    /// The currency code (ISO 4217). All amounts are in the minor unit of this currency.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: &'static str,
    /// The issue date. Null for a draft.
    #[schema(required = true)]
    pub issue_date: Option<NaiveDate>,
    /// The last day on which the customer should pay.
    #[schema(required = true)]
    pub due_date: Option<NaiveDate>,
    /// The total amount, including tax.
    pub total: i64,
    /// The sum of the payments.
    pub paid: i64,
    /// The sum of the credit notes.
    pub credited: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<&Summary> for InvoiceSummary {
    fn from(summary: &Summary) -> Self {
        Self {
            id: summary.id,
            customer_id: summary.customer,
            status: summary.status.as_str(),
            number: summary.number.clone(),
            currency: summary.currency.code(),
            issue_date: summary.issue_date,
            due_date: summary.due_date,
            total: summary.total,
            paid: summary.paid,
            credited: summary.credited,
            created_at: summary.created_at,
            updated_at: summary.updated_at,
        }
    }
}
