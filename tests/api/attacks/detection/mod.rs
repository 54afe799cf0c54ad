//! API1, API2: detection rules and alerts (ASVS V16.3).

pub mod alerts;
mod each_rule;
pub mod rules;
