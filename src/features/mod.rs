//! Layer 4: one folder per resource or feature of the API.
//!
//! A folder contains `model` (types and rules, no I/O), `store` (SQL; each method takes the caller), `views` (request and
//! response types) and `handlers` (one function per endpoint). Features do not import each other. The few exceptions are listed
//! in `tests/api/contract/layers.rs`.

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
