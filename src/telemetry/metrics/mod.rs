//! Metrics for Prometheus. Each request updates the metrics of [`requests`].
//! All other values are read when Prometheus fetches the metrics (scrape).
//!
//! Cardinality explosion: an id or user input as a label would create an unbounded number of time
//! series.
//! So the values of labels are `&'static str` from fixed lists.

mod requests;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

pub use requests::{Requests, RouteMeter, RunningRequest, STATUSES};

/// The media type of [`Metrics::text`].
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads a value during a scrape. If it returns `None`, the value is omitted.
pub type Read = Box<dyn Fn() -> Option<f64> + Send + Sync>;

/// The value of a label, and the function that reads the metric with this label.
pub type Labelled = (&'static str, Read);

/// The metrics of one service. Tests run many services in one process, so there is no global registry.
pub struct Metrics {
    pub requests: Arc<Requests>,
    registry: Mutex<Registry>,
}

impl Metrics {
    /// Creates metrics for these endpoints (method and route) and problem codes. All others are counted as `other`.
    pub fn new(
        endpoints: impl IntoIterator<Item = (&'static str, &'static str)>,
        codes: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let requests = Arc::new(Requests::new(endpoints, codes));
        let mut registry = Registry::with_prefix("strongroom");
        registry.register_collector(Box::new(requests.clone()));
        Self { requests, registry: Mutex::new(registry) }
    }

    /// Registers a gauge: a value that can increase and decrease. `read` must not block.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.register(Readings { name, help, kind: MetricType::Gauge, of: Values::One(Box::new(read)) });
    }

    /// Registers several gauges with one name. The label distinguishes them.
    pub fn gauges(&self, name: &'static str, help: &'static str, label: &'static str, values: Vec<Labelled>) {
        self.register(Readings { name, help, kind: MetricType::Gauge, of: Values::Many(label, values) });
    }

    /// Registers a counter: a value that only increases. The output appends `_total` to its name.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.register(Readings { name, help, kind: MetricType::Counter, of: Values::One(Box::new(read)) });
    }

    /// Registers several counters with one name. The label distinguishes them.
    pub fn counters(&self, name: &'static str, help: &'static str, label: &'static str, values: Vec<Labelled>) {
        self.register(Readings { name, help, kind: MetricType::Counter, of: Values::Many(label, values) });
    }

    fn register(&self, readings: Readings) {
        let mut registry = self.registry.lock();
        registry.register_collector(Box::new(readings));
    }

    /// Returns all metrics in the format OpenMetrics 1.0.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry.lock())?;
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
