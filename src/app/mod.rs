//! Layer 5: combines the other layers into a program. It contains no business rules.
//!
//! - Routes: [`routes`] contains the route table, and [`gate`] enforces each row.
//!   [`openapi`] generates the OpenAPI document from the table.
//! - Requests: [`stack`] lists the middleware in order. [`services`] creates the services that handlers use.
//! - Management port: [`management`] serves it, and `meters` registers the metrics.
//! - Server: [`server`] starts `listeners` ([`tls`], `open_files`) and background `workers` ([`supervisor`]).
//! - Commands: [`start_up`], [`admin`], [`audit`] and [`health`] contain them.
//!   [`failure`] contains their errors, and [`output`] prints results.

pub mod admin;
pub mod audit;
mod database;
#[cfg(feature = "dev")]
pub mod development;
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
