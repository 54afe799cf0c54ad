//! An invoice in a list, without its lines, and by what a list can be narrowed.

use chrono::{DateTime, NaiveDate, Utc};

use super::model::Status;
use crate::base::id::{CustomerId, InvoiceId};
use crate::base::money::Currency;
use crate::base::page::Position;

/// One invoice without its lines. Amounts in minor units.
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
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Summary {
    /// Where it stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

/// What a list is narrowed to. `None` narrows nothing; both ends of a range belong to it.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub customer: Option<CustomerId>,
    pub issued_from: Option<NaiveDate>,
    pub issued_to: Option<NaiveDate>,
    pub due_from: Option<NaiveDate>,
    pub due_to: Option<NaiveDate>,
    pub overdue: Option<bool>,
}

impl Filter {
    /// The same text for the same filter and only then: what a cursor is bound to.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{self:?}")
    }
}
