use super::id::CustomerId;
use crate::features::resources::{IN_USE, Registration};
use crate::http::signature::Docs;
use crate::security::audit::objects::ObjectId;
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

pub const REGISTRATION: Registration = Registration {
    kind: CustomerId::KIND,
    is_live: true,
    text: "The customers, who receive invoices.",
    example: ("c0000000-0000-4000-8000-000000000001", 1),
};

pub const CREATE: Docs = Docs {
    summary: "Create a customer",
    description: "Creates a customer. A repeated request with the same `Idempotency-Key` returns the first response.",
    errors: &[QUOTA_EXCEEDED],
};

pub const LIST: Docs = Docs {
    summary: "List customers",
    description: "Returns the caller's customers, newest first. \
        Paginated: `next_cursor` is the cursor of the next page.",
    errors: &[],
};

pub const READ: Docs = Docs {
    summary: "Get a customer",
    description: "Returns one customer. Changes require the `ETag` of the response.",
    errors: &[],
};

pub const UPDATE: Docs = Docs {
    summary: "Update a customer",
    description: "Changes the fields in the request. An absent field does not change; null clears an optional field.",
    errors: &[],
};

pub const DELETE: Docs = Docs {
    summary: "Delete a customer",
    description: "Deletes a customer. A customer with invoices cannot be deleted (409).",
    errors: &[IN_USE],
};
