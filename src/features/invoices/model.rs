//! An invoice and its life: draft → issued → partially paid → paid; void from draft, or once issued without payments. An invoice
//! of nothing is paid when it is issued. Credit notes lower what is due, until the invoice is credited in full.
//!
//! The rules are here and nowhere else, without database and framework. A step out of order changes nothing.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use super::totals::{Discount, Line, Totals};
use crate::base::id::{CustomerId, InvoiceId};
use crate::base::money::Currency;

/// Where in its life an invoice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Draft,
    Issued,
    PartiallyPaid,
    Paid,
    /// Credited in full.
    Credited,
    Void,
}

impl Status {
    /// In the order of life.
    pub const ALL: [Self; 6] = [Self::Draft, Self::Issued, Self::PartiallyPaid, Self::Paid, Self::Credited, Self::Void];

    /// Returns the name used in the API and in the database.
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

/// The text names no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionError {
    NotADraft,
    NotPayable,
    /// A payment of more than is due, or of nothing.
    PaymentExceedsBalance,
    NotVoidable,
    NotCreditable,
    /// A credit of more than is left of the invoice, or of one of its lines.
    CreditExceedsInvoice,
    /// The due date lies before the day of issue.
    DueBeforeIssue,
    /// The day of issue lies before that of the last issued invoice.
    IssuedBeforeLast,
}

impl TransitionError {
    /// Stable code and one sentence.
    #[must_use]
    pub fn code_and_title(self) -> (&'static str, &'static str) {
        match self {
            Self::NotADraft => ("not_a_draft", "The invoice is no draft any more"),
            Self::NotPayable => ("not_payable", "The invoice is not open for payments"),
            Self::PaymentExceedsBalance => {
                ("not_what_is_due", "A payment is more than nothing and at most what is due")
            }
            Self::NotVoidable => ("not_voidable", "The invoice has payments or credit notes, or is void already"),
            Self::NotCreditable => ("not_creditable", "The invoice is a draft, void, or credited in full"),
            Self::CreditExceedsInvoice => {
                ("credit_exceeds_invoice", "A credit note takes at most what is left of the invoice")
            }
            Self::DueBeforeIssue => ("due_before_issue", "The due date lies before the day of issue"),
            Self::IssuedBeforeLast => ("issued_before_last", "The last invoice was issued on a later day"),
        }
    }
}

/// What its owner writes into a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub customer: CustomerId,
    pub currency: Currency,
    pub lines: Vec<Line>,
    /// On the invoice as a whole.
    pub discount: Option<Discount>,
    pub notes: Option<String>,
    pub due_date: Option<NaiveDate>,
}

/// What came with its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceState {
    pub status: Status,
    /// Given at issue, never changed.
    pub number: Option<String>,
    pub issue_date: Option<NaiveDate>,
    /// Minor units.
    pub paid: i64,
    /// What the credit notes come to, in minor units.
    pub credited: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An invoice of an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    id: InvoiceId,
    content: Content,
    totals: Totals,
    state: InvoiceState,
}

impl Invoice {
    /// A new draft.
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

    /// One that was kept.
    #[must_use]
    pub fn from_stored(id: InvoiceId, content: Content, totals: Totals, state: InvoiceState) -> Self {
        Self { id, content, totals, state }
    }

    /// Other content for a draft.
    ///
    /// # Errors
    /// It is none any more.
    pub fn replace(self, content: Content, totals: Totals, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        self.ensure_draft()?;
        Ok(Self { content, totals, ..self }.transition(Status::Draft, now))
    }

    /// Whether it may be deleted: only a draft leaves no trace.
    ///
    /// # Errors
    /// It is no draft any more.
    pub fn ensure_draft(&self) -> Result<(), TransitionError> {
        if self.state.status == Status::Draft { Ok(()) } else { Err(TransitionError::NotADraft) }
    }

    /// Whether it may be issued on this day: asked before a number is drawn.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn ensure_issuable(&self, day: NaiveDate) -> Result<(), TransitionError> {
        self.ensure_draft()?;
        match self.content.due_date {
            Some(due) if due < day => Err(TransitionError::DueBeforeIssue),
            _ => Ok(()),
        }
    }

    /// Gives it a number, a day, and `due` as its due date if it has none; from here on its content stands.
    /// An invoice of nothing is paid at once: no payment would ever close it.
    ///
    /// # Errors
    /// It is no draft, or due before it would be issued.
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

    /// Takes a payment, in minor units.
    ///
    /// # Errors
    /// It is not open, or the payment is not between nothing and what is due.
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

    /// Ends it. An issued one keeps its number, so that numbers have no gaps.
    ///
    /// # Errors
    /// It has payments, or is void already.
    pub fn void(self, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        // `Paid` without a payment is an invoice of nothing.
        if self.state.paid > 0 || self.state.credited > 0 || self.state.status == Status::Void {
            return Err(TransitionError::NotVoidable);
        }
        Ok(self.transition(Status::Void, now))
    }

    /// Whether anything of it can be credited.
    ///
    /// # Errors
    /// It has not been issued, or nothing is left of it.
    pub fn ensure_creditable(&self) -> Result<(), TransitionError> {
        match self.state.status {
            Status::Issued | Status::PartiallyPaid | Status::Paid if self.totals.total > 0 => Ok(()),
            _ => Err(TransitionError::NotCreditable),
        }
    }

    /// Takes a credit, in minor units. It lowers what is due; of what has been paid beyond that, the seller owes a refund, which
    /// is outside of the service.
    ///
    /// # Errors
    /// It cannot be credited, or not by so much.
    pub fn credit(self, amount: i64, now: DateTime<Utc>) -> Result<Self, TransitionError> {
        self.ensure_creditable()?;
        let left = self.totals.total - self.state.credited;
        if amount <= 0 || amount > left {
            return Err(TransitionError::CreditExceedsInvoice);
        }
        let status = match self.state.status {
            _ if amount == left => Status::Credited,
            _ if amount >= left - self.state.paid => Status::Paid,
            unchanged => unchanged,
        };
        let mut credited = self.transition(status, now);
        credited.state.credited += amount;
        Ok(credited)
    }

    /// Minor units that are still to be paid.
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
