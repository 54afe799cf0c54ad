//! Layer 5: wiring only.
//!
//! - [`routes`]: the route table; [`openapi`]: the document that is generated from it; [`gate`]: enforces each row.
//! - [`stack`]: the middleware, in order; [`services`]: what handlers use; [`management`] and `meters`: the port for operators.
//! - [`server`]: the running service: `listeners` ([`tls`], `open_files`) and `workers`.
//! - [`start_up`], [`admin`], [`audit`], [`health`]: the commands; [`failure`], [`output`]: their errors and output.

pub mod admin;
pub mod audit;
mod database;
#[cfg(feature = "dev")]
pub mod development;
pub mod docs;
pub mod failure;
pub mod gate;
pub mod health;
mod listeners;
pub mod management;
mod meters;
mod open_files;
pub mod openapi;
pub mod output;
pub mod routes;
pub mod server;
pub mod services;
pub mod stack;
pub mod start_error;
pub mod start_up;
pub mod supervisor;
pub mod tls;
mod wiring;
mod workers;
