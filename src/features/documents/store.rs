//! SQL of documents. Every statement filters by the caller's id.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{Document, File};
use super::quota_store;
use crate::base::page::{Limit, Position};
use crate::db::{OwnerTx, exactly_one, owner_query_as};
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::InvoiceId;
use crate::features::resources::map_reference_error;
use crate::http::error::{ApiError, ApiResult};
use crate::security::files::uploads::FileType;
use crate::security::sessions::caller::Caller;

#[derive(Clone)]
pub struct DocumentStore {
    pool: PgPool,
}

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

    /// Fails if a value is invalid. The service writes no such row, but an operator could.
    fn try_from(row: Row) -> ApiResult<Self> {
        let invalid_row = || ApiError::internal("stored document is invalid");
        let file = File {
            name: row.file_name,
            kind: FileType::from_media_type(&row.media_type).ok_or_else(invalid_row)?,
            size: row.size.try_into().map_err(|_| invalid_row())?,
            sha256: row.sha256.try_into().map_err(|_| invalid_row())?,
            key: row.storage_key,
        };
        let (id, invoice) = (row.id.into(), row.invoice_id.map(InvoiceId::from));
        Ok(Self::from_stored(id, row.title, invoice, file, row.version, row.created_at, row.updated_at))
    }
}

impl DocumentStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub async fn begin<'a>(&self, caller: &'a Caller) -> ApiResult<DocumentTx<'a>> {
        Ok(DocumentTx { transaction: OwnerTx::begin(&self.pool, caller.user()).await?, caller })
    }

    pub async fn read(&self, caller: &Caller, id: DocumentId) -> ApiResult<Document> {
        owner_query_as!(
            Row,
            caller.user(),
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and id = $2",
            id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// Returns the documents of one page, and one more document if there is a next page.
    pub async fn list(&self, caller: &Caller, after: Position, limit: Limit) -> ApiResult<Vec<Document>> {
        let rows = owner_query_as!(
            Row,
            caller.user(),
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            after.created_at,
            after.id,
            limit.rows()
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Document::try_from).collect()
    }

    /// Like [`list`](Self::list), but only the documents of this invoice.
    pub async fn list_of(
        &self,
        caller: &Caller,
        invoice: InvoiceId,
        after: Position,
        limit: Limit,
    ) -> ApiResult<Vec<Document>> {
        let rows = owner_query_as!(
            Row,
            caller.user(),
            "select id, invoice_id, title, file_name, media_type, size, sha256, storage_key, version, created_at, updated_at
             from documents where owner_id = $1 and invoice_id = $5 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            after.created_at,
            after.id,
            limit.rows(),
            invoice.uuid()
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Document::try_from).collect()
    }
}

/// Dropping the transaction without [`commit`](Self::commit) rolls it back.
pub struct DocumentTx<'a> {
    transaction: OwnerTx,
    caller: &'a Caller,
}

impl AsMut<PgConnection> for DocumentTx<'_> {
    fn as_mut(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }
}

impl DocumentTx<'_> {
    pub fn connection(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }

    /// Inserts a document and commits its quota reservation. The file must already be stored.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] if the invoice does not belong to the caller.
    /// [`ApiError::Unavailable`] if the reservation has expired.
    pub async fn insert(&mut self, document: &Document) -> ApiResult<()> {
        let (owner, file) = (self.caller.user(), document.file());
        let size = i64::try_from(file.size).map_err(ApiError::internal)?;
        // Lock order: this statement locks the invoice (foreign key), then `quota_store::commit` locks the quota.
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
        .map_err(|error| map_reference_error(error, "documents_invoice", "/invoice_id", document.invoice()))?;
        quota_store::commit(self.transaction.connection(), owner, file.key, size).await
    }

    /// Locks the row of the document until the end of the transaction.
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

    /// # Errors
    /// [`ApiError::Invalid`] if the invoice does not belong to the caller.
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
        .map_err(|error| map_reference_error(error, "documents_invoice", "/invoice_id", document.invoice()))?;
        Ok(exactly_one(&saved)?)
    }

    /// Deletes a locked document and releases its quota. A trigger queues the document's file for deletion.
    pub async fn delete(&mut self, document: &Document) -> ApiResult<()> {
        let deleted = sqlx::query!(
            "with deleted as (
                 delete from documents where owner_id = $1 and id = $2 and version = $3 returning size
             )
             update document_usage set bytes = bytes - deleted.size, files = files - 1 from deleted where owner_id = $1",
            self.caller.user().uuid(),
            document.id().uuid(),
            document.version()
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(exactly_one(&deleted)?)
    }

    pub async fn commit(self) -> ApiResult<()> {
        Ok(self.transaction.commit().await?)
    }
}
