//! Traces: the service sends one span per request to the configured collector, with OTLP over HTTP.
//!
//! A span contains only the fields of an allow-list ([`SENT_FIELDS`]): method, route, status and request id.
//! Operators find the other values (address, user) in the log, by the request id.
//!
//! A separate thread sends the spans from a bounded queue, so a slow collector does not slow down requests.
//! If the queue is full, new spans are dropped.

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

/// The maximum number of spans that wait to be sent. A span needs about 1 KiB of memory.
const MAX_QUEUED_SPANS: usize = 4_096;
const BATCH_SIZE: usize = 512;
const SEND_INTERVAL: Duration = Duration::from_secs(2);
/// The timeout for sending one batch of spans. The shutdown waits at most this long for the last spans.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

const STATUS: &str = "status";

/// Only the span with this name is sent, because other spans may contain other fields.
const SPAN: &str = "request";
/// The fields that are sent, each with its name in the log and its name in OpenTelemetry.
const SENT_FIELDS: [(&str, &str); 4] = [
    ("method", "http.request.method"),
    ("route", "http.route"),
    (STATUS, "http.response.status_code"),
    ("request_id", "strongroom.request_id"),
];

#[derive(Debug, thiserror::Error)]
pub enum TraceSetupError {
    #[error("the file of the collector's certificate authority contains no certificate")]
    Authority,
    #[error("the trace exporter cannot be created: {0}")]
    Client(String),
}

#[derive(Debug, Default)]
pub struct DeliveryCounts {
    pub sent: AtomicU64,
    pub lost: AtomicU64,
}

/// The exporter of traces. It runs until [`Self::stop`] is called.
pub struct Traces {
    provider: SdkTracerProvider,
    delivered: Arc<DeliveryCounts>,
}

impl Traces {
    /// Creates an exporter to the collector at this origin. It connects only when it sends the first batch.
    ///
    /// # Errors
    /// [`TraceSetupError`] if the certificate authority cannot be loaded, or if the exporter cannot be created.
    pub fn new(collector: &str, authority: Option<&Path>) -> Result<Self, TraceSetupError> {
        let broken = |error: &dyn std::fmt::Display| TraceSetupError::Client(error.to_string());
        let tls = tls(authority)?;
        // A blocking client panics within the tokio runtime, so create it on a separate thread.
        let client = std::thread::spawn(move || {
            let client = reqwest::blocking::Client::builder().tls_backend_preconfigured(tls).timeout(EXPORT_TIMEOUT);
            client.no_proxy().redirect(reqwest::redirect::Policy::none()).build()
        });
        let client = client.join().map_err(|_| broken(&"no client"))?.map_err(|error| broken(&error))?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{collector}/v1/traces"))
            .with_timeout(EXPORT_TIMEOUT)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| broken(&error))?;
        let delivered = Arc::new(DeliveryCounts::default());
        let exporter = AllowListExporter { exporter, delivered: delivered.clone() };
        let queue = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_QUEUED_SPANS)
            .with_max_export_batch_size(BATCH_SIZE)
            .with_scheduled_delay(SEND_INTERVAL);
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(queue.build()).build();
        // `builder_empty` ignores the variables OTEL_*. Only the module `config` may read the environment.
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

    pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let tracer: SdkTracer = self.provider.tracer("strongroom");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let bare = layer.with_location(false).with_threads(false).with_level(false).with_target(false);
        let requests = filter_fn(|metadata| metadata.is_span() && metadata.name() == SPAN);
        bare.with_tracked_inactivity(false).with_filter(requests.with_max_level_hint(LevelFilter::INFO))
    }

    #[must_use]
    pub fn delivered(&self) -> Arc<DeliveryCounts> {
        self.delivered.clone()
    }

    /// Sends the spans of the queue. After [`EXPORT_TIMEOUT`], the rest is dropped.
    pub async fn stop(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(EXPORT_TIMEOUT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("failed to export the last traces");
        }
    }
}

/// Returns the TLS settings for the collector, which trust only the certificate authority in the file `authority`.
/// Without this file, they trust the public certificate authorities.
fn tls(authority: Option<&Path>) -> Result<ClientConfig, TraceSetupError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = authority {
        let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates.map_err(|_| TraceSetupError::Authority)?);
        if added == 0 {
            return Err(TraceSetupError::Authority);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| TraceSetupError::Client(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Removes all fields that are not on the allow-list before a span is sent.
#[derive(Debug)]
struct AllowListExporter {
    exporter: opentelemetry_otlp::SpanExporter,
    delivered: Arc<DeliveryCounts>,
}

impl SpanExporter for AllowListExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let result = self.exporter.export(batch.into_iter().map(keep_allowed_fields).collect()).await;
        let counted = if result.is_ok() { &self.delivered.sent } else { &self.delivered.lost };
        counted.fetch_add(spans, Ordering::Relaxed);
        if result.is_err() {
            tracing::warn!(spans, "failed to export traces");
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

fn keep_allowed_fields(mut span: SpanData) -> SpanData {
    let sent: Vec<KeyValue> = span
        .attributes
        .into_iter()
        .filter_map(|KeyValue { key, value, .. }| {
            let (_, name) = SENT_FIELDS.iter().find(|(ours, _)| *ours == key.as_str())?;
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

/// The parent span of a request, from the header `traceparent` (W3C Trace Context, version 00).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
}

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

/// Makes `parent` the parent of a span.
pub fn set_parent(span: &Span, parent: &TraceParent) {
    let flags = TraceFlags::default().with_sampled(parent.sampled);
    let remote = SpanContext::new(parent.trace, parent.span, flags, true, Default::default());
    // `Span::set_parent` fails only if the service does not send this span, and then the parent is not needed.
    // So the error is ignored.
    let _ = span.set_parent(Context::new().with_remote_span_context(remote));
}

pub fn record_status(status: u16) {
    Span::current().set_attribute(STATUS, i64::from(status));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_traceparent_is_rejected() {
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
