//! Floor 4: one folder = one thing that the API offers.
//!
//! In a folder: `model` (types and rules, no I/O), `store` (statements, each with its caller), `views` (what is on the wire),
//! `handlers` (one function a verb: parse, decide, keep, reply). Siblings do not import each other, but for the short list in
//! `tests/api/contract/floors.rs`.

pub mod about;
pub mod admin;
pub mod auth;
pub mod business;
pub mod customers;
pub mod demo;
pub mod documents;
pub mod events;
pub mod health;
pub mod invoices;
pub mod live;
pub mod mail_pages;
pub mod reference;
pub mod users;
