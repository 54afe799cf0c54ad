//! Layer 1: the log, [`metrics`] and [`traces`].
//! The log goes to standard output, by default as JSON in production and as text in development.
//!
//! Logs contain no secrets and no user input (CWE-532, CWE-117): their fields are ids, numbers or fixed words.
//! The root span of a request (`http/request_span.rs`) has a fixed list of fields.

pub mod metrics;
pub mod traces;

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use traces::Traces;

/// Starts the log, and sends traces if `traces` is given.
pub fn start(filter: Targets, json: bool, traces: Option<&Traces>) {
    // By default, `tracing` reports a failure to write the log on standard error, and panics if standard
    // error is closed too.
    let log = tracing_subscriber::fmt::layer().log_internal_errors(false);
    // The level of the log must not affect the traces.
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

/// Makes the process log the place of each panic, but not the message, which can contain user data.
pub fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
