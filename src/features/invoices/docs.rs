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
    text: "Invoices, from draft to payment. Amounts are integers in the minor unit of the currency.",
    // An issued invoice, which can be paid or voided. Its version is 2, because the draft had version 1.
    example: ("10000000-0000-4000-8000-000000000006", 2),
};

pub const CREATE: Docs = Docs {
    summary: "Create a draft invoice",
    description: "Creates a draft. The server computes all totals, and rejects requests that contain them. \
        A repeated request with the same `Idempotency-Key` returns the first response.",
    errors: &[QUOTA_EXCEEDED],
};

pub const PREVIEW: Docs = Docs {
    summary: "Compute the amounts of a draft",
    description: "Accepts the content of a draft and returns its amounts. Stores nothing.",
    errors: &[],
};

pub const TOTALS: Docs = Docs {
    summary: "Get totals by status",
    description: "Returns how many invoices the caller has, and the sums of their amounts, for each status and currency. \
        Counts only the newest 10,000 invoices.",
    errors: &[],
};

pub const LIST: Docs = Docs {
    summary: "List invoices",
    description: "Returns the caller's invoices that match the filter, newest first by default. \
        Paginated: `next_cursor` is the cursor of the next page with the same filter.",
    errors: &[],
};

pub const EXPORT: Docs = Docs {
    summary: "Export invoices as CSV",
    description: "Returns all invoices that match the filter. \
        A spreadsheet program cannot mistake a cell for a formula (prevents CSV injection).",
    errors: &[],
};

pub const READ: Docs = Docs {
    summary: "Get an invoice",
    description: "Returns the invoice with its lines and totals. Changes require the `ETag` of the response.",
    errors: &[],
};

pub const PDF: Docs = Docs {
    summary: "Get an invoice as PDF",
    description: "Returns a PDF in A4 with selectable text. \
        An issued invoice shows seller and customer as of its issue date. \
        Drafts and void invoices are marked on every page. \
        Returns 304 if `If-None-Match` contains the current `ETag`.",
    errors: &[],
};

pub const REPLACE: Docs = Docs {
    summary: "Replace a draft invoice",
    description: "Replaces the whole content of a draft. An issued invoice cannot be changed (409).",
    errors: &[conflict(TransitionError::NotADraft)],
};

pub const DELETE: Docs = Docs {
    summary: "Delete a draft invoice",
    description: "Deletes a draft. An issued invoice cannot be deleted (409).",
    errors: &[conflict(TransitionError::NotADraft)],
};

pub const ISSUE: Docs = Docs {
    summary: "Issue an invoice",
    description: "Assigns the number. \
        Afterwards, the content of the invoice and the data of seller and customer cannot change. \
        Within a year, the numbers of a user have no gaps and increase with the issue date. \
        So an issue date before the date of the last issued invoice is rejected (409). \
        If the draft has no due date, the payment terms of the business determine it.",
    errors: &[
        conflict(TransitionError::NotADraft),
        conflict(TransitionError::DueBeforeIssue),
        conflict(TransitionError::IssuedBeforeLast),
    ],
};

pub const VOID: Docs = Docs {
    summary: "Void an invoice",
    description: "Voids the invoice. An issued invoice keeps its number. \
        An invoice with payments or credit notes cannot be voided (409).",
    errors: &[conflict(TransitionError::NotVoidable)],
};

pub const PAY: Docs = Docs {
    summary: "Record a payment",
    description: "Records a payment. The amount must not exceed the amount due (409). \
        A payment of the whole amount due changes the status of the invoice to `paid`. \
        A repeated request with the same `Idempotency-Key` does not record a second payment.",
    errors: &[QUOTA_EXCEEDED, conflict(TransitionError::NotPayable), conflict(TransitionError::PaymentExceedsBalance)],
};

pub const PAYMENTS: Docs = Docs {
    summary: "List payments of an invoice",
    description: "Returns the payments of the invoice, newest first. \
        Paginated: `next_cursor` is the cursor of the next page.",
    errors: &[],
};
