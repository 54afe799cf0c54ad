//! Invoices: drafts that become due, are paid and stay.
//!
//! - [`model`]: an invoice and its life, [`totals`]: what it comes to, [`quantity`]: exact decimals; [`summary`]: a list's item.
//! - [`payments`]: what came in on an invoice.
//! - [`store`]: the statements (`rows`: what the tables have). [`views`]: the wire (`replies`: what is read). [`handlers`]: one function a verb.
//!
//! Threats: reading or changing another user's invoice, or hanging one on his customer (four walls, `attacks::object_level`);
//! choosing one's own total, number or status (`attacks::mass_assignment`); sums that overflow or do not add up (`totals`); a
//! lost update (`If-Match`); rewriting an invoice that was issued (`model`).

pub mod handlers;
pub mod model;
mod payment_store;
pub mod payments;
pub mod quantity;
mod replies;
mod rows;
pub mod store;
pub mod summary;
pub mod totals;
pub mod views;
