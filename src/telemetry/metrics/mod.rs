//! Metrics, for Prometheus: what is counted where it happens ([`requests`]), and what its owner is asked for at each scrape.
//!
//! One registry a service and no global one: tests run many services in one process. The values of a label are `&'static str`,
//! text of the program, from lists that are complete before the first request: so no id and nothing that somebody typed can
//! become a label, and nobody can make the number of series grow.

mod requests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

pub use requests::{Requests, RouteMeter, Running, STATUSES};

/// The media type of [`Metrics::text`].
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads a value when it is asked for. `None`: it is not known now, and the series is left out rather than made up.
pub type Read = Box<dyn Fn() -> Option<f64> + Send + Sync>;

/// One value under its label.
pub type Labelled = (&'static str, Read);

/// Everything that is measured in one service.
pub struct Metrics {
    pub requests: Arc<Requests>,
    registry: Mutex<Registry>,
}

impl Metrics {
    /// For these endpoints (method and pattern) and these codes of refusals; all others count as one.
    pub fn new(
        endpoints: impl IntoIterator<Item = (&'static str, &'static str)>,
        codes: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let requests = Arc::new(Requests::new(endpoints, codes));
        let mut registry = Registry::with_prefix("strongroom");
        registry.register_collector(Box::new(requests.clone()));
        Self { requests, registry: Mutex::new(registry) }
    }

    /// A value that goes up and down. No `read` may wait.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.register(Readings { name, help, kind: MetricType::Gauge, of: Values::One(Box::new(read)) });
    }

    /// Several of them under one name, told apart by a label.
    pub fn gauges(&self, name: &'static str, help: &'static str, label: &'static str, values: Vec<Labelled>) {
        self.register(Readings { name, help, kind: MetricType::Gauge, of: Values::Many(label, values) });
    }

    /// A count that only grows. Its name gets `_total`.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.register(Readings { name, help, kind: MetricType::Counter, of: Values::One(Box::new(read)) });
    }

    /// Several of them under one name, told apart by a label.
    pub fn counters(&self, name: &'static str, help: &'static str, label: &'static str, values: Vec<Labelled>) {
        self.register(Readings { name, help, kind: MetricType::Counter, of: Values::Many(label, values) });
    }

    fn register(&self, readings: Readings) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(readings));
    }

    /// All of it, as OpenMetrics 1.0.
    ///
    /// # Errors
    /// None in practice: it writes to memory.
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
