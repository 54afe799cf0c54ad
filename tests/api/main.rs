//! The integration tests, as one binary, so that linking happens once. `support` starts the service and acts as its
//! clients. `features` tests what the API offers. `attacks` tests what the service refuses. `contract` tests rules that
//! hold for the whole project.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and may use items that the service must not use"
)]

mod attacks;
mod contract;
mod features;
mod support;
