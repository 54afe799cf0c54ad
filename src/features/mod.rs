//! Layer 4: one folder per resource or feature of the API.
//!
//! A folder contains up to five modules:
//! - `model`: types and rules, without input or output.
//! - `store`: SQL. Each method takes the caller.
//! - `views`: request and response types.
//! - `handlers`: one function per endpoint. Those of [`resources`] are generic.
//! - `docs`: the texts of the OpenAPI document.
//!
//! Features do not import each other. `tests/api/contract/layers.rs` lists the few exceptions.

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
pub mod resources;
pub mod users;
