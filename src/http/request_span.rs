//! Logs without secrets and without user input (CWE-117, CWE-532, API8:2023).
//!
//! **Attack**: log injection, and secrets or personal data in log files.
//! **Control**: the log line of a request contains the request id, which the service chooses, and the matched route.
//! The line also contains the verified client address, the caller and the status.
//! The line contains no request target, no Host or forwarding headers, no user agent, and no `Debug` text of an error.
//! The default span of tracing-actix-web is not used, because it would log all of these values.
//! **Limits**: other programs, such as a proxy, write their own logs.
//! **ASVS**: 16.2.5, 16.4.1 · **Test**: `attacks::audit::logs`

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

/// The root span of a request. `user` and `session` are set when the access token has been verified.
#[derive(Default)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().copied();
        let span = tracing::info_span!(
            "request",
            request_id = id.map(tracing::field::display),
            // The client's header `X-Request-Id`, which need not be unique.
            client_request_id = client_request_id(request).map(tracing::field::display),
            method = known_method(request),
            route = MatchedRoute::of(request.request()).name(),
            client = %ClientAddr::of(request),
            user = Empty,
            session = Empty,
        );
        trace_context::continue_trace(&span, request);
        span
    }

    /// [`log_outcome`] logs the end of the request, because the final status is known only there.
    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// Middleware that logs status and duration of each request, and records the status in its trace.
pub async fn log_outcome<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    let reply = next.call(request).await;
    let status = match &reply {
        Ok(reply) => reply.status(),
        // Response mappers of inner middleware may change the status, so build the response.
        Err(error) => error.error_response().status(),
    };
    traces::record_status(status.as_u16());
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(status = status.as_u16(), micros, "request");
    reply
}

/// Returns the request's method, or `other`, because a client can send any text as the method.
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
