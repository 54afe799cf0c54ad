//! Customers: the people and companies that a user invoices.
//!
//! - [`id`] and [`model`] define a customer. [`store`] contains the SQL.
//!   [`views`] contains the request and response types.
//! - [`docs`] contains the texts of the OpenAPI document. [`super::resources`] contains the endpoints.
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
