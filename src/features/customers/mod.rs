//! Customers: whom a user writes invoices to.
//!
//! - [`model`]: what a customer is. [`store`]: the statements. [`views`]: the wire. [`handlers`]: one function a verb.
//!
//! Threats: reading or changing another user's customer (four walls, `attacks::authorization::object_level`); taking over fields that are not
//! the client's (`attacks::authorization::mass_assignment`); a lost update (`If-Match`). A customer with invoices cannot be deleted: the
//! foreign key says so, and no question asked beforehand could be overtaken.

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
