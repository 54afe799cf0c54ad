//! An embedded PostgreSQL server for `cargo run` and `cargo test`, so that both work without configuration.
//!
//! For development only: with `DATABASE_URL` set, nothing here runs. Guarantees:
//! - It listens only on a Unix socket in a folder of mode 0700. There is no port to conflict, and other users cannot connect.
//!   Authentication is `trust`, so the folder's mode is the access control.
//! - It never runs as root, and does not inherit the service's environment, which may contain keys.
//! - It ends when the service ends, for any reason ([`cluster::Watch`]).
//! - The development database ([`dev`]) is durable; the test database (`tests/api/support/database.rs`) is not.
//!
//! [`programs`] finds PostgreSQL, `fetch` downloads it, [`user`] selects the user that runs it, [`home`] the folders, and
//! [`cluster`] creates and starts a server.

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
