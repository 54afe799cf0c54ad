//! Live events: a WebSocket notifies the client of changes to the caller's objects, even if another replica made them.
//!
//! Database triggers record changes. [`reader`] reads the changes, and [`hub`] sends each to its owner's sockets.
//! `socket` controls the lifetime of one WebSocket, and `client` stores its subscriptions.
//! Before each subscription and each event, [`store`] reads the object with the rights of the caller.
//!
//! Threats and controls:
//! - BOLA: a subscription to another user's object is refused. Test: `attacks::websockets::scope`.
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
