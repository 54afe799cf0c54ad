//! A collector of traces (OTLP over HTTP), and the service in its own process, which sends traces to it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use sqlx::ConnectOptions;

use super::client::Client;
use super::database::{Role, TestDatabase};
use super::folder;
use super::metrics::Metrics;
use super::wait;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CollectorBehavior {
    Accept,
    NeverReply,
}

pub struct Collector {
    pub address: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub fn start(manner: CollectorBehavior) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let received = bodies.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, received) = (stream.unwrap(), received.clone());
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(body) = request(&mut reader) {
                        received.lock().unwrap().push(body);
                        if manner == CollectorBehavior::NeverReply {
                            thread::sleep(Duration::from_secs(3600));
                        }
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    }
                });
            }
        });
        Self { address, bodies }
    }

    pub fn contains(&self, text: &str) -> bool {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().any(|body| body.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    pub fn requests(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    pub fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    pub async fn span(&self, request_id: &str) -> Span {
        let id = ("strongroom.request_id".to_owned(), format!("{request_id:?}"));
        wait::until_some("its span", async || self.spans().into_iter().find(|span| attributes(span).contains(&id)))
            .await
    }
}

/// Returns the names of a span's attributes, with their values as text.
pub fn attributes(span: &Span) -> Vec<(String, String)> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = span.attributes.iter();
    pairs.map(|pair| (pair.key.clone(), text(pair.value.clone().and_then(|value| value.value)))).collect()
}

fn request(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    assert!(reader.read_line(&mut line).ok()? == 0 || line.starts_with("POST /v1/traces "), "{line}");
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// The service in its own process, with traces. The services in the test process send no traces, because they share a
/// log subscriber without an exporter.
pub struct TracedProgram {
    process: Child,
    pub base: String,
    management: String,
    pub state_dir: PathBuf,
    /// Dropped with the last clone of this value.
    pub database: TestDatabase,
}

impl TracedProgram {
    pub async fn start(collector: SocketAddr, changed: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create().await;
        let state_dir = folder::new_path();
        let mut process = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .env_clear()
            .env("STRONGROOM_DEV_STATE_DIR", &state_dir)
            .env("STRONGROOM_HTTP_BIND", "127.0.0.1:0")
            .env("STRONGROOM_TLS_BIND", "127.0.0.1:0")
            .env("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:0")
            .env("STRONGROOM_LIMITS_STANDARD", "100000/1h")
            .env("STRONGROOM_TRACES_OTLP_ENDPOINT", format!("http://{collector}"))
            .env("DATABASE_URL", database.options(Role::App).to_url_lossy().as_str())
            .envs(changed.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut value_after = |start: &str| {
            let line = lines.find(|line| line.starts_with(start)).expect("it starts");
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        let base = value_after("  API ").strip_suffix("/docs").unwrap().to_owned();
        let management = value_after("  metrics ").strip_suffix("/metrics").unwrap().to_owned();
        thread::spawn(move || lines.for_each(drop));
        Self { process, base, management, state_dir, database }
    }

    pub fn client(&self) -> Client {
        Client::from_address(&self.base, [127, 0, 0, 1].into())
    }

    pub async fn metrics(&self) -> Metrics {
        let client = Client::from_address(&self.management, [127, 0, 0, 1].into());
        Metrics(client.request(reqwest::Method::GET, "/metrics").send().await.ok(200).text())
    }

    /// Stops the program with SIGTERM, and returns whether its exit code is 0.
    pub fn stop(&mut self) -> bool {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait().unwrap().success()
    }
}

impl Drop for TracedProgram {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.state_dir);
    }
}
