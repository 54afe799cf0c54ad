//! Floor 1: what the service tells its operator. Lines of JSON in production, readable ones in development.
//!
//! Secrets and typed-in text cannot enter: a field is an id, a number or a fixed word, and the root span
//! (`http/request_span.rs`) chooses its own. Sinks: standard output, nothing else.

use std::panic;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging to standard output.
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str, json: bool) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false)).init();
    } else {
        registry.with(tracing_subscriber::fmt::layer().compact()).init();
    }
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
