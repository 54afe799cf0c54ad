//! Parses the metrics that the service returns at `/metrics`.

use std::collections::BTreeSet;

pub struct Metrics(pub String);

impl Metrics {
    pub fn lines(&self) -> impl Iterator<Item = (&str, f64)> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').map(|(series, value)| (series, value.parse().unwrap())).unwrap())
    }

    pub fn series(&self) -> BTreeSet<&str> {
        self.lines().map(|(series, _)| series).collect()
    }

    pub fn names(&self) -> BTreeSet<&str> {
        self.series().into_iter().map(|series| series.split('{').next().unwrap()).collect()
    }

    pub fn find(&self, series: &str) -> Option<f64> {
        self.lines().find(|(known, _)| *known == series).map(|(_, value)| value)
    }

    #[track_caller]
    pub fn value(&self, series: &str) -> f64 {
        self.find(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.0))
    }
}
