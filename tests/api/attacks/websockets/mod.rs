//! Attacks on WebSockets (API1, API2, API4, API8): on authentication, authorization, resource limits and the end of
//! sessions.

mod ends;
mod frames;
mod scope;
mod tickets;
