//! The request types refuse unknown fields (mass assignment).

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Change, Document};
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::InvoiceId;
use crate::http::error::{ApiError, ApiResult};
use crate::http::form::Form;
use crate::http::params::IdField;
use crate::http::partial::present;
use crate::http::reply::Versioned;
use crate::http::rules;
use crate::http::signature::{Describe, NamedSchema, RequestBody, Signature};
use crate::http::user_text::present_user_text;
use crate::security::files::uploads::FileType;

/// The upload of a document as `multipart/form-data`, with one part for each field.
#[derive(ToSchema)]
#[schema(example = json!({"title": "Terms of delivery", "invoice_id": "10000000-0000-4000-8000-000000000006"}))]
pub struct NewDocument {
    /// A PDF, PNG, JPEG, CSV or plain text in UTF-8.
    /// The content must match the extension of the file name: .pdf, .png, .jpg, .jpeg, .jpe, .jfif, .csv or .txt.
    /// The part can have the `Content-Type` of the file, a known alias of it, `application/octet-stream`, or none.
    /// `filename*` (RFC 8187) takes precedence over `filename`.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
    /// The title, in a single line. The default is the file name.
    #[schema(min_length = 1, max_length = 200, nullable = false, format = "line")]
    pub title: Option<String>,
    /// The id of one of your invoices, to which the document is attached.
    #[schema(value_type = Option<String>, format = Uuid, nullable = false)]
    pub invoice_id: Option<InvoiceId>,
}

/// The service reads the form of an upload ([`NewDocument`]) part by part.
pub struct UploadForm(pub Form);

impl FromRequest for UploadForm {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Form::from_request(request, payload).map_ok(Self).boxed_local()
    }
}

impl Describe for UploadForm {
    fn describe(signature: &mut Signature) {
        let schema = NamedSchema::of::<NewDocument>();
        signature.body = Some(RequestBody { schema, is_required: true, files: FileType::MEDIA_TYPES });
    }
}

/// A partial update of a document. An omitted field does not change.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Terms of delivery, 2027", "invoice_id": "10000000-0000-4000-8000-000000000006"}))]
pub struct UpdateDocument {
    /// The title, in a single line.
    #[serde(default, deserialize_with = "present_user_text")]
    #[garde(length(chars, max = 200), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 200, nullable = false, format = "line")]
    pub title: Option<String>,
    /// The id of one of your invoices, to which the document is attached. Null detaches the document.
    #[serde(default, deserialize_with = "present")]
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub invoice_id: Option<Option<IdField<InvoiceId>>>,
}

impl From<UpdateDocument> for Change {
    fn from(update: UpdateDocument) -> Self {
        Self { title: update.title, invoice: update.invoice_id.map(|id| id.map(|id| id.0)) }
    }
}

/// The filter of the list of documents.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentFilter {
    /// Only documents that are attached to this invoice. If the invoice is not yours, the list is empty.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "10000000-0000-4000-8000-000000000006")]
    pub invoice_id: Option<IdField<InvoiceId>>,
}

/// The metadata of a document.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "d0000000-0000-4000-8000-000000000001", "title": "Terms of delivery",
    "invoice_id": "10000000-0000-4000-8000-000000000006", "file_name": "terms.txt", "media_type": "text/plain", "size": 50,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-01-31T09:30:00.000001Z", "updated_at": "2026-01-31T09:30:00.000001Z"
}))]
pub struct DocumentView {
    #[schema(value_type = String, format = Uuid)]
    pub id: DocumentId,
    /// The title, in a single line.
    #[schema(max_length = 200, format = "line")]
    pub title: String,
    /// The id of the invoice to which the document is attached.
    #[schema(required = true, value_type = Option<String>, format = Uuid)]
    pub invoice_id: Option<InvoiceId>,
    /// The file name after sanitizing, at most 255 bytes of UTF-8.
    #[schema(max_length = 255, format = "line")]
    pub file_name: String,
    /// The media type, which the service determined from the content.
    #[schema(max_length = 20, pattern = "^[a-z]+/[a-z]+$")]
    pub media_type: String,
    /// The size of the file in bytes.
    #[schema(minimum = 1, maximum = 104_857_600)]
    pub size: u64,
    /// The SHA-256 hash of the file, in hexadecimal digits.
    #[schema(max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<&Document> for Versioned<DocumentView> {
    fn from(document: &Document) -> Self {
        Self { version: document.version(), view: document.into() }
    }
}

impl From<&Document> for DocumentView {
    fn from(document: &Document) -> Self {
        let file = document.file();
        Self {
            id: document.id(),
            title: document.title().to_owned(),
            invoice_id: document.invoice(),
            file_name: file.name.clone(),
            media_type: file.kind.media_type().to_owned(),
            size: file.size,
            sha256: file.fingerprint(),
            created_at: document.created_at(),
            updated_at: document.updated_at(),
        }
    }
}
