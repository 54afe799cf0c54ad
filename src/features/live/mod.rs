//! Live events: a WebSocket notifies the client of changes to the caller's objects, made by any replica.
//!
//! - [`model`] defines topics, changes and subscriptions. [`views`] defines the messages.
//! - [`store`] and [`reader`] read the changes that database triggers record.
//!   [`hub`] delivers changes to the owner's sockets.
//! - [`store`] also reads the version of an object. This read checks each subscription and each event.
//! - `socket` controls the lifetime of one socket. `connection` sends and receives messages.
//! - `client` stores the subscriptions of one client and sends it events.
//!   [`handlers`] issues tickets and opens sockets.
//!
//! Threats and controls:
//! - BOLA: a client subscribes to another user's object. Each object is read with the rights of the socket's user.
//!   So the subscription is refused (`attacks::websockets::scope`).
//! - Cross-site WebSocket hijacking: tickets are valid once (`security/sessions/tickets`), and `Origin` is checked.
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
