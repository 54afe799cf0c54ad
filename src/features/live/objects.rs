//! The stores behind the REST reads, asked before anything is told: a message never carries what a read would refuse.

use uuid::Uuid;

use super::model::Kind;
use crate::features::customers::store::CustomerStore;
use crate::features::documents::store::DocumentStore;
use crate::features::invoices::store::InvoiceStore;
use crate::http::error::ApiResult;
use crate::security::sessions::caller::Caller;

/// One store a kind.
pub struct Objects {
    pub invoices: InvoiceStore,
    pub customers: CustomerStore,
    pub documents: DocumentStore,
}

impl Objects {
    /// The version of an object, as its owner reads it.
    ///
    /// # Errors
    /// Those of the read: [`NotFound`](crate::http::error::ApiError::NotFound) for one that is missing or not the caller's.
    pub async fn version(&self, caller: &Caller, kind: Kind, id: Uuid) -> ApiResult<i64> {
        match kind {
            Kind::Invoice => Ok(self.invoices.read(caller, id.into()).await?.state().version),
            Kind::Customer => Ok(self.customers.read(caller, id.into()).await?.version()),
            Kind::Document => Ok(self.documents.read(caller, id.into()).await?.version()),
        }
    }
}
