//! The statements on documents. Each takes the caller and carries his id; there is no unscoped twin.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{Document, File};
use super::room_store;
use crate::base::id::{DocumentId, InvoiceId};
use crate::base::page::{Limit, Position};
use crate::db::{OwnerTx, exactly_one, violates};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::context;
use crate::security::audit::objects::{Object, ObjectKind};
use crate::security::files::uploads::FileType;
use crate::security::sessions::caller::Caller;

/// Where documents are kept.
#[derive(Clone)]
pub struct DocumentStore {
    pool: PgPool,
}

/// As the table has it.
struct Row {
    id: Uuid,
    invoice_id: Option<Uuid>,
    title: String,
    file_name: String,
    media_type: String,
    size: i64,
    sha256: Vec<u8>,
    storage_key: Uuid,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Document {
    type Error = ApiError;

    /// A row that breaks the rules was written by somebody else: it is not shown as if it were sound.
    fn try_from(row: Row) -> ApiResult<Self> {
        let unsound = || ApiError::internal("a document's row breaks the rules");
        let file = File {
            name: row.file_name,
            kind: FileType::of_media_type(&row.media_type).ok_or_else(unsound)?,
            size: row.size.try_into().map_err(|_| unsound())?,
            sha256: row.sha256.try_into().map_err(|_| unsound())?,
            key: row.storage_key,
        };
        let (id, invoice) = (row.id.into(), row.invoice_id.map(InvoiceId::from));
        Ok(Self::kept(id, row.title, invoice, file, row.version, row.created_at, row.updated_at))
    }
}

impl DocumentStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Begins a change for this caller.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn begin<'a>(&self, caller: &'a Caller) -> ApiResult<DocumentTx<'a>> {
        Ok(DocumentTx { transaction: OwnerTx::begin(&self.pool, caller.user()).await?, caller })
    }

    /// One document.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for one that is not there or not the caller's.
    pub async fn read(&self, caller: &Caller, id: DocumentId) -> ApiResult<Document> {
        let mut reading = OwnerTx::begin(&self.pool, caller.user()).await?;
        sqlx::query_as!(
            Row,
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and id = $2",
            caller.user().uuid(),
            id.uuid()
        )
        .fetch_optional(reading.connection())
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// Those after `after`, newest first: one more than the page holds, if there are so many.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn list(&self, caller: &Caller, after: Position, limit: Limit) -> ApiResult<Vec<Document>> {
        let mut reading = OwnerTx::begin(&self.pool, caller.user()).await?;
        let rows = sqlx::query_as!(
            Row,
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            caller.user().uuid(),
            after.created_at,
            after.id,
            limit.rows()
        )
        .fetch_all(reading.connection())
        .await?;
        rows.into_iter().map(Document::try_from).collect()
    }

    /// The same, of those that hang on this invoice.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn list_of(
        &self,
        caller: &Caller,
        invoice: InvoiceId,
        after: Position,
        limit: Limit,
    ) -> ApiResult<Vec<Document>> {
        let mut reading = OwnerTx::begin(&self.pool, caller.user()).await?;
        let rows = sqlx::query_as!(
            Row,
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and invoice_id = $5 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            caller.user().uuid(),
            after.created_at,
            after.id,
            limit.rows(),
            invoice.uuid()
        )
        .fetch_all(reading.connection())
        .await?;
        rows.into_iter().map(Document::try_from).collect()
    }
}

/// A change in progress. Dropped without [`commit`](Self::commit), it keeps nothing.
pub struct DocumentTx<'a> {
    transaction: OwnerTx,
    caller: &'a Caller,
}

/// The composite key answers for a stranger's invoice as for none; whose it is, the event alone will know.
fn invoice_fault(error: sqlx::Error, document: &Document) -> ApiError {
    if !violates(&error, "documents_invoice") {
        return error.into();
    }
    if let Some(invoice) = document.invoice() {
        context::set_denied_object(Object { kind: ObjectKind::Invoice, id: invoice.uuid() });
    }
    ApiError::invalid("/invoice_id", "must be one of your invoices")
}

impl DocumentTx<'_> {
    /// Where what belongs to the change is kept.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }

    /// Adds a document whose bytes are kept already, in the room that was held for it.
    ///
    /// # Errors
    /// A 400 for an invoice that is not the caller's; a 503 if its room is gone, and its bytes with it.
    pub async fn insert(&mut self, document: &Document) -> ApiResult<()> {
        let (owner, file) = (self.caller.user(), document.file());
        let size = i64::try_from(file.size).map_err(ApiError::internal)?;
        // The invoice (by its foreign key) before the usage: see the lock order in `db/idempotency.rs`.
        sqlx::query!(
            "insert into documents (id, owner_id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version,
                 created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            document.id().uuid(),
            owner.uuid(),
            document.invoice().map(InvoiceId::uuid),
            document.title(),
            file.name,
            file.kind.media_type(),
            size,
            &file.sha256[..],
            file.key,
            document.version(),
            document.created_at(),
            document.updated_at()
        )
        .execute(self.transaction.connection())
        .await
        .map_err(|error| invoice_fault(error, document))?;
        room_store::settle(self.transaction.connection(), owner, file.key, size).await
    }

    /// One document, and nobody else changes it until the end.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for one that is not there or not the caller's.
    pub async fn lock(&mut self, id: DocumentId) -> ApiResult<Document> {
        sqlx::query_as!(
            Row,
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and id = $2 for update",
            self.caller.user().uuid(),
            id.uuid()
        )
        .fetch_optional(self.transaction.connection())
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// Keeps the next version of a locked document.
    ///
    /// # Errors
    /// A 400 for an invoice that is not the caller's.
    pub async fn save(&mut self, document: &Document) -> ApiResult<()> {
        let saved = sqlx::query!(
            "update documents set title = $3, invoice_id = $4, version = $5, updated_at = $6
             where owner_id = $1 and id = $2 and version = $5::bigint - 1",
            self.caller.user().uuid(),
            document.id().uuid(),
            document.title(),
            document.invoice().map(InvoiceId::uuid),
            document.version(),
            document.updated_at()
        )
        .execute(self.transaction.connection())
        .await
        .map_err(|error| invoice_fault(error, document))?;
        Ok(exactly_one(&saved)?)
    }

    /// Deletes a locked document and gives its room back. Its bytes are due to go with the commit (a trigger sees to that).
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn delete(&mut self, document: &Document) -> ApiResult<()> {
        let deleted = sqlx::query!(
            "with gone as (
                 delete from documents where owner_id = $1 and id = $2 and version = $3 returning size
             )
             update document_usage set bytes = bytes - gone.size, files = files - 1 from gone where owner_id = $1",
            self.caller.user().uuid(),
            document.id().uuid(),
            document.version()
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(exactly_one(&deleted)?)
    }

    /// Keeps the change.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn commit(self) -> ApiResult<()> {
        Ok(self.transaction.commit().await?)
    }
}
