//! Public documents about the service: problem codes, contact for vulnerability reports, public keys of access tokens.

pub mod handlers;
mod problems;
