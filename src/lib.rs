//! Strongroom: a secure invoice and document API in which every practice is easy to find and proved by an attack.
//!
//! One line a floor; a module imports only from lower floors (`tests/api/contract/floors.rs` holds this). Between the files and
//! folders of each folder, imports run in one direction (`tests/api/contract/cycles.rs`):
//!
//! - [`base`] (0): words everyone speaks.
//! - [`config`], [`telemetry`], [`db`], [`storage`] (1): machinery, none of which knows another.
//! - [`http`] (2): the shape of every request and reply.
//! - [`security`] (3): one file = one practice.
//! - [`features`] (4): one folder = one thing that the API offers.
//! - [`app`] (5): wiring only.
//!
//! One request, from the socket to the reply: the listener (`app/listeners.rs`), the layers that every request meets
//! (`app/stack.rs`), its row in the table of routes (`app/routes.rs`) with size, budgets and caller (`app/gate.rs`,
//! [`security::limits::rate_limits`], [`security::sessions::caller`]), its path, query and body as values ([`http::params`], [`http::body`]), the
//! handler and the store of its feature (`features/invoices`), a transaction in which its owner is set ([`db::OwnerTx`]); and on
//! the way back the refusal's event (`security/audit/refusals.rs`), the body of a failure ([`http::problem`]) and the headers
//! ([`security::browser::headers`]).
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
pub mod features;
pub mod http;
pub mod security;
pub mod storage;
pub mod telemetry;
