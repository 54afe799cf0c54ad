//! What the log says of a request: our id, the matched route, the client's address as we believe it, who calls, and the outcome.
//!
//! Not the target (a query can hold anything), not the Host or forwarded headers as typed, not the user agent, and no Debug
//! text of an error: that is what the default span of tracing-actix-web would write.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use uuid::Uuid;

use super::client_ip::ClientAddr;
use super::matched_route::MatchedRoute;
use super::trace_context;
use crate::telemetry::traces;

/// Our root span. `user` and `session` are filled in when a token has been verified.
#[derive(Default)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
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
        );
        trace_context::join(&span, request);
        span
    }

    /// By [`tell_end`], which also knows how long it took.
    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// The middleware: status and time, in the log's last line of this request and in its trace.
///
/// # Errors
/// What the rest returns.
pub async fn tell_end<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    let reply = next.call(request).await;
    let status = match &reply {
        Ok(reply) => reply.status(),
        // As it will be sent: with what the layers in between have made of it.
        Err(error) => error.error_response().status(),
    };
    traces::answered(status.as_u16());
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(status = status.as_u16(), micros, "request");
    reply
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
