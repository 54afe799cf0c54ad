//! Layer 1: logs, [`metrics`] and [`traces`]. The log is JSON in production and text in development, on standard output.
//!
//! Logs contain no secrets and no user input (CWE-532, CWE-117): fields are ids, numbers or fixed words, and the root span
//! (`http/request_span.rs`) lists its fields.

pub mod metrics;
pub mod traces;

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use traces::Traces;

/// Starts logging to standard output, and tracing if a collector is configured.
pub fn start(filter: Targets, json: bool, traces: Option<&Traces>) {
    // Errors of writing the log are ignored: reporting them on a closed standard error would end the service.
    let log = tracing_subscriber::fmt::layer().log_internal_errors(false);
    // The filter applies to the log only: traces do not depend on the log level.
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

/// Logs the place of a panic. Its message can contain user data.
pub fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
