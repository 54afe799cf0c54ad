//! The reasons for which the state machine refuses a transition. Each reason has a problem code.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionError {
    NotADraft,
    NotPayable,
    /// The payment is zero, negative, or larger than the amount due.
    PaymentExceedsBalance,
    NotVoidable,
    NotCreditable,
    /// The credit is larger than the remaining amount of the invoice or of one of its lines.
    CreditExceedsInvoice,
    /// The due date is before the issue date.
    DueBeforeIssue,
    /// The owner's last issued invoice has a later issue date. Numbers must increase with issue dates.
    IssuedBeforeLast,
}

impl TransitionError {
    #[must_use]
    pub const fn code_and_title(self) -> (&'static str, &'static str) {
        match self {
            Self::NotADraft => ("not_a_draft", "The invoice is not a draft"),
            Self::NotPayable => ("not_payable", "The invoice is not open for payments"),
            Self::PaymentExceedsBalance => {
                ("payment_exceeds_balance", "A payment must be above zero and at most the amount due")
            }
            Self::NotVoidable => ("not_voidable", "The invoice has payments or credit notes, or is already void"),
            Self::NotCreditable => ("not_creditable", "The invoice is a draft, void, or credited in full"),
            Self::CreditExceedsInvoice => {
                ("credit_exceeds_invoice", "The credit exceeds the remaining amount of the invoice")
            }
            Self::DueBeforeIssue => ("due_before_issue", "The due date is before the issue date"),
            Self::IssuedBeforeLast => ("issued_before_last", "The last invoice has a later issue date"),
        }
    }
}
