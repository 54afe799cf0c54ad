//! Floor 4: what the API offers, one folder a thing.
//!
//! Inside a folder: `model.rs` decides (no I/O), `store.rs` keeps (SQL; each method takes the `Caller`), `views.rs` is the wire,
//! `handlers.rs` has one function a verb: parse, decide, keep, reply. Features import each other only where
//! `tests/api/contract/floors.rs` lists it.

pub mod about;
pub mod customers;
pub mod demo;
pub mod health;
pub mod invoices;
