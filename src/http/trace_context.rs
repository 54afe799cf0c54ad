//! Trace context (W3C) from listed proxies only (CWE-345, API8:2023).
//!
//! **Attack**: a client that chooses its trace id joins its requests to another user's trace, switches its own recording off, or
//! floods one trace.
//! **Control**: `traceparent` is read only from a listed proxy, and strictly as the standard defines it. `tracestate` and `baggage`
//! are never read, because they carry user input.
//! **Limits**: a proxy that passes on its client's `traceparent` vouches for it. Configure it to write its own.
//! **ASVS**: 4.1.3, 16.4.1 · **Test**: `attacks::audit::traces`

use actix_web::dev::ServiceRequest;
use actix_web::web::Data;
use tracing::Span;

use super::client_ip::{TrustedProxies, peer};
use crate::telemetry::traces::{self, TraceParent};

const TRACEPARENT: &str = "traceparent";

/// Attaches the span to the trace that a trusted proxy names.
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
