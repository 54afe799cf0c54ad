//! Floor 1: what the service tells its operator: the log, [`metrics`], [`traces`]. Lines of JSON in production, readable ones in
//! development.
//!
//! Secrets and typed-in text cannot enter: a field is an id, a number or a fixed word, and the root span
//! (`http/request_span.rs`) chooses its own. Sinks: standard output; metrics and traces for whoever is told to have them.

pub mod metrics;
pub mod traces;

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use traces::Traces;

/// Begins logging to standard output, and making traces if there is somebody to send them to.
pub fn start(filter: Targets, json: bool, traces: Option<&Traces>) {
    // A log that cannot be written has no other place: a complaint on standard error would end the service once that is closed.
    let log = tracing_subscriber::fmt::layer().log_internal_errors(false);
    // The filter is the log's own: whether a request is traced does not depend on what is logged of it.
    let log = if json {
        log.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
    } else if io::stdout().is_terminal() {
        log.compact().with_filter(filter).boxed()
    } else {
        log.compact().with_ansi(false).with_filter(filter).boxed()
    };
    tracing_subscriber::registry().with(log).with(traces.map(Traces::layer)).init();
    log_panics();
}

/// A panic is told by its place. Its message can hold whatever was being worked on.
pub fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
