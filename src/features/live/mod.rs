//! Live events: a WebSocket notifies the client of changes to the caller's objects, also on other replicas.
//!
//! - [`model`] defines topics, changes and subscriptions. [`views`] defines the messages.
//! - [`store`] and [`reader`] read the changes that database triggers record.
//!   [`hub`] delivers changes to the owner's sockets.
//! - [`store`] also reads the version of an object with the rights of the caller.
//!   This read is the access check of each subscription and each event.
//! - `socket` controls the lifetime of one socket. `connection` sends and receives messages.
//! - `client` stores the subscriptions of one client and sends it events.
//!   [`handlers`] issues tickets and opens sockets.
//!
//! Threats and controls:
//! - BOLA: a subscription to another user's object is refused, because the service reads the object with the rights of
//!   the caller.
//!   Test: `attacks::websockets::scope`.
//! - Cross-site WebSocket hijacking: a ticket is valid only once (`security/sessions/tickets`).
//!   The handshake also checks the `Origin`.
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
