//! The integration tests are one binary, so that cargo links them only once.
//! `support` starts the service. `features` tests the functions of the API, and `attacks` tests attacks on them.
//! `contract` tests rules for the whole project.
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
