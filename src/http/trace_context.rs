//! Whose trace a request is part of (W3C Trace Context). Only a listed proxy may say so: its `traceparent` is read as strictly as
//! the standard writes it, and everybody else's is not read at all. A client that could choose the trace would hang its requests
//! into somebody else's, switch the recording of its own off, or flood one. `tracestate` and `baggage` are never read: what they
//! carry would be typed-in text in all that follows.
//!
//! Known limit: a proxy that passes its client's `traceparent` on vouches for it. Let it write its own.

use actix_web::dev::ServiceRequest;
use actix_web::web::Data;
use tracing::Span;

use super::client_ip::{TrustedProxies, peer};
use crate::telemetry::traces::{self, TraceParent};

const TRACEPARENT: &str = "traceparent";

/// Makes this span a part of the trace that a listed proxy names.
pub fn join(span: &Span, request: &ServiceRequest) {
    if let Some(parent) = parent(request) {
        traces::join(span, &parent);
    }
}

fn parent(request: &ServiceRequest) -> Option<TraceParent> {
    let mut lines = request.headers().get_all(TRACEPARENT);
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let listed = request.app_data::<Data<TrustedProxies>>()?.contain(peer(request)?);
    if listed { line.to_str().ok()?.parse().ok() } else { None }
}
