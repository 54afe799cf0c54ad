//! Uploads: reserves quota, inspects the file while the service receives it, and stores the file.

use std::sync::Arc;

use actix_web::web::{Bytes, BytesMut};
use aws_lc_rs::digest::{Context, SHA256, digest};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::blob_deletion_store::BlobDeletionQueue;
use super::model::{File, MAX_TITLE};
use super::quota_store::{self, Quota};
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::OwnerTx;
use crate::features::invoices::id::InvoiceId;
use crate::http::disposition::safe_file_name;
use crate::http::error::{ApiError, ApiResult};
use crate::http::form::{Form, Part};
use crate::http::idempotency::StreamedIdempotencyKey;
use crate::http::rules;
use crate::http::user_text::UserText;
use crate::security::files::uploads::{FileType, Inspector, PdfInspector, UploadError};
use crate::security::sessions::caller::Caller;
use crate::storage::Storage;
use crate::storage::incoming::Incoming;

/// The maximum size of the form field `title`. A character needs up to four bytes in UTF-8.
const MAX_TITLE_BYTES: usize = 4 * MAX_TITLE;
/// Longer than a UUID. So a malformed id up to this size gets the same error as the id of a missing invoice.
const MAX_ID_BYTES: usize = 8 * 1024;
/// Files are inspected and written in blocks of this size.
const BLOCK_BYTES: usize = 64 * 1024;

#[derive(Clone)]
pub struct UploadService {
    pub pool: PgPool,
    pub storage: Arc<Storage>,
    pub deletions: BlobDeletionQueue,
    pub clock: Clock,
    pub quota: Quota,
    /// The maximum size of one file.
    pub max_bytes: usize,
    /// The maximum number of pixels in one picture.
    pub max_pixels: u32,
    /// Limits the number of concurrent inspections, so that other requests get processor time.
    pub inspection_slots: Arc<Semaphore>,
    pub pdfs: PdfInspector,
}

pub struct ParsedUpload {
    pub title: Option<String>,
    pub invoice: Option<InvoiceId>,
    pub file: File,
}

impl ParsedUpload {
    /// Returns a fingerprint, which detects that a client reuses an idempotency key for another upload.
    #[must_use]
    pub fn fingerprint(&self) -> Bytes {
        let Self { title, invoice, file } = self;
        format!("{:?}", (title, invoice, &file.name, file.kind, file.size, file.sha256)).into()
    }
}

impl UploadService {
    /// Reserves no quota for a repeated request (`Idempotency-Key`), because its file is not stored again.
    ///
    /// # Errors
    /// [`QUOTA_EXCEEDED`](crate::security::limits::row_quotas::QUOTA_EXCEEDED) if files or bytes exceed the quota.
    pub async fn reserve(
        &self,
        caller: &Caller,
        key: &StreamedIdempotencyKey,
        form: &Form,
    ) -> ApiResult<QuotaReservation> {
        let mut transaction = OwnerTx::begin(&self.pool, caller.user()).await?;
        if key.is_used(transaction.connection(), caller.user(), self.clock.now()).await? {
            return Ok(QuotaReservation { deletions: self.deletions.clone(), user: caller.user(), key: None });
        }
        let max = self.max_bytes as u64;
        let bytes = form.declared_length().map_or(max, |announced| announced.clamp(1, max));
        self.reserve_bytes(transaction, caller, bytes).await
    }

    async fn reserve_bytes(
        &self,
        mut transaction: OwnerTx,
        caller: &Caller,
        bytes: u64,
    ) -> ApiResult<QuotaReservation> {
        let (key, bytes) = (Uuid::new_v4(), i64::try_from(bytes).map_err(ApiError::internal)?);
        let now = self.clock.now();
        quota_store::reserve(transaction.connection(), caller.user(), key, bytes, self.quota, now).await?;
        transaction.commit().await?;
        Ok(QuotaReservation { deletions: self.deletions.clone(), user: caller.user(), key: Some(key) })
    }

    /// Stores a file of the demo data. The file is not inspected, because it is part of the program.
    pub async fn store(
        &self,
        caller: &Caller,
        name: &str,
        kind: FileType,
        bytes: &[u8],
    ) -> ApiResult<(File, QuotaReservation)> {
        let transaction = OwnerTx::begin(&self.pool, caller.user()).await?;
        let reservation = self.reserve_bytes(transaction, caller, bytes.len() as u64).await?;
        let key = reservation.key.unwrap_or_default();
        let mut incoming = self.storage.receive(key).await?;
        incoming.write(bytes).map_err(|error| ApiError::unavailable(5, error))?;
        self.storage.store(incoming).await?;
        let sha256 = digest(&SHA256, bytes).as_ref().try_into().map_err(ApiError::internal)?;
        Ok((File { name: safe_file_name(name), kind, size: bytes.len() as u64, sha256, key }, reservation))
    }

    /// # Errors
    /// [`ApiError::Invalid`] with the invalid field. [`ApiError::Unavailable`] if the object store is down.
    pub async fn receive(&self, mut form: Form, reservation: &QuotaReservation) -> ApiResult<ParsedUpload> {
        let (mut title, mut invoice, mut file) = (None, None, None);
        while let Some(part) = form.next().await? {
            match part.name() {
                "file" => file = Some(self.receive_file(part, reservation).await?),
                "title" => {
                    let text = part.text(MAX_TITLE_BYTES).await?.without_marks();
                    if rules::line(&text, &()).is_err() || text.chars().count() > MAX_TITLE {
                        return Err(ApiError::invalid(
                            "/title",
                            "must be one line of 1 to 200 characters, without control or invisible characters",
                        ));
                    }
                    title = Some(text);
                }
                // Replace a malformed id by a random id, so that the client receives the error for a missing invoice.
                "invoice_id" => {
                    let text = part.text(MAX_ID_BYTES).await?;
                    invoice = Some(text.parse().unwrap_or_else(|_| InvoiceId::new()));
                }
                _ => return Err(part.invalid("is not a known field")),
            }
        }
        let Some((file, incoming)) = file else { return Err(ApiError::invalid("/file", "is required")) };
        if let Some(incoming) = incoming {
            self.storage.store(incoming).await?;
        }
        Ok(ParsedUpload { title, invoice, file })
    }

    async fn receive_file(
        &self,
        mut part: Part,
        reservation: &QuotaReservation,
    ) -> ApiResult<(File, Option<Incoming>)> {
        let name = part.file_name().map(|name| safe_file_name(&name)).ok_or(UploadError::Name)?;
        let kind = FileType::expected(part.media_type(), &name)?;
        let incoming = match reservation.key {
            Some(key) => Some(self.storage.receive(key).await?),
            None => None,
        };
        let mut inspection =
            Inspection { inspector: Inspector::new(kind, self.max_pixels), hash: Context::new(&SHA256), incoming };
        let (mut block, mut size) = (BytesMut::new(), 0);
        while let Some(bytes) = part.bytes().await? {
            size += bytes.len();
            if size > self.max_bytes {
                return Err(ApiError::PayloadTooLarge);
            }
            block.extend_from_slice(&bytes);
            if block.len() >= BLOCK_BYTES {
                inspection = self.inspect_block(inspection, block.split().freeze()).await?;
            }
        }
        inspection = self.inspect_block(inspection, block.freeze()).await?;
        inspection.inspector.finish()?;
        // `incoming` is `None` for a repeated request, because its file is not stored.
        if let (FileType::Pdf, Some(incoming)) = (kind, &inspection.incoming) {
            let file = incoming.reader().map_err(|error| ApiError::unavailable(5, error))?;
            let _slot = self.inspection_slots.acquire().await.map_err(ApiError::internal)?;
            self.pdfs.inspect(file).await?;
        }
        let file = File {
            name,
            kind,
            size: size as u64,
            sha256: inspection.hash.finish().as_ref().try_into().map_err(ApiError::internal)?,
            key: reservation.key.unwrap_or_default(),
        };
        Ok((file, inspection.incoming))
    }

    /// Runs on a thread for blocking work, so that the async worker can serve other requests.
    async fn inspect_block(&self, mut inspection: Inspection, block: Bytes) -> ApiResult<Inspection> {
        let _slot = self.inspection_slots.acquire().await.map_err(ApiError::internal)?;
        let inspected = tokio::task::spawn_blocking(move || inspection.feed(&block).map(|()| inspection));
        inspected.await.map_err(ApiError::internal)?
    }
}

struct Inspection {
    inspector: Inspector,
    hash: Context,
    incoming: Option<Incoming>,
}

impl Inspection {
    fn feed(&mut self, block: &[u8]) -> ApiResult<()> {
        self.inspector.feed(block)?;
        self.hash.update(block);
        match &mut self.incoming {
            Some(incoming) => incoming.write(block).map_err(|error| ApiError::unavailable(5, error)),
            None => Ok(()),
        }
    }
}

/// Storage for one upload. Dropping it without [`commit`](Self::commit) releases the quota and deletes the file.
pub struct QuotaReservation {
    deletions: BlobDeletionQueue,
    user: UserId,
    /// The storage key. `None` if nothing is reserved: a repeated request, or a reservation that has ended.
    key: Option<Uuid>,
}

impl QuotaReservation {
    /// Returns `false` for a repeated request, which reserves no quota.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.key.is_some()
    }

    /// Keeps the file. Call this after the transaction that inserted the document.
    pub fn commit(mut self) {
        self.key = None;
    }

    /// Releases the quota and deletes the file. If this fails, the outbox worker does both later.
    pub async fn release(mut self) {
        if let Some(key) = self.key.take() {
            remove(&self.deletions, self.user, key).await;
        }
    }
}

impl Drop for QuotaReservation {
    fn drop(&mut self) {
        let (Some(key), Ok(runtime)) = (self.key.take(), tokio::runtime::Handle::try_current()) else { return };
        let (deletions, user) = (self.deletions.clone(), self.user);
        runtime.spawn(async move { remove(&deletions, user, key).await });
    }
}

async fn remove(deletions: &BlobDeletionQueue, user: UserId, key: Uuid) {
    if let Err(error) = deletions.delete_now(user, key).await {
        tracing::warn!(cause = ?error, "failed to release a quota reservation; the worker retries");
    }
}
