use crate::security::audit::objects::object_ids;

object_ids! {
    DocumentId "document" "/api/v1/documents"
}
