//! Reads objects for live events through the stores of the REST API, so that a socket reveals no more than a GET
//! request.

use uuid::Uuid;

use crate::features::customers::model::Customer;
use crate::features::documents::store::DocumentStore;
use crate::features::invoices::store::InvoiceStore;
use crate::features::resources::{Resource, Resources};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::ObjectKind;
use crate::security::sessions::caller::Caller;

/// The stores of the kinds that have live events.
pub struct Objects {
    pub invoices: InvoiceStore,
    pub resources: Resources,
    pub documents: DocumentStore,
}

impl Objects {
    /// Returns the current version of the caller's object.
    ///
    /// # Errors
    /// [`NotFound`](crate::http::error::ApiError::NotFound) if the object does not exist or belongs to another user.
    pub async fn version(&self, caller: &Caller, kind: ObjectKind, id: Uuid) -> ApiResult<i64> {
        match kind {
            ObjectKind::Invoice => Ok(self.invoices.read(caller, id.into()).await?.state().version),
            ObjectKind::Customer => Ok(self.resources.read::<Customer>(caller, id.into()).await?.version()),
            ObjectKind::Document => Ok(self.documents.read(caller, id.into()).await?.version()),
            ObjectKind::CreditNote | ObjectKind::Session | ObjectKind::User => Err(ApiError::NotFound),
        }
    }
}
