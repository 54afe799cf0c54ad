//! Live events: a WebSocket that notifies a client of changes to its own objects, on all replicas.
//!
//! - [`model`]: topics, changes and subscriptions. [`views`]: the messages.
//! - [`hub`]: receives PostgreSQL notifications and delivers them to the owner's sockets.
//! - [`objects`]: the stores that check each subscription and each event.
//! - `socket`: the lifetime of one socket. `connection`: its messages. `client`: subscriptions and events of one client.
//! - [`handlers`]: tickets and handshakes.
//!
//! Threats:
//! - BOLA, another user's id in a message: each message is checked by the stores of the REST API (`attacks::websockets::scope`);
//! - cross-site WebSocket hijacking: single-use tickets (`security/sessions/tickets`) and `Origin` checks;
//! - resource exhaustion: `security/websockets`.

mod client;
mod connection;
pub mod handlers;
pub mod hub;
pub mod model;
pub mod objects;
mod socket;
pub mod views;
