//! Strongroom: a secure invoice and document API. For each security practice, a test simulates the attack.
//!
//! A module imports only from lower layers (`tests/api/contract/layers.rs` checks this).
//! Within a folder, imports have no cycles (`tests/api/contract/cycles.rs`). The layers are:
//!
//! - [`base`] (0): domain primitives.
//! - [`config`], [`telemetry`], [`db`], [`storage`] (1): infrastructure. These modules do not import each other.
//! - `dev` (2): code that only development needs. The container image does not contain it.
//! - [`http`] (2): parses requests and forms replies.
//! - [`security`] (3): the security practices, one file or folder each.
//! - [`features`] (4): one folder for each part of the API.
//! - [`app`] (5): combines the other layers into a program.
//!
//! The path of a request:
//! 1. The listener accepts the connection (`app/listeners.rs`), and the middleware runs (`app/stack.rs`).
//! 2. The row of the route table (`app/routes.rs`) determines body limit, authentication and rate limits.
//!    `app/gate.rs`, [`security::sessions::caller`] and [`security::limits::rate_limits`] enforce them.
//! 3. Path, query and body are parsed and validated ([`http::params`], [`http::body`]).
//! 4. The handler of the feature (`features/invoices`) calls its store.
//!    The store reads with one statement (`db/owner_query.rs`) and writes in a transaction ([`db::OwnerTx`]).
//! 5. The reply passes the middleware in reverse order.
//!    A refusal records its event (`security/audit/refusals.rs`), and an error gets its body ([`http::problem`]).
//!    Every reply gets security headers ([`security::browser::headers`]).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )
)]

pub mod app;
pub mod base;
pub mod config;
pub mod db;
#[cfg(feature = "dev")]
pub mod dev;
pub mod features;
pub mod http;
pub mod security;
pub mod storage;
pub mod telemetry;
