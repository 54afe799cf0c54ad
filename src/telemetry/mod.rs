//! Floor 1: what the service tells its operator: the log, [`metrics`], [`traces`]. Lines of JSON in production, readable ones in
//! development.
//!
//! Secrets and typed-in text cannot enter: a field is an id, a number or a fixed word, and the root span
//! (`http/request_span.rs`) chooses its own. Sinks: standard output; metrics and traces for whoever is told to have them.

pub mod metrics;
pub mod traces;

use std::panic;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use traces::Traces;

/// Begins logging to standard output, and making traces if there is somebody to send them to.
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str, json: bool, traces: Option<&Traces>) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    // The filter is the log's own: whether a request is traced does not depend on what is logged of it.
    let log = if json {
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
    } else {
        tracing_subscriber::fmt::layer().compact().with_filter(filter).boxed()
    };
    tracing_subscriber::registry().with(log).with(traces.map(Traces::layer)).init();
    log_panics();
    Ok(())
}

/// A panic is told by its place. Its message can hold whatever was being worked on.
pub fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
