//! An embedded PostgreSQL server for `cargo run` and `cargo test`, so that both work without configuration.
//!
//! The service uses this module only if `DATABASE_URL` is not set. The module guarantees:
//! - The server listens only on a Unix socket in a folder of mode 0700, so other users cannot connect.
//!   Therefore PostgreSQL requires no password (`trust`).
//! - The server never runs as root, and does not inherit the service's environment, which may contain keys.
//! - The server ends when the service ends, for any reason ([`cluster::Watch`]).
//! - The development database ([`dev`]) survives a crash. The test database (`tests/api/support/database.rs`) does not.

pub mod cluster;
pub mod dev;
mod error;
mod fetch;
mod folder;
pub mod home;
pub mod programs;
mod roles;
pub mod user;

pub use dev::{DevServer, DevServerConfig};
pub use error::EmbeddedError;
pub use roles::{DATABASE, Role, create_roles};
