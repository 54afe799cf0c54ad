//! API1, API2: the detection rules detect attacks, and raise alerts (ASVS V16.3).

pub mod alerts;
mod each_rule;
pub mod rules;
