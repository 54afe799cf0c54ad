//! Invoices: drafts that become due, are paid and stay.
//!
//! - [`model`]: an invoice and its life, [`totals`]: what it comes to, [`decimals`]: exact decimals; [`summary`]: a list's item.
//! - [`days`]: which day it is for the business. [`payments`]: what came in on an invoice. [`credit_notes`]: what is taken back.
//!   [`export`]: all of them as CSV. [`pdf`]: one on paper.
//! - [`store`]: the statements (`list_store`: those of lists; `rows`: what the tables have). [`views`]: queries on the wire; [`drafts`]: what is written; `replies`: what is read. [`handlers`]: one function a verb.
//!
//! Threats: reading or changing another user's invoice, or hanging one on his customer (four walls, `attacks::authorization::object_level`);
//! choosing one's own total, number or status (`attacks::authorization::mass_assignment`); sums that overflow or do not add up (`totals`); a
//! lost update (`If-Match`); rewriting an invoice that was issued (`model`), or the names on it (the table `invoice_parties`).

pub mod calendar;
mod calendar_store;
pub mod credit_notes;
pub mod decimals;
pub mod drafts;
pub mod export;
pub mod handlers;
mod list_store;
pub mod model;
mod payment_store;
pub mod payments;
pub mod pdf;
mod replies;
mod rows;
pub mod store;
pub mod summary;
pub mod totals;
pub mod views;
