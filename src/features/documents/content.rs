//! Downloads as attachments: stored XSS by uploaded files (CWE-79, CWE-646, API8:2023).
//!
//! **Attack**: an uploaded file that a browser opens as a page of our origin.
//! **Control**: a file is sent as an attachment under its cleaned name and with its stored type. Every response has `nosniff`, is
//! not cached and has no origin (`sandbox`, `security/browser/headers.rs`). A part of a file is sent on request (`Range`). Files
//! are streamed, never held in memory.
//! **Limits**: what the program on the user's device does with the saved file.
//! **ASVS**: 3.2.1, 5.4.1, 5.4.2 · **Test**: `attacks::files::uploads::downloads`

use std::convert::Infallible;

use actix_web::body::SizedStream;
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{TryStreamExt, stream};

use super::model::{Document, File};
use super::store::DocumentStore;
use crate::base::id::DocumentId;
use crate::http::conditional::IfNoneMatch;
use crate::http::disposition::attachment;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::PathId;
use crate::http::ranges::{RequestedRange, requested_range};
use crate::security::files::uploads::FileType;
use crate::security::sessions::caller::Caller;
use crate::storage::{Storage, StorageError};

/// `GET documents/{id}/content`
pub async fn content(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    known: IfNoneMatch,
    request: HttpRequest,
    documents: Data<DocumentStore>,
    storage: Data<Storage>,
) -> ApiResult<HttpResponse> {
    let document = documents.read(&caller, id).await?;
    let file = document.file();
    let etag = format!("\"{}\"", file.fingerprint());
    let mut reply = HttpResponse::build(StatusCode::OK);
    reply.insert_header((header::ETAG, etag.as_str())).insert_header((header::ACCEPT_RANGES, "bytes"));
    if known.has(&etag) {
        return Ok(reply.status(StatusCode::NOT_MODIFIED).finish());
    }
    let range = match requested_range(&request, file.size, &etag) {
        RequestedRange::Whole => 0..file.size,
        RequestedRange::Part { first, last } => {
            let part = format!("bytes {first}-{last}/{}", file.size);
            reply.status(StatusCode::PARTIAL_CONTENT).insert_header((header::CONTENT_RANGE, part));
            first..last + 1
        }
        RequestedRange::Unsatisfiable => return Err(ApiError::RangeNotSatisfiable { length: file.size }),
    };
    reply.insert_header((header::CONTENT_TYPE, content_type(file)));
    reply.insert_header((header::CONTENT_DISPOSITION, attachment(&file.name)));
    let length = range.end - range.start;
    if request.method() == Method::HEAD {
        return Ok(reply.body(SizedStream::new(length, stream::empty::<Result<_, Infallible>>())));
    }
    let bytes = match storage.read(file.key, range).await {
        Err(StorageError::Missing) => return Err(missing_content(&caller, &document, &documents).await),
        read => read?,
    };
    let bytes = bytes.inspect_err(|error| tracing::error!(%error, "a download was interrupted"));
    Ok(reply.body(SizedStream::new(length, bytes)))
}

fn content_type(file: &File) -> &'static str {
    match file.kind {
        FileType::Csv => "text/csv; charset=utf-8",
        FileType::Text => "text/plain; charset=utf-8",
        other => other.media_type(),
    }
}

/// Returns 404 if the document was deleted in the meantime. Otherwise its content is lost, which is a fault of the service.
async fn missing_content(caller: &Caller, document: &Document, documents: &DocumentStore) -> ApiError {
    match documents.read(caller, document.id()).await {
        Ok(_) => ApiError::internal("the stored object of a document is missing"),
        Err(error) => error,
    }
}
