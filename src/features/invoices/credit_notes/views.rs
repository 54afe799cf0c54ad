//! Request and response types of credit notes.

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::invoice_views::TaxView;
use super::model::{CreditNote, CreditNoteHeader, CreditPart, CreditedLine};
use crate::base::money::MAX_MINOR_UNITS;
use crate::features::invoices::id::{CreditNoteId, InvoiceId};
use crate::http::object::some_objects;
use crate::http::params::IdField;
use crate::http::rules;
use crate::http::user_text::user_text;
use crate::http::values::{integer, optional_integer};

/// A credit note to issue.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Two posters were torn.", "lines": [{"line": 1, "amount": 578}]}))]
pub struct NewCreditNote {
    /// Printed on the credit note.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 500), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 500, format = "line")]
    pub reason: Option<String>,
    /// The lines to credit. Default: the whole remaining amount of the invoice.
    #[serde(default, deserialize_with = "some_objects")]
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    pub lines: Option<Vec<NewCreditedLine>>,
}

/// A line to credit.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCreditedLine {
    /// The number of the line on the invoice. The first line is 1. A credit note names each line at most once.
    #[serde(deserialize_with = "integer")]
    #[garde(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100)]
    pub line: i32,
    /// Minor units before tax, at most the remaining amount of the line. Default: the whole remaining amount.
    #[serde(default, deserialize_with = "optional_integer")]
    #[garde(range(min = 1, max = MAX_MINOR_UNITS))]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub amount: Option<i64>,
}

impl NewCreditNote {
    /// Returns the requested credits. `None`: the whole remaining amount.
    #[must_use]
    pub fn parts(&self) -> Option<Vec<CreditPart>> {
        let part = |line: &NewCreditedLine| CreditPart { line: line.line, amount: line.amount };
        self.lines.as_ref().map(|lines| lines.iter().map(part).collect())
    }
}

/// Filter of the list of credit notes.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreditNoteFilter {
    /// Credit notes of this invoice. An unknown or foreign id matches nothing.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "10000000-0000-4000-8000-000000000003")]
    pub invoice_id: Option<IdField<InvoiceId>>,
}

/// A credit note. Amounts are in the invoice's currency and computed by the server.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "number": "CN-2026-0001", "invoice_number": "INV-2026-0001", "currency": "EUR", "reason": "Two posters were torn.",
    "lines": [{"line": 1, "description": "Posters", "tax_rate": "19", "net": 578}],
    "taxes": [{"tax_rate": "19", "net": 578, "tax": 110}], "net": 578, "tax_total": 110, "total": 688
}))]
pub struct CreditNoteView {
    #[schema(value_type = String, format = Uuid)]
    id: CreditNoteId,
    /// The credited invoice.
    #[schema(value_type = String, format = Uuid)]
    invoice_id: InvoiceId,
    /// The number of the credited invoice.
    #[schema(max_length = 30, pattern = "^INV-[0-9]{4}-[0-9]{4,}$")]
    invoice_number: String,
    /// Counted per owner and year, without gaps.
    #[schema(max_length = 30, pattern = "^CN-[0-9]{4}-[0-9]{4,}$")]
    number: String,
    /// The issue date.
    issue_date: NaiveDate,
    /// ISO 4217. All amounts are in its minor unit.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    currency: &'static str,
    /// Printed on the credit note.
    #[schema(required = true, max_length = 500, format = "line")]
    reason: Option<String>,
    /// The credited lines.
    #[schema(max_items = 100)]
    lines: Vec<CreditedLineView>,
    /// Tax by rate.
    #[schema(max_items = 100)]
    taxes: Vec<TaxView>,
    /// Credited amount before tax.
    net: i64,
    /// Sum of all taxes.
    tax_total: i64,
    /// Total credit, including tax.
    total: i64,
    created_at: DateTime<Utc>,
}

/// A credited line.
#[derive(Serialize, ToSchema)]
pub struct CreditedLineView {
    /// Line number on the invoice, starting at 1.
    #[schema(minimum = 1, maximum = 100)]
    line: i32,
    /// The description of that line.
    #[schema(max_length = 500, format = "line")]
    description: String,
    /// Percent.
    #[schema(max_length = 7, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3})?$")]
    tax_rate: String,
    /// Minor units before tax.
    net: i64,
}

impl From<&CreditNote> for CreditNoteView {
    fn from(note: &CreditNote) -> Self {
        let (header, credit) = (&note.header, &note.credit);
        Self {
            id: header.id,
            invoice_id: header.invoice,
            invoice_number: note.invoice_number.clone(),
            number: header.number.clone(),
            issue_date: header.issue_date,
            currency: header.currency.code(),
            reason: note.reason.clone(),
            lines: credit.lines.iter().map(CreditedLineView::from).collect(),
            taxes: credit.taxes.iter().map(TaxView::from).collect(),
            net: credit.net,
            tax_total: credit.tax,
            total: credit.total(),
            created_at: header.created_at,
        }
    }
}

impl From<&CreditedLine> for CreditedLineView {
    fn from(line: &CreditedLine) -> Self {
        let (description, tax_rate) = (line.description.clone(), line.tax_rate.to_string());
        Self { line: line.line, description, tax_rate, net: line.net }
    }
}

/// A credit note in a list, without its lines.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"number": "CN-2026-0001", "currency": "EUR", "total": 688}))]
pub struct CreditNoteSummary {
    #[schema(value_type = String, format = Uuid)]
    id: CreditNoteId,
    /// The credited invoice.
    #[schema(value_type = String, format = Uuid)]
    invoice_id: InvoiceId,
    /// Counted per owner and year, without gaps.
    #[schema(max_length = 30, pattern = "^CN-[0-9]{4}-[0-9]{4,}$")]
    number: String,
    /// The issue date.
    issue_date: NaiveDate,
    /// ISO 4217. The total is in its minor unit.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    currency: &'static str,
    /// Total credit, including tax.
    total: i64,
    created_at: DateTime<Utc>,
}

impl From<CreditNoteHeader> for CreditNoteSummary {
    fn from(header: CreditNoteHeader) -> Self {
        let CreditNoteHeader { id, invoice, number, issue_date, currency, total, created_at } = header;
        Self { id, invoice_id: invoice, number, issue_date, currency: currency.code(), total, created_at }
    }
}
