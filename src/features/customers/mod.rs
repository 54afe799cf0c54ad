//! Customers: the people and companies that a user invoices.
//!
//! - [`model`]: the customer. [`store`]: SQL. [`views`]: request and response types. [`handlers`]: endpoints.
//!
//! Threats and controls:
//! - BOLA: another user's customer (four walls, `attacks::authorization::object_level`).
//! - Mass assignment (`attacks::authorization::mass_assignment`).
//! - Lost update (`If-Match`).
//! - Deleting a customer with invoices: the foreign key refuses it. A check before the delete could race with a new invoice.

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
