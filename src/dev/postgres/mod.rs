//! An embedded PostgreSQL server for `cargo run` and `cargo test`, so that both work without configuration.
//!
//! The service uses this module only if `DATABASE_URL` is not set. The module guarantees:
//! - The server listens only on a Unix socket in a folder of mode 0700.
//!   So no port can conflict, and other users cannot connect.
//!   PostgreSQL requires no password (`trust`), because the mode of the folder already restricts access.
//! - The server never runs as root, and does not inherit the environment of the service, which may contain keys.
//! - The server ends when the service ends, for any reason ([`cluster::Watch`]).
//! - The development database ([`dev`]) survives a crash. The test database (`tests/api/support/database.rs`) does not.
//!
//! [`programs`] finds PostgreSQL, and `fetch` downloads it. [`user`] selects the user that runs the server.
//! [`home`] determines the folders, and [`cluster`] creates and starts the server.

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
