//! Floor 5: wiring only. [`routes`] is the map of the API, as data; [`stack`] the layers around it, each with its reason;
//! [`services`] what handlers are given; [`server`] the listeners and the work beside them; [`start_up`] the commands.

pub mod gate;
pub mod openapi;
mod openapi_bounds;
pub mod routes;
pub mod server;
pub mod services;
pub mod stack;
pub mod start_up;
pub mod tls;
