//! Traces: one span a request, sent to a collector by OTLP over HTTP, if a setting names one.
//!
//! What leaves is an allow-list ([`SENT`]): method, route, status and our request id, which leads to the log, where the rest is.
//! Not the target, no address, no user. Spans wait in a bounded queue for a thread of their own; what does not fit is dropped, so a
//! collector that is slow or gone slows nothing here.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::{RetryPolicy, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanEvents, SpanExporter,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// Spans that wait at most; about 1 KiB each.
const WAITING: usize = 4_096;
const BATCH: usize = 512;
const SEND_EVERY: Duration = Duration::from_secs(2);
/// The longest that the collector may take for one batch, and that the last batch may take at the end.
const PATIENCE: Duration = Duration::from_secs(5);

const STATUS: &str = "status";

/// The name of the one span that is sent, and its fields: as the log calls them, and as OpenTelemetry does.
const SPAN: &str = "request";
const SENT: [(&str, &str); 4] = [
    ("method", "http.request.method"),
    ("route", "http.route"),
    (STATUS, "http.response.status_code"),
    ("request_id", "strongroom.request_id"),
];

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum BadTraces {
    #[error("the file of the collector's authority holds no certificate")]
    Authority,
    #[error("traces cannot be sent: {0}")]
    Client(String),
}

/// What became of the spans.
#[derive(Debug, Default)]
pub struct Delivered {
    pub sent: AtomicU64,
    pub lost: AtomicU64,
}

/// Sends spans until [`Self::stop`].
pub struct Traces {
    provider: SdkTracerProvider,
    delivered: Arc<Delivered>,
}

impl Traces {
    /// To the collector at this origin. Nothing is connected yet.
    ///
    /// # Errors
    /// See [`BadTraces`].
    pub fn new(collector: &str, authority: Option<&Path>) -> Result<Self, BadTraces> {
        let broken = |error: &dyn std::fmt::Display| BadTraces::Client(error.to_string());
        let tls = tls(authority)?;
        // A client that blocks belongs to no runtime, so it is made on a thread that has none.
        let client = std::thread::spawn(move || {
            let client = reqwest::blocking::Client::builder().tls_backend_preconfigured(tls).timeout(PATIENCE);
            client.no_proxy().redirect(reqwest::redirect::Policy::none()).build()
        });
        let client = client.join().map_err(|_| broken(&"no client"))?.map_err(|error| broken(&error))?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{collector}/v1/traces"))
            .with_timeout(PATIENCE)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| broken(&error))?;
        let delivered = Arc::new(Delivered::default());
        let trimmed = Trimmed { exporter, delivered: delivered.clone() };
        let queue = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(SEND_EVERY);
        let processor = BatchSpanProcessor::builder(trimmed).with_batch_config(queue.build()).build();
        // Not what the environment says: the configuration has one door.
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "strongroom"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .build();
        Ok(Self { provider, delivered })
    }

    /// What the log's registry takes to make spans out of requests.
    pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let tracer: SdkTracer = self.provider.tracer("strongroom");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let bare = layer.with_location(false).with_threads(false).with_level(false).with_target(false);
        // Events are the log's: their text is made for the operator alone.
        let requests = filter_fn(|metadata| metadata.is_span() && metadata.name() == SPAN);
        bare.with_tracked_inactivity(false).with_filter(requests.with_max_level_hint(LevelFilter::INFO))
    }

    #[must_use]
    pub fn delivered(&self) -> Arc<Delivered> {
        self.delivered.clone()
    }

    /// Sends what waits, for a few seconds at most.
    pub async fn stop(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces were not delivered");
        }
    }
}

/// The public authorities, or the one that is named and no other.
fn tls(authority: Option<&Path>) -> Result<ClientConfig, BadTraces> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = authority {
        let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates.map_err(|_| BadTraces::Authority)?);
        if added == 0 {
            return Err(BadTraces::Authority);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| BadTraces::Client(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes out of each span what is not on the list, right before it leaves: whatever was added to it on the way.
#[derive(Debug)]
struct Trimmed {
    exporter: opentelemetry_otlp::SpanExporter,
    delivered: Arc<Delivered>,
}

impl SpanExporter for Trimmed {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let result = self.exporter.export(batch.into_iter().map(trim).collect()).await;
        let counted = if result.is_ok() { &self.delivered.sent } else { &self.delivered.lost };
        counted.fetch_add(spans, Ordering::Relaxed);
        if result.is_err() {
            tracing::warn!(spans, "the collector did not take these traces");
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn trim(mut span: SpanData) -> SpanData {
    let sent: Vec<KeyValue> = span
        .attributes
        .into_iter()
        .filter_map(|KeyValue { key, value, .. }| {
            let (_, name) = SENT.iter().find(|(ours, _)| *ours == key.as_str())?;
            Some(KeyValue::new(*name, value))
        })
        .collect();
    let value = |name: &str| sent.iter().find(|pair| pair.key.as_str() == name).map(|pair| pair.value.clone());
    let text = |name| value(name).map_or_else(String::new, |value| value.to_string());
    span.name = format!("{} {}", text("http.request.method"), text("http.route")).into();
    span.span_kind = SpanKind::Server;
    let failed = matches!(value("http.response.status_code"), Some(Value::I64(500..)));
    span.status = if failed { Status::error("") } else { Status::Unset };
    span.attributes = sent;
    span.events = SpanEvents::default();
    span
}

/// The span of another service that called us (W3C Trace Context, version 00).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
}

/// No `traceparent` as the standard writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTraceParent;

impl FromStr for TraceParent {
    type Err = BadTraceParent;

    fn from_str(text: &str) -> Result<Self, BadTraceParent> {
        let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let parts: Vec<&str> = text.split('-').collect();
        let ["00", trace, span, flags] = parts.as_slice() else { return Err(BadTraceParent) };
        if (trace.len(), span.len(), flags.len()) != (32, 16, 2) || ![trace, span, flags].iter().all(|part| hex(part)) {
            return Err(BadTraceParent);
        }
        let trace = TraceId::from_hex(trace).map_err(|_| BadTraceParent)?;
        let span = SpanId::from_hex(span).map_err(|_| BadTraceParent)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| BadTraceParent)?;
        if trace == TraceId::INVALID || span == SpanId::INVALID {
            return Err(BadTraceParent);
        }
        Ok(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

/// Hangs our span below that one. Nothing happens where no traces are sent.
pub fn join(span: &Span, parent: &TraceParent) {
    let flags = TraceFlags::default().with_sampled(parent.sampled);
    let remote = SpanContext::new(parent.trace, parent.span, flags, true, Default::default());
    // Its errors: no traces are sent, or the span is none.
    let _ = span.set_parent(Context::new().with_remote_span_context(remote));
}

/// How this task's request ended. Nothing happens where no traces are sent.
pub fn answered(status: u16) {
    Span::current().set_attribute(STATUS, i64::from(status));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_the_standard_writes_it() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(good.parse::<TraceParent>().unwrap().sampled);
        for bad in [
            "",
            "00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(BadTraceParent), "{bad}");
        }
    }
}
