//! Layer 5: connects the other layers to a program, and contains no business rules.
//!
//! - [`routes`] contains the route table.
//!   [`openapi`] generates the API's document from the route table, and [`gate`] enforces each row.
//! - [`stack`] lists the middleware in order. [`services`] creates the services that handlers use.
//!   [`management`] and `meters` serve the management port.
//! - [`server`] starts `listeners` ([`tls`], `open_files`) and background `workers` ([`supervisor`]).
//! - [`start_up`], [`admin`], [`audit`] and [`health`] contain the commands.
//!   [`failure`] contains their errors, and [`output`] prints their results.

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
