//! Attacks on WebSockets (API1, API2, API4, API8).

mod ends;
mod frames;
mod scope;
mod tickets;
