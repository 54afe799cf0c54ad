//! Downloads as attachments: stored XSS by uploaded files (CWE-79, CWE-646, API8:2023).
//!
//! **Attack**: an uploaded file contains a script, and the browser opens the file as a page of the service's origin.
//! **Control**: the service sends a file as an attachment, with its sanitized name and its stored media type.
//! Every response has `nosniff` and is not cached. If a browser opens the file anyway, the policy `sandbox` gives the
//! file an origin of its own. Files are streamed, so large files need little memory. Clients can request a part of a
//! file (`Range`).
//! **Limits**: the service does not control the program that opens the saved file on the user's device.
//! **ASVS**: 3.2.1, 5.4.1, 5.4.2 · **Test**: `attacks::files::uploads::downloads`

use std::convert::Infallible;

use actix_web::body::{BoxBody, SizedStream};
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use futures_util::{TryStreamExt, stream};

use super::model::{Document, File};
use super::store::DocumentStore;
use crate::features::documents::id::DocumentId;
use crate::http::conditional::IfNoneMatch;
use crate::http::disposition::attachment;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::PathId;
use crate::http::ranges::{RequestedRange, requested_range};
use crate::http::signature::{Describe, Signature};
use crate::security::files::uploads::FileType;
use crate::security::sessions::caller::Caller;
use crate::storage::{Storage, StorageError};

pub struct Download(HttpResponse);

impl Responder for Download {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

impl Describe for Download {
    fn describe(signature: &mut Signature) {
        signature.status = 200;
        signature.files = FileType::MEDIA_TYPES.to_vec();
        signature.ranges = true;
    }
}

/// Returns the file of a document, or a range of the file (`Range`).
pub async fn content(
    caller: Caller,
    PathId(id): PathId<DocumentId>,
    if_none_match: IfNoneMatch,
    request: HttpRequest,
    documents: Data<DocumentStore>,
    storage: Data<Storage>,
) -> ApiResult<Download> {
    let document = documents.read(&caller, id).await?;
    let file = document.file();
    let etag = format!("\"{}\"", file.fingerprint());
    let mut reply = HttpResponse::build(StatusCode::OK);
    reply.insert_header((header::ETAG, etag.as_str())).insert_header((header::ACCEPT_RANGES, "bytes"));
    if if_none_match.has(&etag) {
        return Ok(Download(reply.status(StatusCode::NOT_MODIFIED).finish()));
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
        return Ok(Download(reply.body(SizedStream::new(length, stream::empty::<Result<_, Infallible>>()))));
    }
    let bytes = match storage.read(file.key, range).await {
        Err(StorageError::Missing) => return Err(missing_content(&caller, &document, &documents).await),
        read => read?,
    };
    let bytes = bytes.inspect_err(|error| tracing::error!(%error, "failed to read a stored object during a download"));
    Ok(Download(reply.body(SizedStream::new(length, bytes))))
}

fn content_type(file: &File) -> &'static str {
    match file.kind {
        FileType::Csv => "text/csv; charset=utf-8",
        FileType::Text => "text/plain; charset=utf-8",
        other => other.media_type(),
    }
}

/// Returns 404 if the document was deleted after this request had read it. Otherwise returns 500: the file is lost.
async fn missing_content(caller: &Caller, document: &Document, documents: &DocumentStore) -> ApiError {
    match documents.read(caller, document.id()).await {
        Ok(_) => ApiError::internal("the stored object of a document is missing"),
        Err(error) => error,
    }
}
