//! Credit notes: cancel an issued invoice in full or in part. The invoice itself does not change.
//!
//! - [`model`]: computed amounts. [`store`]: SQL. [`views`]: request and response types. [`handlers`]: endpoints. The PDF is in
//!   `invoices/pdf`.
//!
//! Threats and controls (`attacks::business_logic::credit_notes`):
//! - Crediting more than was invoiced, also by parallel requests (race condition, CWE-362). The invoice's row is locked, and the
//!   constraint `invoices_credited` refuses the rest.
//! - BOLA: crediting or reading another user's invoice (four walls, `attacks::authorization::object_level`).
//! - Mass assignment of total or number (`attacks::authorization::mass_assignment`).

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
