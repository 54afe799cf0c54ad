//! Prometheus metrics: counters that requests update ([`requests`]), and values that are read at each scrape (when
//! Prometheus fetches the metrics).
//!
//! Each service has its own registry, because tests run many services in one process.
//!
//! Cardinality explosion: label values are `&'static str` from fixed lists. Ids and user input cannot become labels, so
//! the number of series is bounded.

mod requests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

pub use requests::{Requests, RouteMeter, RunningRequest, STATUSES};

/// The media type of the text that [`Metrics::text`] returns.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A function that reads a value at each scrape. It returns `None` to omit the series.
pub type Read = Box<dyn Fn() -> Option<f64> + Send + Sync>;

/// A label value, and the function that reads the series with this label.
pub type Labelled = (&'static str, Read);

/// The metrics of one service.
pub struct Metrics {
    pub requests: Arc<Requests>,
    registry: Mutex<Registry>,
}

impl Metrics {
    /// Creates metrics for these endpoints (method and route) and problem codes. All others are counted under the label
    /// `other`.
    pub fn new(
        endpoints: impl IntoIterator<Item = (&'static str, &'static str)>,
        codes: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let requests = Arc::new(Requests::new(endpoints, codes));
        let mut registry = Registry::with_prefix("strongroom");
        registry.register_collector(Box::new(requests.clone()));
        Self { requests, registry: Mutex::new(registry) }
    }

    /// Registers a gauge. `read` must not block.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.register(Readings { name, help, kind: MetricType::Gauge, of: Values::One(Box::new(read)) });
    }

    /// Registers several gauges under one name, distinguished by a label.
    pub fn gauges(&self, name: &'static str, help: &'static str, label: &'static str, values: Vec<Labelled>) {
        self.register(Readings { name, help, kind: MetricType::Gauge, of: Values::Many(label, values) });
    }

    /// Registers a counter. `_total` is appended to its name.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.register(Readings { name, help, kind: MetricType::Counter, of: Values::One(Box::new(read)) });
    }

    /// Registers several counters under one name, distinguished by a label.
    pub fn counters(&self, name: &'static str, help: &'static str, label: &'static str, values: Vec<Labelled>) {
        self.register(Readings { name, help, kind: MetricType::Counter, of: Values::Many(label, values) });
    }

    fn register(&self, readings: Readings) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(readings));
    }

    /// Encodes all metrics as OpenMetrics 1.0.
    ///
    /// # Errors
    /// Never fails in practice, because the text is written to memory.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

struct Readings {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    of: Values,
}

enum Values {
    One(Read),
    Many(&'static str, Vec<Labelled>),
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        let counts = matches!(self.kind, MetricType::Counter);
        let one: [(&str, &str); 0] = [];
        let (values, label) = match &self.of {
            Values::One(read) => (vec![("", read)], None),
            Values::Many(label, values) => (values.iter().map(|(value, read)| (*value, read)).collect(), Some(*label)),
        };
        for (value, read) in values {
            let Some(number) = read() else { continue };
            let labels = label.map(|label| [(label, value)]);
            let mut series = match &labels {
                Some(labels) => family.encode_family(labels)?,
                None => family.encode_family(&one)?,
            };
            if counts {
                series.encode_counter::<NoLabelSet, f64, f64>(&number, None)?;
            } else {
                series.encode_gauge(&number)?;
            }
        }
        Ok(())
    }
}
