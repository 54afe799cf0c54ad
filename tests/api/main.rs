//! One binary, so that it links once. `support`: the service under test and those who talk to it; `features`: what works;
//! `attacks`: what is refused, by the OWASP API Security Top 10; `contract`: what holds for everything, walked from data.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and may look at everything"
)]

mod attacks;
mod contract;
mod features;
mod support;
