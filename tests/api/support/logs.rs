//! What the service logged: every line of the whole run, in production's format, found again by request id.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex};

use super::wait;
use serde_json::Value;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static LINES: LazyLock<Mutex<Lines>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Lines {
    raw: Vec<String>,
    by_request: HashMap<String, Vec<Value>>,
}

/// Begins capturing, once a process.
pub fn capture() {
    static STARTED: LazyLock<()> = LazyLock::new(|| {
        // Not development's own line with a mail's link, which is the one secret that is logged on purpose, and there alone.
        let filter =
            "info,security_aggregate=debug,development_mail=off,sqlx::query=debug,actix_http::h1=off,actix_server=warn";
        let format =
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(Capture);
        let filter: Targets = filter.parse().unwrap();
        tracing_subscriber::registry().with(filter).with(format).init();
    });
    LazyLock::force(&STARTED);
}

struct Capture;

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        let value: Value = serde_json::from_str(&line).unwrap();
        let mut lines = LINES.lock().unwrap();
        if let Some(id) = value["span"]["request_id"].as_str() {
            lines.by_request.entry(id.to_owned()).or_default().push(value.clone());
        }
        lines.raw.push(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Capture {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Every line that was logged inside this request, once its last one has come.
pub fn of_request(id: &str) -> Vec<Value> {
    wait::found_blocking("the closing line of a request", || {
        let lines = LINES.lock().unwrap().by_request.get(id).cloned().unwrap_or_default();
        lines.iter().any(|line| line["message"] == "request").then_some(lines)
    })
}

/// The names (and reasons) of the security events of this request, in order: `authz_fail/not_found`. Tallied ones too, which
/// have no line in production.
pub fn events(id: &str) -> Vec<String> {
    names(&of_request(id), &["security", "security_aggregate"])
}

/// Those that have a line of their own, and so a row, of what has been logged until now.
pub fn events_so_far(id: &str) -> Vec<String> {
    names(LINES.lock().unwrap().by_request.get(id).map_or(&[], Vec::as_slice), &["security"])
}

fn names(lines: &[Value], targets: &[&str]) -> Vec<String> {
    lines
        .iter()
        .filter(|line| targets.iter().any(|target| line["target"] == *target))
        .map(|line| format!("{}/{}", line["event"].as_str().unwrap(), line["reason"].as_str().unwrap()))
        .collect()
}

/// The statements that this request sent to the database, in order, as the log tells them.
pub fn statements(id: &str) -> Vec<String> {
    of_request(id)
        .iter()
        .filter(|line| line["target"] == "sqlx::query")
        .map(|line| {
            // sqlx tells the whole text only where its summary cuts it.
            let whole = line["db.statement"].as_str().filter(|text| !text.is_empty());
            let text = whole.or(line["summary"].as_str()).unwrap_or_default();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// The first line that holds this text, for the failure's message.
pub fn first_with(text: &str) -> Option<String> {
    LINES.lock().unwrap().raw.iter().find(|line| line.contains(text)).cloned()
}

/// Every line of the whole run that holds this text.
pub fn all_with(text: &str) -> Vec<Value> {
    let lines = LINES.lock().unwrap();
    lines.raw.iter().filter(|line| line.contains(text)).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether any line of the whole run holds this text.
pub fn hold(text: &str) -> bool {
    LINES.lock().unwrap().raw.iter().any(|line| line.contains(text))
}
