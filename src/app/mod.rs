//! Floor 5: wiring only. [`routes`] is the map of the API, as data, and [`openapi`] tells it; [`gate`] enforces each row; [`stack`] is
//! the layers around it, each with its reason; [`services`] what handlers are given; [`management`] the operator's own port, with
//! the metrics that `meters` registers; [`server`] the running service, from its `listeners` ([`tls`], `open_files`) and `workers`;
//! [`start_up`], [`admin`] and [`audit`] the commands, why they end ([`failure`]) and how they print ([`output`]).

pub mod admin;
pub mod audit;
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
