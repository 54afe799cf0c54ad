//! The state machine of invoices (CWE-840, CWE-841, API6:2023).
//!
//! **Attack**: transitions out of order: paying a draft, changing an issued invoice, voiding a paid invoice.
//! **Control**: only these transitions are allowed. The normal order is draft → issued → partially paid → paid.
//! A draft can be voided. An issued invoice can be voided if it has neither payments nor credit notes.
//! An invoice with a total of 0 is paid when it is issued.
//! Credit notes reduce the amount due, until the invoice is credited in full.
//! All rules are in this file, which uses neither the database nor the web framework.
//! A refused transition changes nothing, and a security event records it.
//! **Limits**: the owner records payments. The service cannot verify that the money has arrived.
//! **ASVS**: 2.3.1, 2.3.2 · **Test**: `features::invoice_states`, `attacks::business_logic`

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::totals::{Discount, Line, Totals};
use super::transition_error::TransitionError;
use crate::base::money::Currency;
use crate::features::customers::id::CustomerId;
use crate::features::invoices::id::InvoiceId;

/// The status of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Draft,
    Issued,
    PartiallyPaid,
    Paid,
    /// Credit notes have credited the whole invoice.
    Credited,
    Void,
}

impl Status {
    /// All statuses, in the order of the state machine.
    pub const ALL: [Self; 6] = [Self::Draft, Self::Issued, Self::PartiallyPaid, Self::Paid, Self::Credited, Self::Void];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Credited => "credited",
            Self::Void => "void",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// The part of an invoice that its owner enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub customer: CustomerId,
    pub currency: Currency,
    pub lines: Vec<Line>,
    /// The discount on the whole invoice.
    pub discount: Option<Discount>,
    pub notes: Option<String>,
    pub due_date: Option<NaiveDate>,
}

/// The part of an invoice that its owner does not enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceState {
    pub status: Status,
    /// Assigned when the invoice is issued, and never changed. `None` if the invoice was never issued.
    pub number: Option<String>,
    pub issue_date: Option<NaiveDate>,
    /// The sum of the payments, in minor units.
    pub paid: i64,
    /// The sum of the credit notes, in minor units.
    pub credited: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    id: InvoiceId,
    content: Content,
    totals: Totals,
    state: InvoiceState,
}

impl Invoice {
    #[must_use]
    pub fn draft(content: Content, totals: Totals, now: DateTime<Utc>) -> Self {
        let state = InvoiceState {
            status: Status::Draft,
            number: None,
            issue_date: None,
            paid: 0,
            credited: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        Self { id: InvoiceId::new(), content, totals, state }
    }

    #[must_use]
    pub fn from_stored(id: InvoiceId, content: Content, totals: Totals, state: InvoiceState) -> Self {
        Self { id, content, totals, state }
    }

    pub fn replace(self, content: Content, totals: Totals, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        self.ensure_draft()?;
        Ok(Self { content, totals, ..self }.transition(Status::Draft, now))
    }

    /// Only drafts can be changed or deleted.
    pub fn ensure_draft(&self) -> Result<(), TransitionError> {
        if self.state.status == Status::Draft { Ok(()) } else { Err(TransitionError::NotADraft) }
    }

    /// Checks that the draft can be issued on this day. Call this method before assigning a number.
    pub fn ensure_issuable(&self, day: NaiveDate) -> Result<(), TransitionError> {
        self.ensure_draft()?;
        match self.content.due_date {
            Some(due) if due < day => Err(TransitionError::DueBeforeIssue),
            _ => Ok(()),
        }
    }

    /// Sets number and issue date, and also the due date if the draft has none.
    /// An invoice with a total of 0 becomes paid immediately, because it can never receive a payment.
    pub fn issue(
        self,
        number: String,
        day: NaiveDate,
        due: Option<NaiveDate>,
        now: DateTime<Utc>,
    ) -> Result<Self, TransitionError> {
        self.ensure_issuable(day)?;
        let status = if self.totals.total == 0 { Status::Paid } else { Status::Issued };
        let mut issued = self.transition(status, now);
        issued.content.due_date = issued.content.due_date.or(due);
        issued.state.number = Some(number);
        issued.state.issue_date = Some(day);
        Ok(issued)
    }

    /// `amount` is in minor units, from 1 to the amount due.
    pub fn pay(self, amount: i64, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        if !matches!(self.state.status, Status::Issued | Status::PartiallyPaid) {
            return Err(TransitionError::NotPayable);
        }
        if amount <= 0 || amount > self.amount_due() {
            return Err(TransitionError::PaymentExceedsBalance);
        }
        let status = if amount == self.amount_due() { Status::Paid } else { Status::PartiallyPaid };
        let mut paid = self.transition(status, now);
        paid.state.paid += amount;
        Ok(paid)
    }

    /// An issued invoice keeps its number, so that the numbers of its owner have no gaps.
    pub fn void(self, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        // Check the payments and not the status: an invoice with a total of 0 is `Paid` without a payment.
        if self.state.paid > 0 || self.state.credited > 0 || self.state.status == Status::Void {
            return Err(TransitionError::NotVoidable);
        }
        Ok(self.transition(Status::Void, now))
    }

    pub fn ensure_creditable(&self) -> Result<(), TransitionError> {
        match self.state.status {
            Status::Issued | Status::PartiallyPaid | Status::Paid if self.totals.total > 0 => Ok(()),
            _ => Err(TransitionError::NotCreditable),
        }
    }

    /// `amount` is in minor units. A credit reduces the amount due.
    /// If the customer has already paid more than the reduced total, the seller owes a refund, which is not recorded.
    pub fn credit(self, amount: i64, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        self.ensure_creditable()?;
        let remaining = self.totals.total - self.state.credited;
        if amount <= 0 || amount > remaining {
            return Err(TransitionError::CreditExceedsInvoice);
        }
        let status = match self.state.status {
            _ if amount == remaining => Status::Credited,
            _ if amount >= remaining - self.state.paid => Status::Paid,
            unchanged => unchanged,
        };
        let mut credited = self.transition(status, now);
        credited.state.credited += amount;
        Ok(credited)
    }

    /// Returns the amount due, in minor units.
    #[must_use]
    pub fn amount_due(&self) -> i64 {
        match self.state.status {
            Status::Issued | Status::PartiallyPaid => self.totals.total - self.state.credited - self.state.paid,
            Status::Draft | Status::Paid | Status::Credited | Status::Void => 0,
        }
    }

    fn transition(mut self, status: Status, now: DateTime<Utc>) -> Self {
        self.state.status = status;
        self.state.version += 1;
        self.state.updated_at = now;
        self
    }

    #[must_use]
    pub fn id(&self) -> InvoiceId {
        self.id
    }

    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    #[must_use]
    pub fn state(&self) -> &InvoiceState {
        &self.state
    }
}

#[cfg(test)]
mod tests;
