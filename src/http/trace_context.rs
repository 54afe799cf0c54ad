//! Trace context (W3C `traceparent`), accepted only from trusted proxies.
//!
//! A client that chooses its trace could attach its requests to another user's trace, disable the sampling of its own, or flood one
//! trace. `tracestate` and `baggage` are never read: they would carry free text into all spans.
//!
//! Known limit: if a proxy passes on its client's `traceparent`, the service accepts it. Configure the proxy to write its own.

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
