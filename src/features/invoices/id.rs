use crate::base::id::id_types;
use crate::security::audit::objects::object_ids;

object_ids! {
    InvoiceId "invoice" "/api/v1/invoices"
    CreditNoteId "credit_note" "/api/v1/credit-notes"
}

id_types! {
    PaymentId,
}
