//! Customers: the people and companies that a user invoices.
//!
//! Threats and controls:
//! - BOLA: another user's customer returns 404, like a missing customer. Test: `attacks::authorization::object_level`.
//! - Mass assignment: unknown fields are refused. Test: `attacks::authorization::mass_assignment`.
//! - Lost update: a change requires `If-Match`.
//! - Invoices without a customer: a foreign key refuses to delete a customer who has invoices.

pub mod docs;
pub mod id;
pub mod model;
pub mod store;
pub mod views;
