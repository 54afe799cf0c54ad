//! Live events: a WebSocket notifies the client of changes to the caller's objects, no matter which replica made them.
//!
//! - [`model`]: topics, changes and subscriptions. [`views`]: the messages.
//! - [`store`] and [`reader`]: read the changes that database triggers record.
//!   [`hub`]: delivers them to the owner's sockets.
//!   The store also reads the version of an object, which checks each subscription and each event.
//! - `socket`: the lifetime of one socket. `connection`: sends and receives messages.
//!   `client`: the subscriptions and events of one client.
//! - [`handlers`]: tickets and handshakes.
//!
//! Threats and controls:
//! - BOLA: a client subscribes to another user's object. Each object is read with the rights of the socket's user,
//!   so the subscription is refused (`attacks::websockets::scope`).
//! - Cross-site WebSocket hijacking: single-use tickets (`security/sessions/tickets`) and `Origin` checks.
//! - Resource exhaustion: `security/websockets` limits sockets and messages.

mod client;
mod connection;
pub mod docs;
pub mod handlers;
pub mod hub;
pub mod model;
pub mod reader;
mod socket;
pub mod store;
pub mod views;
