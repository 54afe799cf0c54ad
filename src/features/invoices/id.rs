//! The ids of invoices, payments and credit notes.

use crate::base::id::id_types;
use crate::security::audit::objects::object_ids;

object_ids! {
    /// The id of an invoice.
    InvoiceId "invoice" "/api/v1/invoices"
    /// The id of a credit note on an invoice.
    CreditNoteId "credit_note" "/api/v1/credit-notes"
}

id_types! {
    /// The id of a payment on an invoice.
    PaymentId,
}
