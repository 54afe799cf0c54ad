//! Security headers on every response: HSTS, CSP, nosniff and others (CWE-693, CWE-1021, CWE-525, API8:2023).
//!
//! **Attack**: clickjacking; content sniffing, where a browser runs a response as a script; caching by shared proxies;
//! a downgrade to plain HTTP.
//! **Control**: the outermost middleware sets the same headers on each response.
//! If an inner middleware returns `Err`, a response mapper adds the headers. actix's `DefaultHeaders` would add none.
//! HTML pages have their own content security policy. Only the function [`page`] sets it.
//! **Limits**: responses of actix's HTTP parser (400, 408, 431) pass through no middleware, so they lack these headers.
//! These responses have no body.
//! **ASVS**: 3.2.1, 3.4.1–3.4.6, 3.4.8, 3.5.8, 14.2.2, 14.3.2 · **Test**: `attacks::browser::headers`

use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use tracing_actix_web::RequestId;

use crate::http::file_reply::{File, Html, MediaType};

/// The headers of every response. The HSTS preload list of browsers requires a `max-age` of at least one year.
pub const SECURITY_HEADERS: [(&str, &str); 11] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    (
        "content-security-policy",
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    ("x-content-type-options", "nosniff"),
    // Clickjacking protection for old browsers that do not support `frame-ancestors`.
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
];

static HEADERS: LazyLock<[(HeaderName, HeaderValue); 11]> = LazyLock::new(|| {
    SECURITY_HEADERS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
});

/// The content security policy (CSP) of our HTML pages. It allows only files and requests of the same origin.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

struct Page;

#[must_use]
pub fn page(html: impl MessageBody + 'static) -> File<Html> {
    let mut reply = HttpResponse::Ok().body(html);
    reply.extensions_mut().insert(Page);
    File::of(reply)
}

struct Immutable;

/// Returns a file that browsers and proxies may cache for a year. The path must change whenever the file changes.
#[must_use]
pub fn immutable<M: MediaType>(bytes: impl MessageBody + 'static) -> File<M> {
    let mut reply = HttpResponse::Ok().body(bytes);
    reply.extensions_mut().insert(Immutable);
    File::of(reply)
}

pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: adds the headers to every response, including errors that inner middleware returns.
pub async fn add<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = request.extensions().get::<RequestId>().copied();
    match next.call(request).await {
        Ok(mut reply) => {
            let is_page = reply.response().extensions().contains::<Page>();
            let is_immutable = reply.response().extensions().contains::<Immutable>();
            add_headers(reply.headers_mut(), id);
            if is_page {
                reply.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
            }
            if is_immutable {
                reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
            }
            Ok(reply)
        }
        Err(mut error) => {
            error.add_response_mapper(move |mut reply| {
                add_headers(reply.headers_mut(), id);
                reply
            });
            Err(error)
        }
    }
}

fn add_headers(headers: &mut HeaderMap, id: Option<RequestId>) {
    headers.reserve(HEADERS.len() + 1);
    for (name, value) in HEADERS.iter() {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        headers.insert(REQUEST_ID, id);
    }
}
