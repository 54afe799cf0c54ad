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

/// A request to issue a credit note.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Two posters were torn.", "lines": [{"line": 1, "amount": 578}]}))]
pub struct NewCreditNote {
    /// The reason, which is printed on the credit note.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 500), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 500, format = "line")]
    pub reason: Option<String>,
    /// The lines to credit. The default is the whole remaining amount of the invoice.
    #[serde(default, deserialize_with = "some_objects")]
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    pub lines: Option<Vec<NewCreditedLine>>,
}

/// A line that the credit note credits.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCreditedLine {
    /// The number of the line on the invoice. The first line is 1. A credit note can contain each line only once.
    #[serde(deserialize_with = "integer")]
    #[garde(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100)]
    pub line: i32,
    /// The amount in minor units before tax, at most the remaining amount of the line.
    /// The default is this remaining amount.
    #[serde(default, deserialize_with = "optional_integer")]
    #[garde(range(min = 1, max = MAX_MINOR_UNITS))]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub amount: Option<i64>,
}

impl NewCreditNote {
    /// Returns `None` to credit the whole remaining amount.
    #[must_use]
    pub fn parts(&self) -> Option<Vec<CreditPart>> {
        let part = |line: &NewCreditedLine| CreditPart { line: line.line, amount: line.amount };
        self.lines.as_ref().map(|lines| lines.iter().map(part).collect())
    }
}

/// The filter of the list of credit notes.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreditNoteFilter {
    /// Only credit notes of this invoice. If you have no invoice with this id, no credit note matches.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "10000000-0000-4000-8000-000000000003")]
    pub invoice_id: Option<IdField<InvoiceId>>,
}

/// A credit note. The server computes all amounts, in the currency of the invoice.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "e0000000-0000-4000-8000-000000000001", "number": "CN-2026-0001", "invoice_number": "INV-2026-0001",
    "currency": "EUR", "reason": "Two posters were torn.",
    "lines": [{"line": 1, "description": "Posters", "tax_rate": "19", "net": 578}],
    "taxes": [{"tax_rate": "19", "net": 578, "tax": 110}], "net": 578, "tax_total": 110, "total": 688
}))]
pub struct CreditNoteView {
    #[schema(value_type = String, format = Uuid)]
    id: CreditNoteId,
    /// The id of the credited invoice.
    #[schema(value_type = String, format = Uuid)]
    invoice_id: InvoiceId,
    /// The number of the credited invoice.
    #[schema(max_length = 30, pattern = "^INV-[0-9]{4}-[0-9]{4,}$")]
    invoice_number: String,
    /// The number of the credit note. The numbers of a user have no gaps in a year.
    #[schema(max_length = 30, pattern = "^CN-[0-9]{4}-[0-9]{4,}$")]
    number: String,
    /// The date on which the credit note was issued.
    issue_date: NaiveDate,
    /// The currency code (ISO 4217). All amounts are in the minor unit of this currency.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    currency: &'static str,
    /// The reason, which is printed on the credit note.
    #[schema(required = true, max_length = 500, format = "line")]
    reason: Option<String>,
    /// The credited lines.
    #[schema(max_items = 100)]
    lines: Vec<CreditedLineView>,
    /// The credited tax for each rate.
    #[schema(max_items = 100)]
    taxes: Vec<TaxView>,
    /// The credited amount before tax.
    net: i64,
    /// The sum of all taxes.
    tax_total: i64,
    /// The total credit, including tax.
    total: i64,
    created_at: DateTime<Utc>,
}

/// A credited line.
#[derive(Serialize, ToSchema)]
pub struct CreditedLineView {
    /// The number of the line on the invoice. The first line is 1.
    #[schema(minimum = 1, maximum = 100)]
    line: i32,
    /// The description of the line on the invoice.
    #[schema(max_length = 500, format = "line")]
    description: String,
    /// The tax rate in percent.
    #[schema(max_length = 7, pattern = "^[0-9]{1,3}(\\.[0-9]{1,3})?$")]
    tax_rate: String,
    /// The credited amount in minor units before tax.
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
#[schema(example = json!({
    "id": "e0000000-0000-4000-8000-000000000001", "number": "CN-2026-0001", "currency": "EUR", "total": 688
}))]
pub struct CreditNoteSummary {
    #[schema(value_type = String, format = Uuid)]
    id: CreditNoteId,
    /// The id of the credited invoice.
    #[schema(value_type = String, format = Uuid)]
    invoice_id: InvoiceId,
    /// The number of the credit note. The numbers of a user have no gaps in a year.
    #[schema(max_length = 30, pattern = "^CN-[0-9]{4}-[0-9]{4,}$")]
    number: String,
    /// The date on which the credit note was issued.
    issue_date: NaiveDate,
    /// The currency code (ISO 4217). The total is in the minor unit of this currency.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    currency: &'static str,
    /// The total credit, including tax.
    total: i64,
    created_at: DateTime<Utc>,
}

impl From<CreditNoteHeader> for CreditNoteSummary {
    fn from(header: CreditNoteHeader) -> Self {
        let CreditNoteHeader { id, invoice, number, issue_date, currency, total, created_at } = header;
        Self { id, invoice_id: invoice, number, issue_date, currency: currency.code(), total, created_at }
    }
}
