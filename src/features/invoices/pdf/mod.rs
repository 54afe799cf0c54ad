//! `GET invoices/{id}/pdf` and `GET credit-notes/{id}/pdf`: what people send.
//!
//! - [`wording`]: what stands on it. [`sheet`]: in which order. [`paper`]: on which page, and where. [`typesetter`]: text into glyphs. [`press`]: pages into bytes.
//! - `store`: what is read for it. `fonts/`: DejaVu Sans, unchanged, with its licence.
//!
//! Threats: another user's invoice (four walls, `attacks::authorization::object_level`); text that acts, as it would in HTML: there is no markup on
//! the way, a text becomes glyphs and nothing else; many or huge renderings at once (`security/limits/concurrency_limits.rs`). What one rendering
//! takes is bounded by what an invoice may hold (`docs/limits.md`); all in `attacks::files::invoice_pdf`.

mod layout;
mod page;
mod render;
mod store;
mod typesetter;
mod wording;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::web::Data;
use actix_web::{HttpResponse, body};

use self::layout::{Document, PdfData, generate};
use self::typesetter::Typeface;
use super::store::InvoiceStore;
use crate::base::id::{CreditNoteId, InvoiceId};
use crate::http::conditional::IfNoneMatch;
use crate::http::disposition::attachment;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::PathId;
use crate::http::reply;
use crate::security::limits::concurrency_limits::HeavyWork;
use crate::security::sessions::caller::Caller;

/// Counts up when the same invoice begins to look different: a kept copy is then out of date. A test holds the bytes to it.
const LAYOUT_VERSION: u32 = 2;

/// How long an invoice waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// What prints.
pub struct PdfRenderer {
    typeface: Typeface,
    work: HeavyWork,
}

impl PdfRenderer {
    /// `None`: the fonts that were compiled in are none.
    #[must_use]
    pub fn new() -> Option<Self> {
        // Half of the processors: the other half goes on answering.
        let slots = available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(2);
        Some(Self { typeface: Typeface::new()?, work: HeavyWork::new(slots, MAX_WAIT) })
    }

    /// How it does its work.
    #[must_use]
    pub fn work(&self) -> &HeavyWork {
        &self.work
    }

    async fn render(&self, data: PdfData) -> ApiResult<Vec<u8>> {
        let typeface = self.typeface.clone();
        self.work.run(move || generate(typeface, &data)).await?.map_err(ApiError::internal)
    }
}

impl PdfData {
    /// Changes with everything that stands on it.
    fn etag(&self) -> String {
        let document = match &self.document {
            Document::Invoice(invoice) => invoice.state().version,
            // It never changes.
            Document::CreditNote(_) => 1,
        };
        format!("\"{document}-{}-{}-{LAYOUT_VERSION}\"", self.customer.version, self.seller.version)
    }

    fn file_name(&self) -> String {
        let number = match &self.document {
            Document::Invoice(invoice) => invoice.state().number.as_deref(),
            Document::CreditNote(note) => Some(note.header.number.as_str()),
        };
        format!("{}.pdf", number.unwrap_or("draft"))
    }
}

/// One invoice of the caller's, to be kept or sent. Nothing of the database is held while it is printed.
pub async fn pdf(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    known: IfNoneMatch,
    method: Method,
    invoices: Data<InvoiceStore>,
    renderer: Data<PdfRenderer>,
) -> ApiResult<HttpResponse> {
    let data = invoices.invoice_pdf_data(&caller, id).await?;
    reply_with(data, &known, &method, &renderer).await
}

/// One credit note of the caller's.
pub async fn credit_note(
    caller: Caller,
    PathId(id): PathId<CreditNoteId>,
    known: IfNoneMatch,
    method: Method,
    invoices: Data<InvoiceStore>,
    renderer: Data<PdfRenderer>,
) -> ApiResult<HttpResponse> {
    let data = invoices.credit_note_pdf_data(&caller, id).await?;
    reply_with(data, &known, &method, &renderer).await
}

async fn reply_with(
    data: PdfData,
    known: &IfNoneMatch,
    method: &Method,
    renderer: &PdfRenderer,
) -> ApiResult<HttpResponse> {
    let etag = data.etag();
    if known.has(&etag) {
        return Ok(reply::not_modified(&etag));
    }
    let mut reply = HttpResponse::Ok();
    reply.content_type("application/pdf").insert_header((header::ETAG, etag));
    reply.insert_header((header::CONTENT_DISPOSITION, attachment(&data.file_name())));
    if *method == Method::HEAD {
        // Its length is known only once it is printed: RFC 9110 §9.3.2 lets the reply leave that out.
        return Ok(reply.body(body::None::new()));
    }
    Ok(reply.body(renderer.render(data).await?))
}
