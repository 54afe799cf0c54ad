//! API1, API2: detection rules and alerts (ASVS V16.3).

mod alerts;
mod each_rule;
pub mod rules;
