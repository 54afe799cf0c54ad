//! Layer 4: one folder per resource or feature of the API.
//!
//! A folder contains up to six modules:
//! - `id` contains the type of the id, and the kind of object.
//! - `model` contains types and rules. It uses neither the database nor the web framework.
//! - `store` contains the SQL. Each method requires the caller.
//! - `views` contains the request and response types.
//! - `handlers` contains one function for each endpoint. The handlers in [`resources`] are generic.
//! - `docs` contains the texts of the OpenAPI document.
//!
//! Features do not import each other, except the few cases in `tests/api/contract/layers.rs`.
//! Every feature may import the ids of other features.

pub mod about;
pub mod admin;
pub mod auth;
pub mod business;
pub mod console;
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
pub mod security_summary;
pub mod users;

use resources::Registration;

use crate::security::audit::objects::ObjectKind;

/// All kinds of objects that belong to users.
pub const RESOURCES: &[Registration] = &[
    customers::docs::REGISTRATION,
    invoices::docs::REGISTRATION,
    invoices::credit_notes::docs::REGISTRATION,
    documents::docs::REGISTRATION,
];

/// Returns all kinds of objects whose id can be in the path of a request.
pub fn object_kinds() -> impl Iterator<Item = ObjectKind> {
    RESOURCES.iter().map(|resource| resource.kind).chain([ObjectKind::SESSION, ObjectKind::USER])
}

pub fn live_kinds() -> impl Iterator<Item = ObjectKind> {
    RESOURCES.iter().filter(|resource| resource.is_live).map(|resource| resource.kind)
}

/// Returns the kind of object to which `{id}` refers in this route.
#[must_use]
pub fn kind_of_route(route: &str) -> Option<ObjectKind> {
    let (collection, _) = route.split_once("/{id}")?;
    object_kinds().find(|kind| kind.collection == collection)
}
