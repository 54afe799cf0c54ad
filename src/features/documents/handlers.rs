//! One function a verb: parse, decide, keep, reply. The file itself is sent by [`super::content`].

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::intake::{Intake, Room};
use super::model::{Change, Document};
use super::removal_store::Removals;
use super::store::DocumentStore;
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

/// Cursors of this list are good for no other.
const LIST: &str = "documents";

/// Takes a file in. Whatever goes wrong, its room is given back.
pub async fn create(
    caller: Caller,
    key: StreamedIdempotencyKey,
    form: Form,
    intake: Data<Intake>,
    documents: Data<DocumentStore>,
) -> ApiResult<HttpResponse> {
    let room = intake.hold(&caller, &key, &form).await?;
    match create_in(&room, &caller, key, form, &intake, &documents).await {
        Ok(Made::Now(reply)) => {
            room.settled();
            Ok(reply)
        }
        Ok(Made::Before(reply)) => {
            room.close().await;
            Ok(reply)
        }
        Err(refusal) => {
            room.close().await;
            Err(refusal)
        }
    }
}

/// When what was asked for was made.
enum Made {
    Now(HttpResponse),
    Before(HttpResponse),
}

/// Bytes first, then the row: none that is there is without its bytes.
async fn create_in(
    room: &Room,
    caller: &Caller,
    key: StreamedIdempotencyKey,
    form: Form,
    intake: &Intake,
    documents: &DocumentStore,
) -> ApiResult<Made> {
    let arrived = intake.receive(form, room).await?;
    let key = key.for_body(arrived.told_apart());
    let document = Document::new(arrived.title, arrived.invoice, arrived.file, intake.clock.now());
    let (owner, now) = (caller.user(), document.created_at());
    let mut change = documents.begin(caller).await?;
    if let Some(answer) = key.stored_reply(change.connection(), owner, now).await? {
        return Ok(Made::Before(answer));
    }
    if !room.is_held() {
        // Its answer was forgotten while the file came.
        return Err(KEY_IN_USE);
    }
    change.insert(&document).await?;
    let location = format!("/api/v1/documents/{}", document.id());
    let answer = Answer::created(location, Some(document.version()), &DocumentView::from(&document))?;
    key.store(change.connection(), owner, now, &answer).await?;
    change.commit().await?;
    Ok(Made::Now(answer.reply()))
}

/// The caller's documents, newest first; of one invoice, if he asks for it.
pub async fn list(
    caller: Caller,
    QueryFields(query): QueryFields<DocumentQuery>,
    documents: Data<DocumentStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let owner = caller.user();
    let invoice = query.invoice_id.map(|id| id.0);
    let filter = invoice.map(|id| id.to_string()).unwrap_or_default();
    let after = cursors.after(owner, LIST, &filter, query.cursor.as_deref())?;
    let rows = match invoice {
        Some(invoice) => documents.list_of(&caller, invoice, after, query.limit).await?,
        None => documents.list(&caller, after, query.limit).await?,
    };
    let page = Page::from_rows(rows, query.limit, |last| cursors.seal(owner, LIST, &filter, &last.position()))?;
    Ok(reply::ok(&DocumentPage::from(page)))
}

/// What is known of one document of the caller's.
pub async fn read(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    documents: Data<DocumentStore>,
) -> ApiResult<HttpResponse> {
    let document = documents.read(&caller, id).await?;
    Ok(reply::ok_versioned(document.version(), &DocumentView::from(&document)))
}

/// Renames it, hangs it on an invoice or takes it off.
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
    let document = document.changed(Change::from(update), clock.now());
    change.save(&document).await?;
    change.commit().await?;
    Ok(reply::ok_versioned(document.version(), &DocumentView::from(&document)))
}

/// Deletes it. Its bytes go right after.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    read: IfMatch,
    documents: Data<DocumentStore>,
    removals: Data<Removals>,
) -> ApiResult<HttpResponse> {
    let mut change = documents.begin(&caller).await?;
    let document = change.lock(id).await?;
    read.check(document.version())?;
    change.delete(&document).await?;
    change.commit().await?;
    removals.ring();
    Ok(reply::no_content())
}
