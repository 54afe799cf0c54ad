//! Captures the log of the test process in the format of production, and finds the lines of a request by its id.

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

/// Starts to capture the log. Later calls have no effect.
pub fn capture() {
    static STARTED: LazyLock<()> = LazyLock::new(|| {
        // `development_mail` is off: its lines contain links, which are secrets. No other target may log secrets.
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

pub fn for_request(id: &str) -> Vec<Value> {
    wait::until_some_blocking("the last log line of a request", || {
        let lines = LINES.lock().unwrap().by_request.get(id).cloned().unwrap_or_default();
        lines.iter().any(|line| line["message"] == "request").then_some(lines)
    })
}

/// Returns the security events of a request in order, such as `authz_fail/not_found`, also those of an aggregate.
pub fn events(id: &str) -> Vec<String> {
    names(&for_request(id), &["security", "security_aggregate"])
}

/// Returns the events of a request that have their own log line so far, without waiting.
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

pub fn statements(id: &str) -> Vec<String> {
    for_request(id)
        .iter()
        .filter(|line| line["target"] == "sqlx::query")
        .map(|line| {
            // If sqlx shortens a statement in `summary`, it logs the whole text in `db.statement`.
            let whole = line["db.statement"].as_str().filter(|text| !text.is_empty());
            let text = whole.or(line["summary"].as_str()).unwrap_or_default();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Returns the first line with this text.
pub fn first_containing(text: &str) -> Option<String> {
    LINES.lock().unwrap().raw.iter().find(|line| line.contains(text)).cloned()
}

pub fn all_containing(text: &str) -> Vec<Value> {
    let lines = LINES.lock().unwrap();
    lines.raw.iter().filter(|line| line.contains(text)).map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn contains(text: &str) -> bool {
    LINES.lock().unwrap().raw.iter().any(|line| line.contains(text))
}
