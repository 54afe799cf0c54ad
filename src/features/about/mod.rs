//! Public documents: the problem codes, the contact for vulnerability reports, and the public keys of access tokens.

pub mod docs;
pub mod handlers;
mod problems;
