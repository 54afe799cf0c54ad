//! A PostgreSQL of our own for `cargo run` and `cargo test`, so that both work on a machine where nothing is configured.
//!
//! Never in production: with `DATABASE_URL` set, nothing here runs. What is promised:
//! - it listens on a Unix socket in a folder of mode 0700 and on no port: nothing clashes, nobody else can connect
//!   (authentication is `trust`, so that folder is the wall);
//! - it never runs as root, and gets none of the service's environment, which may hold keys;
//! - it ends by itself when the service ends, however that happens ([`cluster::Watch`]);
//! - the development database ([`dev`]) is durable; the one of the tests (`tests/api/support/database.rs`) is not.
//!
//! [`programs`] finds PostgreSQL, `fetch` downloads it, [`user`] says as whom it runs, [`home`] where it lives,
//! [`cluster`] makes and starts one.

pub mod cluster;
pub mod dev;
mod error;
#[cfg(feature = "fetch-postgres")]
mod fetch;
mod folder;
pub mod home;
pub mod programs;
mod roles;
pub mod user;

pub use dev::{DevServer, DevServerConfig};
pub use error::EmbeddedError;
pub use roles::{APP, DATABASE, OWNER, Role, create_roles};
