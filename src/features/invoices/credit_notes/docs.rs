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
    text: "Credit notes, which correct issued invoices.",
    example: ("e0000000-0000-4000-8000-000000000001", 1),
};

pub const CREATE: Docs = Docs {
    summary: "Issue a credit note",
    description: "Credits parts of lines, or the whole remaining amount of the invoice, including tax. \
        A credit above the remaining amount is rejected (409). \
        The credit note has its own number and reduces the amount due. \
        An invoice without payments and credit notes can be voided instead. \
        A repeated request with the same `Idempotency-Key` returns the first response.",
    errors: &[
        QUOTA_EXCEEDED,
        conflict(TransitionError::NotCreditable),
        conflict(TransitionError::CreditExceedsInvoice),
    ],
};

pub const LIST: Docs = Docs {
    summary: "List credit notes",
    description: "Returns the caller's credit notes, newest first. \
        The filter `invoice_id` selects the credit notes of one invoice. \
        Paginated: `next_cursor` is the cursor of the next page.",
    errors: &[],
};

pub const READ: Docs = Docs {
    summary: "Get a credit note",
    description: "Returns the credit note with its lines and totals. A credit note never changes.",
    errors: &[],
};

pub const PDF: Docs = Docs {
    summary: "Get a credit note as PDF",
    description: "Returns a PDF in A4 with selectable text. It shows the same seller and customer as the invoice. \
        Returns 304 if `If-None-Match` contains the current `ETag`.",
    errors: &[],
};
