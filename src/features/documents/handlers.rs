//! The handlers. Downloads are in [`super::content`].

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::blob_deletion_store::BlobDeletionQueue;
use super::model::{Change, Document};
use super::store::DocumentStore;
use super::upload_service::{QuotaReservation, UploadService};
use super::views::{DocumentPage, DocumentQuery, DocumentView, UpdateDocument};
use crate::base::clock::Clock;
use crate::base::id::DocumentId;
use crate::base::page::Page;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::form::Form;
use crate::http::idempotency::{Answer, KEY_IN_USE, StreamedIdempotencyKey};
use crate::http::params::{PathId, QueryFields};
use crate::http::reply;
use crate::security::authorization::cursors::Cursors;
use crate::security::sessions::caller::Caller;

/// Binds cursors to this list.
const LIST: &str = "documents";

/// Uploads a document. The quota is reserved first, and released if the upload fails.
pub async fn create(
    caller: Caller,
    key: StreamedIdempotencyKey,
    form: Form,
    uploads: Data<UploadService>,
    documents: Data<DocumentStore>,
) -> ApiResult<HttpResponse> {
    let reservation = uploads.reserve(&caller, &key, &form).await?;
    match create_in(&reservation, &caller, key, form, &uploads, &documents).await {
        Ok(Outcome::Created(reply)) => {
            reservation.commit();
            Ok(reply)
        }
        Ok(Outcome::Replayed(reply)) => {
            reservation.release().await;
            Ok(reply)
        }
        Err(refusal) => {
            reservation.release().await;
            Err(refusal)
        }
    }
}

/// Whether the request created a document, or repeats one that did (`Idempotency-Key`).
enum Outcome {
    Created(HttpResponse),
    Replayed(HttpResponse),
}

/// Stores the file, then the row, so that no row exists without its file.
async fn create_in(
    reservation: &QuotaReservation,
    caller: &Caller,
    key: StreamedIdempotencyKey,
    form: Form,
    uploads: &UploadService,
    documents: &DocumentStore,
) -> ApiResult<Outcome> {
    let upload = uploads.receive(form, reservation).await?;
    let key = key.for_body(upload.fingerprint());
    let document = Document::new(upload.title, upload.invoice, upload.file, uploads.clock.now());
    let (owner, now) = (caller.user(), document.created_at());
    let mut change = documents.begin(caller).await?;
    if let Some(answer) = key.stored_reply(change.connection(), owner, now).await? {
        return Ok(Outcome::Replayed(answer));
    }
    if !reservation.is_reserved() {
        // The stored response expired during the upload.
        return Err(KEY_IN_USE);
    }
    change.insert(&document).await?;
    let location = format!("/api/v1/documents/{}", document.id());
    let answer = Answer::created(location, Some(document.version()), &DocumentView::from(&document))?;
    key.store(change.connection(), owner, now, &answer).await?;
    change.commit().await?;
    Ok(Outcome::Created(answer.reply()))
}

/// Lists the caller's documents, newest first, optionally of one invoice.
pub async fn list(
    caller: Caller,
    QueryFields(query): QueryFields<DocumentQuery>,
    documents: Data<DocumentStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let owner = caller.user();
    let invoice = query.invoice_id.map(|id| id.0);
    let filter = invoice.map(|id| id.to_string()).unwrap_or_default();
    let after = cursors.page_start(owner, LIST, &filter, query.cursor.as_deref())?;
    let rows = match invoice {
        Some(invoice) => documents.list_of(&caller, invoice, after, query.limit).await?,
        None => documents.list(&caller, after, query.limit).await?,
    };
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(owner, LIST, &filter, &last.position()))?;
    Ok(reply::ok(&DocumentPage::from(page)))
}

/// Returns the metadata of a document.
pub async fn read(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    documents: Data<DocumentStore>,
) -> ApiResult<HttpResponse> {
    let document = documents.read(&caller, id).await?;
    Ok(reply::ok_versioned(document.version(), &DocumentView::from(&document)))
}

/// Changes the title of a document, or the invoice that it is attached to.
pub async fn update(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    read: IfMatch,
    JsonBody(update): JsonBody<UpdateDocument>,
    documents: Data<DocumentStore>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let mut change = documents.begin(&caller).await?;
    let document = change.lock(id).await?;
    read.check(document.version())?;
    let document = document.updated_with(Change::from(update), clock.now());
    change.save(&document).await?;
    change.commit().await?;
    Ok(reply::ok_versioned(document.version(), &DocumentView::from(&document)))
}

/// Deletes a document. A worker then deletes its file.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    read: IfMatch,
    documents: Data<DocumentStore>,
    deletions: Data<BlobDeletionQueue>,
) -> ApiResult<HttpResponse> {
    let mut change = documents.begin(&caller).await?;
    let document = change.lock(id).await?;
    read.check(document.version())?;
    change.delete(&document).await?;
    change.commit().await?;
    deletions.notify();
    Ok(reply::no_content())
}
