use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Status;
use crate::base::money::Currency;
use crate::base::page::Position;
use crate::features::customers::id::CustomerId;
use crate::features::invoices::id::InvoiceId;

/// Amounts are in minor units.
#[derive(Clone, Debug)]
pub struct Summary {
    pub id: InvoiceId,
    pub customer: CustomerId,
    pub status: Status,
    pub number: Option<String>,
    pub currency: Currency,
    pub issue_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub total: i64,
    pub paid: i64,
    pub credited: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub struct StatusTotal {
    pub status: Status,
    pub currency: Currency,
    pub invoices: i64,
    pub total: i64,
    pub due: i64,
}

impl Summary {
    #[must_use]
    pub fn position(&self, sort: Sort) -> ListPosition {
        let day = |day: Option<NaiveDate>| day.map_or_else(|| "infinity".into(), |day| day.to_string());
        let key = match sort {
            Sort::Newest | Sort::Oldest => String::new(),
            Sort::IssuedLast | Sort::IssuedFirst => day(self.issue_date),
            Sort::DueLast | Sort::DueFirst => day(self.due_date),
            Sort::Largest | Sort::Smallest => self.total.to_string(),
        };
        ListPosition { key, created_at: self.created_at, id: self.id.uuid() }
    }
}

/// The sort order of a list of invoices.
// If two invoices have the same date or amount, their creation time decides, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum Sort {
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "created_at")]
    Oldest,
    #[serde(rename = "-issue_date")]
    IssuedLast,
    #[serde(rename = "issue_date")]
    IssuedFirst,
    #[serde(rename = "-due_date")]
    DueLast,
    #[serde(rename = "due_date")]
    DueFirst,
    #[serde(rename = "-total")]
    Largest,
    #[serde(rename = "total")]
    Smallest,
}

/// A keyset position in a list: the sort key, then the creation time and the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPosition {
    /// A date, an amount, or `infinity` if the invoice has no date. Empty if the list is ordered by creation time.
    pub key: String,
    pub created_at: DateTime<Utc>,
    pub id: Uuid,
}

impl ListPosition {
    /// Returns the start of a list. A list that is sorted and filtered by the same date starts at the filter's bound.
    /// So PostgreSQL does not have to read and discard the rows outside of the bound.
    #[must_use]
    pub fn start(sort: Sort, filter: &Filter) -> Self {
        let or = |bound: Option<NaiveDate>, open: &str| bound.map_or_else(|| open.to_owned(), |day| day.to_string());
        let (key, Position { created_at, id }) = match sort {
            Sort::Newest => (String::new(), Position::start()),
            Sort::Oldest => (String::new(), Position::end()),
            Sort::IssuedLast => (or(filter.issued_to, "infinity"), Position::start()),
            Sort::IssuedFirst => (or(filter.issued_from, "-infinity"), Position::end()),
            Sort::DueLast => (or(filter.due_to, "infinity"), Position::start()),
            Sort::DueFirst => (or(filter.due_from, "-infinity"), Position::end()),
            Sort::Largest => ("9223372036854775807".to_owned(), Position::start()),
            Sort::Smallest => ("-1".to_owned(), Position::end()),
        };
        Self { key, created_at, id }
    }
}

/// The filter of a list. A field that is `None` matches every invoice. Date ranges include both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub status: Option<Status>,
    pub customer: Option<CustomerId>,
    pub issued_from: Option<NaiveDate>,
    pub issued_to: Option<NaiveDate>,
    pub due_from: Option<NaiveDate>,
    pub due_to: Option<NaiveDate>,
    pub overdue: Option<bool>,
    /// A part of the invoice number, or of the customer's current name.
    pub search: Option<String>,
}
