//! Texts of the OpenAPI document: invoices.

use super::id::InvoiceId;
use super::transition_error::TransitionError;
use super::views::conflict;
use crate::features::resources::Registration;
use crate::http::signature::Docs;
use crate::security::audit::objects::ObjectId;
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

pub const REGISTRATION: Registration = Registration {
    kind: InvoiceId::KIND,
    is_live: true,
    text: "From draft to payment. Amounts are integers in the minor unit of the currency.",
    // The id of an issued invoice, which can be paid or voided. Its version is 2: the draft had version 1.
    example: ("10000000-0000-4000-8000-000000000006", 2),
};

pub const CREATE: Docs = Docs {
    summary: "Create a draft invoice",
    description: "The server computes all totals; requests must not contain them. A repeated request with the same \
        `Idempotency-Key` returns the first response.",
    errors: &[QUOTA_EXCEEDED],
};

pub const LIST: Docs = Docs {
    summary: "List invoices",
    description: "Newest first, with optional filters. Paginated: `next_cursor` leads to the next page with the same filter.",
    errors: &[],
};

pub const EXPORT: Docs = Docs {
    summary: "Export invoices as CSV",
    description: "All invoices that match the filter. Safe to open in spreadsheets (prevents CSV injection).",
    errors: &[],
};

pub const READ: Docs = Docs {
    summary: "Get an invoice",
    description: "With its lines and totals. The `ETag` is required for changes.",
    errors: &[],
};

pub const PDF: Docs = Docs {
    summary: "Get an invoice as PDF",
    description: "A4, with selectable text. An issued invoice shows the names of both parties as of its issue. Drafts and void \
        invoices are marked on every page. Returns 304 if `If-None-Match` contains the current `ETag`.",
    errors: &[],
};

pub const REPLACE: Docs = Docs {
    summary: "Replace a draft invoice",
    description: "Replaces the whole content. An issued invoice cannot be changed (409).",
    errors: &[conflict(TransitionError::NotADraft)],
};

pub const DELETE: Docs = Docs {
    summary: "Delete a draft invoice",
    description: "An issued invoice cannot be deleted (409).",
    errors: &[conflict(TransitionError::NotADraft)],
};

pub const ISSUE: Docs = Docs {
    summary: "Issue an invoice",
    description: "Assigns the number. The content and the names of both parties can no longer change. Numbers are gap-free for \
        each user and year, in the order of issue dates: a date before that of the last issued invoice is rejected \
        (409). Without a due date, the payment terms of the business determine it.",
    errors: &[
        conflict(TransitionError::NotADraft),
        conflict(TransitionError::DueBeforeIssue),
        conflict(TransitionError::IssuedBeforeLast),
    ],
};

pub const VOID: Docs = Docs {
    summary: "Void an invoice",
    description: "It keeps its number. An invoice with payments or credit notes cannot be voided (409).",
    errors: &[conflict(TransitionError::NotVoidable)],
};

pub const PAY: Docs = Docs {
    summary: "Record a payment",
    description: "The amount must not exceed the balance (409). The last payment marks the invoice as paid. A repeated request \
        with the same `Idempotency-Key` does not record a second payment.",
    errors: &[QUOTA_EXCEEDED, conflict(TransitionError::NotPayable), conflict(TransitionError::PaymentExceedsBalance)],
};

pub const PAYMENTS: Docs = Docs {
    summary: "List payments of an invoice",
    description: "Newest first. Paginated: `next_cursor` leads to the next page.",
    errors: &[],
};
