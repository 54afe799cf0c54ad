//! Credit notes, which cancel an issued invoice in full or in part. The content of the invoice does not change.
//!
//! Threats and controls (test: `attacks::business_logic::credit_notes`):
//! - Race condition (CWE-362): parallel requests could together credit more than the invoice.
//!   So each request locks the invoice's row.
//!   The constraint `invoices_credited` of the table is a second control (defense in depth).
//! - BOLA: another user's invoice returns 404, like a missing invoice. Test: `attacks::authorization::object_level`.
//! - Mass assignment: a request that sets total or number is refused.
//!   Test: `attacks::authorization::mass_assignment`.

pub mod docs;
pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
