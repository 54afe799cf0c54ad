//! The id of a document.

use crate::security::audit::objects::object_ids;

object_ids! {
    /// The id of a document.
    DocumentId "document" "/api/v1/documents"
}
