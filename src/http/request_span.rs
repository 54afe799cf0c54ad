//! What the log says of a request: our id, the matched route, the client's address as we believe it, and the outcome.
//!
//! Not the target (a query can hold anything), not the Host or forwarded headers as typed, not the user agent, and no Debug
//! text of an error: that is what the default span of tracing-actix-web would write (SECURITY trap 17).

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use uuid::Uuid;

use super::client_ip::ClientAddr;
use super::matched_route::MatchedRoute;
use super::trace_context;

/// Our root span. `user` and `session` are filled in when a token has been verified.
#[derive(Default)]
pub struct RequestSpan;

#[derive(Clone, Copy)]
struct Started(Instant);

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request.extensions_mut().insert(Started(Instant::now()));
        let id = request.extensions().get::<RequestId>().copied();
        let span = tracing::info_span!(
            "request",
            request_id = id.map(tracing::field::display),
            // Only to find a client's own story again; kept apart from ours and never trusted as unique.
            client_request_id = client_request_id(request).map(tracing::field::display),
            method = known_method(request),
            route = MatchedRoute::of(request.request()).name(),
            client = %ClientAddr::of(request),
            user = Empty,
            session = Empty,
            status = Empty,
        );
        trace_context::join(&span, request);
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, started) = match outcome {
            Ok(reply) => (reply.status(), reply.request().extensions().get::<Started>().copied()),
            Err(error) => (error.as_response_error().status_code(), None),
        };
        span.record("status", status.as_u16());
        let micros = started.map(|Started(at)| u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
        tracing::info!(parent: &span, micros, "request");
    }
}

/// The method, if it is one of HTTP's: an unknown one is typed-in text.
pub fn known_method(request: &ServiceRequest) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        "CONNECT" => "CONNECT",
        _ => "other",
    }
}

fn client_request_id(request: &ServiceRequest) -> Option<Uuid> {
    let text = request.headers().get("x-request-id")?.to_str().ok()?;
    Uuid::try_parse(text).ok()
}
