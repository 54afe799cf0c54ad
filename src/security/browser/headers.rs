//! Security headers on every response: HSTS, CSP, nosniff and others (CWE-693, CWE-1021, CWE-525, API8:2023).
//!
//! **Attack**: clickjacking, content sniffing (a response run as a script), caching by shared proxies, downgrade to plain HTTP.
//! **Control**: the outermost middleware sets one table of headers on each response. An `Err` of an inner middleware gets them by a
//! response mapper; actix's `DefaultHeaders` would skip it. HTML pages have a content security policy of their own, which only
//! [`page`] sets.
//! **Limits**: responses of actix's HTTP parser (400, 408, 431) pass no middleware. They have no body.
//! **ASVS**: 3.2.1, 3.4.1–3.4.6, 3.4.8, 3.5.8, 14.2.2, 14.3.2 · **Test**: `attacks::browser::headers`

use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, ContentType, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use tracing_actix_web::RequestId;

/// The headers of every response. HSTS preloading requires one year.
pub const SECURITY_HEADERS: [(&str, &str); 11] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    (
        "content-security-policy",
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    ("x-content-type-options", "nosniff"),
    // For old browsers without frame-ancestors.
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
];

/// [`SECURITY_HEADERS`], parsed once.
static HEADERS: LazyLock<[(HeaderName, HeaderValue); 11]> = LazyLock::new(|| {
    SECURITY_HEADERS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
});

/// The content security policy of our HTML pages: same-origin files and requests only; no inline script or style, no `eval`, no
/// HTML from strings (Trusted Types), no forms and no framing.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// Marks a response as an HTML page.
struct Page;

/// Returns an HTML page with [`PAGE_POLICY`].
#[must_use]
pub fn page(html: impl MessageBody + 'static) -> HttpResponse {
    let mut reply = HttpResponse::Ok().content_type(ContentType::html()).body(html);
    reply.extensions_mut().insert(Page);
    reply
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware. It adds the headers to errors of inner middleware too.
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
