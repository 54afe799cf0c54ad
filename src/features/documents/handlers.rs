use actix_web::web::Data;

use super::blob_deletion_store::BlobDeletionQueue;
use super::model::{Change, Document};
use super::store::DocumentStore;
use super::upload_service::{QuotaReservation, UploadService};
use super::views::{DocumentFilter, DocumentView, UpdateDocument, UploadForm};
use crate::base::clock::Clock;
use crate::features::documents::id::DocumentId;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::form::Form;
use crate::http::idempotency::{KEY_IN_USE, StreamedIdempotencyKey};
use crate::http::params::{ListQuery, PathId};
use crate::http::reply::{Created, Json, NoContent, Paged, Versioned};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::sessions::caller::Caller;

/// Each cursor of this list contains this name. Other lists refuse such a cursor.
const LIST: &str = "documents";

/// Reserves quota before the upload, and releases the quota if no document was stored.
pub async fn create(
    caller: Caller,
    key: StreamedIdempotencyKey,
    UploadForm(form): UploadForm,
    uploads: Data<UploadService>,
    documents: Data<DocumentStore>,
) -> ApiResult<Created<Versioned<DocumentView>>> {
    let reservation = uploads.reserve(&caller, &key, &form).await?;
    match create_in(&reservation, &caller, key, form, &uploads, &documents).await {
        Ok((created, Stored::Now)) => {
            reservation.commit();
            Ok(created)
        }
        other => {
            reservation.release().await;
            other.map(|(created, _)| created)
        }
    }
}

/// The request that stored the document: this one, or an earlier one with the same `Idempotency-Key`.
enum Stored {
    Now,
    Earlier,
}

/// Stores the file before the `documents` row, so that no row can exist without its file.
async fn create_in(
    reservation: &QuotaReservation,
    caller: &Caller,
    key: StreamedIdempotencyKey,
    form: Form,
    uploads: &UploadService,
    documents: &DocumentStore,
) -> ApiResult<(Created<Versioned<DocumentView>>, Stored)> {
    let upload = uploads.receive(form, reservation).await?;
    let key = key.for_body(upload.fingerprint());
    let document = Document::new(upload.title, upload.invoice, upload.file, uploads.clock.now());
    let mut stored = Stored::Earlier;
    let mut tx = documents.begin(caller).await?;
    let created = key
        .once(&mut tx, caller.user(), document.created_at(), async |tx| {
            if !reservation.is_reserved() {
                // A repeated request reserves no quota, so it cannot insert a document.
                // The stored response of the first request has just expired.
                return Err(KEY_IN_USE);
            }
            stored = Stored::Now;
            tx.insert(&document).await?;
            Created::at(format!("/api/v1/documents/{}", document.id()), &Versioned::from(&document))
        })
        .await?;
    tx.commit().await?;
    Ok((created, stored))
}

pub async fn list(
    caller: Caller,
    query: ListQuery<DocumentFilter>,
    documents: Data<DocumentStore>,
    cursors: Data<Cursors>,
) -> ApiResult<Paged<DocumentView>> {
    let scope = ListScope::new(caller.user(), LIST, &query)?;
    let after = cursors.start(&scope)?;
    let rows = match query.filter.invoice_id {
        Some(invoice) => documents.list_of(&caller, invoice.0, after, scope.limit).await?,
        None => documents.list(&caller, after, scope.limit).await?,
    };
    let page = cursors.page(&scope, rows, Document::position)?;
    Ok(Json(page.map(|document| DocumentView::from(&document))))
}

pub async fn read(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    documents: Data<DocumentStore>,
) -> ApiResult<Versioned<DocumentView>> {
    Ok(Versioned::from(&documents.read(&caller, id).await?))
}

pub async fn update(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    read: IfMatch,
    JsonBody(update): JsonBody<UpdateDocument>,
    documents: Data<DocumentStore>,
    clock: Data<Clock>,
) -> ApiResult<Versioned<DocumentView>> {
    let mut change = documents.begin(&caller).await?;
    let document = change.lock(id).await?;
    read.check(document.version())?;
    let document = document.updated_with(Change::from(update), clock.now());
    change.save(&document).await?;
    change.commit().await?;
    Ok(Versioned::from(&document))
}

/// The outbox worker deletes the file afterwards.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    read: IfMatch,
    documents: Data<DocumentStore>,
    deletions: Data<BlobDeletionQueue>,
) -> ApiResult<NoContent> {
    let mut change = documents.begin(&caller).await?;
    let document = change.lock(id).await?;
    read.check(document.version())?;
    change.delete(&document).await?;
    change.commit().await?;
    deletions.notify();
    Ok(NoContent)
}
