//! Trace context (W3C), read only from trusted proxies (CWE-345, API8:2023).
//!
//! **Attack**: a client that chooses the trace id can add its requests to another user's trace.
//! Such a client can also switch off the recording of its own requests, or flood one trace.
//! **Control**: `traceparent` is read only from a trusted proxy, and only in the exact form that the standard defines.
//! `tracestate` and `baggage` are never read, because they contain user input.
//! **Limits**: a trusted proxy may forward the `traceparent` of its client. Configure the proxy to replace this header.
//! **ASVS**: 4.1.3, 16.4.1 · **Test**: `attacks::audit::traces`

use actix_web::dev::ServiceRequest;
use actix_web::web::Data;
use tracing::Span;

use super::client_ip::{TrustedProxies, peer};
use crate::telemetry::traces::{self, TraceParent};

const TRACEPARENT: &str = "traceparent";

/// Adds the request to the trace in `traceparent`, if a trusted proxy sent this header.
pub fn continue_trace(span: &Span, request: &ServiceRequest) {
    if let Some(parent) = parent(request) {
        traces::set_parent(span, &parent);
    }
}

fn parent(request: &ServiceRequest) -> Option<TraceParent> {
    let mut lines = request.headers().get_all(TRACEPARENT);
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let is_trusted = request.app_data::<Data<TrustedProxies>>()?.contain(peer(request)?);
    if is_trusted { line.to_str().ok()?.parse().ok() } else { None }
}
