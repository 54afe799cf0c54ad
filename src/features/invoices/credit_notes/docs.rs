//! Texts of the OpenAPI document: credit notes.

use crate::features::invoices::id::CreditNoteId;
use crate::features::invoices::transition_error::TransitionError;
use crate::features::invoices::views::conflict;
use crate::features::resources::Registration;
use crate::http::signature::Docs;
use crate::security::audit::objects::ObjectId;
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

pub const REGISTRATION: Registration = Registration {
    kind: CreditNoteId::KIND,
    is_live: false,
    text: "Corrections of issued invoices.",
    example: ("e0000000-0000-4000-8000-000000000001", 1),
};

pub const CREATE: Docs = Docs {
    summary: "Issue a credit note",
    description: "Credits parts of lines, or all that remains of the invoice, including tax (409 if it is more). The credit \
        note has its own number and reduces the balance. An invoice without payments and credit notes can be voided \
        instead. A repeated request with the same `Idempotency-Key` returns the first response.",
    errors: &[
        QUOTA_EXCEEDED,
        conflict(TransitionError::NotCreditable),
        conflict(TransitionError::CreditExceedsInvoice),
    ],
};

pub const LIST: Docs = Docs {
    summary: "List credit notes",
    description: "Newest first, optionally of one invoice. Paginated: `next_cursor` leads to the next page.",
    errors: &[],
};

pub const READ: Docs =
    Docs { summary: "Get a credit note", description: "With its lines and totals. It never changes.", errors: &[] };

pub const PDF: Docs = Docs {
    summary: "Get a credit note as PDF",
    description: "A4, with selectable text. Shows the same names of both parties as the invoice. Returns 304 if \
        `If-None-Match` contains the current `ETag`.",
    errors: &[],
};
