use super::id::DocumentId;
use crate::features::resources::Registration;
use crate::http::signature::Docs;
use crate::security::audit::objects::ObjectId;
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

pub const REGISTRATION: Registration = Registration {
    kind: DocumentId::KIND,
    is_live: true,
    text: "Uploaded files. A file can be attached to an invoice.",
    example: ("d0000000-0000-4000-8000-000000000001", 1),
};

pub const CREATE: Docs = Docs {
    summary: "Upload a document",
    description: "The request is a form with the file and its title. \
        The content must match the extension of the file name. If it does not, the response is 400 with the reason. \
        The response is 409 if the storage quota is exceeded. \
        A PDF must not contain scripts, media, or actions that launch, submit or open something. \
        It must not contain embedded files, except the XML of an e-invoice. \
        A repeated request with the same `Idempotency-Key` returns the first response.",
    errors: &[QUOTA_EXCEEDED],
};

pub const LIST: Docs = Docs {
    summary: "List documents",
    description: "Returns the caller's documents, newest first. \
        The filter `invoice_id` selects the documents of one invoice. \
        Paginated: `next_cursor` is the cursor of the next page.",
    errors: &[],
};

pub const READ: Docs = Docs {
    summary: "Get a document",
    description: "Returns the metadata. Changes require the `ETag` of the response.",
    errors: &[],
};

pub const CONTENT: Docs = Docs {
    summary: "Download a document",
    description: "Returns the unchanged file as an attachment. Supports range requests (`Range`).",
    errors: &[],
};

pub const UPDATE: Docs = Docs {
    summary: "Update a document",
    description: "Changes the title or the invoice. \
        An absent field does not change; null detaches the document from its invoice.",
    errors: &[],
};

pub const DELETE: Docs =
    Docs { summary: "Delete a document", description: "Deletes the metadata and the file.", errors: &[] };
