use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::Status;
use super::summary::{Filter, Sort};
use super::transition_error::TransitionError;
use crate::base::day;
use crate::features::customers::id::CustomerId;
use crate::http::error::ApiError;
use crate::http::params::IdField;
use crate::http::rules;
use crate::http::user_text::user_text;

pub use super::draft_body::InvoiceDraft;
pub use super::invoice_views::{InvoiceSummary, InvoiceView};

impl From<TransitionError> for ApiError {
    fn from(error: TransitionError) -> Self {
        conflict(error)
    }
}

#[must_use]
pub const fn conflict(error: TransitionError) -> ApiError {
    let (code, title) = error.code_and_title();
    ApiError::Conflict { code, title }
}

/// The filter and the sort order of the list of invoices.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvoiceFilter {
    /// Only invoices with this status.
    #[garde(skip)]
    #[param(inline, example = "issued")]
    pub status: Option<Status>,
    /// Only invoices of this customer. If you have no customer with this id, no invoice matches.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "c0000000-0000-4000-8000-000000000001")]
    pub customer_id: Option<IdField<CustomerId>>,
    /// Only invoices that were issued on this day or later.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub issued_from: Option<String>,
    /// Only invoices that were issued on this day or earlier.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub issued_to: Option<String>,
    /// Only invoices that are due on this day or later.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub due_from: Option<String>,
    /// Only invoices that are due on this day or earlier.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub due_to: Option<String>,
    /// Whether the invoice is overdue: an amount is due, and the due date has passed in the time zone of the business.
    #[garde(skip)]
    #[param(example = false)]
    pub overdue: Option<bool>,
    /// A part of the invoice number or of the customer's current name.
    /// Upper and lower case do not matter, but accents do. The search has no wildcards.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, min = 1, max = 100), inner(custom(rules::line)))]
    #[param(min_length = 1, max_length = 100, format = "line", example = "lighthouse")]
    pub search: Option<String>,
    /// The sort order. A minus sign means descending.
    /// If the list is sorted by a date, an invoice without this date counts as the latest.
    /// The default is `-issue_date` if the issue date is filtered, `-due_date` if the due date is filtered,
    /// and otherwise `-created_at`.
    #[garde(skip)]
    #[param(inline, example = "-due_date")]
    sort: Option<Sort>,
}

impl InvoiceFilter {
    /// A list that is filtered by a date is sorted by this date by default, so that PostgreSQL reads few index entries.
    #[must_use]
    pub fn sort(&self) -> Sort {
        let default = match (self.issued_from.is_some() || self.issued_to.is_some(), &self.due_from, &self.due_to) {
            (true, ..) => Sort::IssuedLast,
            (false, None, None) => Sort::Newest,
            (false, ..) => Sort::DueLast,
        };
        self.sort.unwrap_or(default)
    }

    #[must_use]
    pub fn parse(&self) -> Filter {
        let day = |text: &Option<String>| text.as_deref().and_then(day::parse);
        Filter {
            status: self.status,
            customer: self.customer_id.map(|id| id.0),
            issued_from: day(&self.issued_from),
            issued_to: day(&self.issued_to),
            due_from: day(&self.due_from),
            due_to: day(&self.due_to),
            overdue: self.overdue,
            search: self.search.clone(),
        }
    }
}

/// The optional request body that issues an invoice. Without a body, the issue date is today.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"issue_date": "2026-11-30"}))]
pub struct IssueInvoice {
    /// The issue date: today or one of the 30 days before, in the time zone of the business.
    /// The issue date must not be before the issue date of the last invoice. The default is today.
    #[garde(inner(custom(rules::day)))]
    #[schema(format = Date)]
    issue_date: Option<String>,
}

impl IssueInvoice {
    #[must_use]
    pub fn issue_date(&self) -> Option<NaiveDate> {
        self.issue_date.as_deref().and_then(day::parse)
    }
}
