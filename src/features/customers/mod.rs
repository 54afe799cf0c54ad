//! Customers: the people and companies that a user invoices.
//!
//! - [`id`], [`model`]: the customer. [`store`]: SQL. [`views`]: request and response types.
//!   [`docs`]: texts of the API document.
//! - The endpoints are those of every resource ([`super::resources`]).
//!
//! Threats and controls:
//! - BOLA: another user's customer returns 404, like a missing one (`attacks::authorization::object_level`).
//! - Mass assignment: unknown fields are refused (`attacks::authorization::mass_assignment`).
//! - Lost update: a change requires `If-Match`.
//! - Deleting a customer who has invoices: a foreign key refuses the deletion.

pub mod docs;
pub mod id;
pub mod model;
pub mod store;
pub mod views;
