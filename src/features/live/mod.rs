//! Live events: a socket on which a client hears of changes of his objects, whichever replica made them.
//!
//! - [`model`]: what there is to subscribe to, and a change as it is announced. [`views`]: the messages.
//! - [`hub`]: hears announcements and hands them to the owner's sockets. [`objects`]: the stores, through which each subscription
//!   and each event is checked. `socket`: one socket's life, `client`: the talk on it. [`handlers`]: the ticket and the handshake.
//!
//! Threats: another user's id in a message (the same stores as the REST reads, asked for each message, `attacks::websockets::scope`);
//! a socket without its owner's will (`security/sessions/tickets`); one that uses up the service (`security/websockets`).

mod client;
pub mod handlers;
pub mod hub;
pub mod model;
pub mod objects;
mod socket;
pub mod views;
mod wire;
