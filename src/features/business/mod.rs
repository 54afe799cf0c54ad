//! The caller's business: seller details on invoices, time zone and payment terms.
//!
//! Each user has exactly one business, so a business needs no id.
//! Until the user sets it, its name is the user's display name and its time zone is UTC.
//!
//! Threats and controls:
//! - BOLA: a request cannot select another user's business,
//!   because each statement uses the caller's id (`attacks::business_logic::business`).
//! - Changing the seller on issued invoices: an issued invoice takes the seller
//!   from `invoice_parties`, a table that the service can only read.
//! - A mistyped bank account: the service verifies the checksum of the IBAN.
//! - Lost update: a change requires `If-Match`.

pub mod docs;
pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
