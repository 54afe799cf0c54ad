//! What works, and what is said when it cannot.

mod configuration;
mod development;
