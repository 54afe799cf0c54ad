//! The caller's business: seller details on invoices, time zone and payment terms.
//!
//! Each user has one business, without an id. Until it is set, it has the user's display name and UTC.
//!
//! Threats and controls:
//! - BOLA: another user's business (four walls, `attacks::business_logic::business`).
//! - Changing the seller on issued invoices: they use the table `invoice_parties`, which the service can only read.
//! - Mistyped bank account: the checksum of the IBAN is verified.
//! - Lost update (`If-Match`).

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
