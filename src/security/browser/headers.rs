//! Security headers on every reply, whoever made it.
//!
//! **Attack**: our reply used as a page: framed, sniffed into a script, cached by a shared proxy, read back over plain HTTP.
//! **Control**: one table, put on each reply in the outermost layer; an `Err` of an inner middleware gets it by a response mapper,
//! since `DefaultHeaders` would be skipped there. Pages have a policy of their own, by a typed mark that only
//! their handlers set.
//! **Limits**: replies of actix's HTTP parser itself (400, 408, 431) pass no middleware; they have no body either.
//! **ASVS**: 3.2.1, 3.4.1–3.4.6, 3.4.8, 3.5.8, 14.2.2, 14.3.2 · **Test**: `attacks::browser::headers`

use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, ContentType, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use tracing_actix_web::RequestId;

/// Name and value. Two years would be more; one is what HSTS preloading asks for.
pub const SECURITY_HEADERS: [(&str, &str); 11] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    (
        "content-security-policy",
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    ("x-content-type-options", "nosniff"),
    // For browsers from before frame-ancestors.
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
];

/// The same, read once.
static HEADERS: LazyLock<[(HeaderName, HeaderValue); 11]> = LazyLock::new(|| {
    SECURITY_HEADERS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
});

/// What a page of ours may do: load our own files and call us. No inline script or style, no `eval`, no text as
/// markup, nothing from elsewhere, and no way out.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The mark of a reply that is such a page.
struct Page;

/// Replies with an HTML page of ours, which gets the policy of pages. Refusals do not.
#[must_use]
pub fn page(html: impl MessageBody + 'static) -> HttpResponse {
    let mut reply = HttpResponse::Ok().content_type(ContentType::html()).body(html);
    reply.extensions_mut().insert(Page);
    reply
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware.
///
/// # Errors
/// Passes on what an inner middleware returned as `Err`, with the headers added to its response.
pub async fn add<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = request.extensions().get::<RequestId>().copied();
    match next.call(request).await {
        Ok(mut reply) => {
            let is_page = reply.response().extensions().contains::<Page>();
            put(reply.headers_mut(), id);
            if is_page {
                reply.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
            }
            Ok(reply)
        }
        Err(mut error) => {
            error.add_response_mapper(move |mut reply| {
                put(reply.headers_mut(), id);
                reply
            });
            Err(error)
        }
    }
}

fn put(headers: &mut HeaderMap, id: Option<RequestId>) {
    headers.reserve(HEADERS.len() + 1);
    for (name, value) in HEADERS.iter() {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        headers.insert(REQUEST_ID, id);
    }
}
