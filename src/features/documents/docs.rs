//! Texts of the OpenAPI document: documents.

use super::id::DocumentId;
use crate::features::resources::Registration;
use crate::http::signature::Docs;
use crate::security::audit::objects::ObjectId;
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

pub const REGISTRATION: Registration = Registration {
    kind: DocumentId::KIND,
    is_live: true,
    text: "Files, optionally attached to an invoice.",
    example: ("d0000000-0000-4000-8000-000000000001", 1),
};

pub const CREATE: Docs = Docs {
    summary: "Upload a document",
    description: "A form with the file and its title. The content must match the extension of the file name; the 400 says what \
        is wrong. Returns 409 if the storage quota is exceeded. PDFs with active content are rejected: scripts, \
        media, and actions that launch, submit or open something. Embedded files are rejected, except the XML of an \
        e-invoice. A repeated request with the same `Idempotency-Key` returns the first response.",
    errors: &[QUOTA_EXCEEDED],
};

pub const LIST: Docs = Docs {
    summary: "List documents",
    description: "Newest first, optionally of one invoice. Paginated: `next_cursor` leads to the next page.",
    errors: &[],
};

pub const READ: Docs =
    Docs { summary: "Get a document", description: "The metadata. The `ETag` is required for changes.", errors: &[] };

pub const CONTENT: Docs = Docs {
    summary: "Download a document",
    description: "The unchanged file as an attachment. Supports `Range`.",
    errors: &[],
};

pub const UPDATE: Docs = Docs {
    summary: "Update a document",
    description: "Changes the title or the invoice. Absent fields are left unchanged; null detaches the invoice.",
    errors: &[],
};

pub const DELETE: Docs =
    Docs { summary: "Delete a document", description: "Deletes the metadata and the file.", errors: &[] };
