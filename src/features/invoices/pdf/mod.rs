//! PDF of an invoice (`GET invoices/{id}/pdf`) or a credit note (`GET credit-notes/{id}/pdf`).
//!
//! - [`document_text`] writes texts and figures. [`layout`] determines order and columns. [`page`] breaks pages.
//! - [`typesetter`] converts text to glyphs. [`render`] converts pages to bytes. `store` contains the SQL.
//! - `fonts/` contains DejaVu Sans, unmodified, with its licence.
//!
//! Threats and controls (test: `attacks::files::invoice_pdf`):
//! - BOLA: another user's invoice returns 404, like a missing invoice. Test: `attacks::authorization::object_level`.
//! - Content injection: the renderer uses no markup language.
//!   It converts text to glyphs, so a text cannot become a link or a script.
//! - Resource exhaustion: `security/limits/concurrency_limits.rs` limits the number of parallel renderings.
//!   The size limits of an invoice limit the cost of one rendering (`docs/limits.md`).

mod document_text;
mod layout;
mod page;
mod render;
mod store;
mod typesetter;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::web::Data;
use actix_web::{HttpResponse, body};

use self::document_text::DocumentText;
use self::layout::generate;
use self::typesetter::Typesetter;
use super::store::InvoiceStore;
use crate::features::invoices::id::{CreditNoteId, InvoiceId};
use crate::http::conditional::IfNoneMatch;
use crate::http::disposition::attachment;
use crate::http::error::{ApiError, ApiResult};
use crate::http::file_reply::{File, Pdf};
use crate::http::params::PathId;
use crate::security::limits::concurrency_limits::ConcurrencyLimit;
use crate::security::sessions::caller::Caller;

/// A part of the `ETag`. Increment it when you change the layout, so that cached copies become stale.
/// A unit test compares the bytes of a PDF, so it fails if you forget this.
const LAYOUT_VERSION: u32 = 4;

/// How long a rendering waits for other renderings to end.
const MAX_WAIT: Duration = Duration::from_secs(5);

pub struct PdfRenderer {
    setter: Typesetter,
    work: ConcurrencyLimit,
}

impl PdfRenderer {
    /// Loads the embedded fonts. Returns `None` if they are invalid.
    #[must_use]
    pub fn new() -> Option<Self> {
        // Use at most half of the processors, so that the other half can serve requests.
        let slots = available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(2);
        Some(Self { setter: Typesetter::new()?, work: ConcurrencyLimit::new(slots, MAX_WAIT) })
    }

    #[must_use]
    pub fn work(&self) -> &ConcurrencyLimit {
        &self.work
    }

    async fn render(&self, document: DocumentText) -> ApiResult<Vec<u8>> {
        let setter = self.setter.clone();
        self.work.run(move || generate(setter, &document)).await?.map_err(ApiError::internal)
    }
}

/// The handler does not hold a database connection while it renders.
pub async fn pdf(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_none_match: IfNoneMatch,
    method: Method,
    invoices: Data<InvoiceStore>,
    renderer: Data<PdfRenderer>,
) -> ApiResult<File<Pdf>> {
    let (invoice, parties) = invoices.invoice_with_parties(&caller, id).await?;
    reply_with(DocumentText::of_invoice(&invoice, parties), &if_none_match, &method, &renderer).await
}

pub async fn credit_note(
    caller: Caller,
    PathId(id): PathId<CreditNoteId>,
    if_none_match: IfNoneMatch,
    method: Method,
    invoices: Data<InvoiceStore>,
    renderer: Data<PdfRenderer>,
) -> ApiResult<File<Pdf>> {
    let (note, parties) = invoices.credit_note_with_parties(&caller, id).await?;
    reply_with(DocumentText::of_credit_note(&note, parties), &if_none_match, &method, &renderer).await
}

async fn reply_with(
    document: DocumentText,
    if_none_match: &IfNoneMatch,
    method: &Method,
    renderer: &PdfRenderer,
) -> ApiResult<File<Pdf>> {
    let etag = format!("\"{}-{LAYOUT_VERSION}\"", document.version);
    if if_none_match.has(&etag) {
        return Ok(File::not_modified(&etag));
    }
    let file_name = format!("{}.pdf", document.number.as_deref().unwrap_or("draft"));
    let mut reply = HttpResponse::Ok();
    reply.insert_header((header::ETAG, etag));
    reply.insert_header((header::CONTENT_DISPOSITION, attachment(&file_name)));
    if *method == Method::HEAD {
        // Omit the length, because it is unknown before the PDF is rendered. RFC 9110 §9.3.2 allows this for HEAD.
        return Ok(File::of(reply.body(body::None::new())));
    }
    Ok(File::of(reply.body(renderer.render(document).await?)))
}
