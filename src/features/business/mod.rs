//! The caller's business: seller details on invoices, time zone and payment terms.
//!
//! Each user has exactly one business, so a business needs no id. Until the user sets it, its name is the user's
//! display name and its time zone is UTC.
//!
//! Threats and controls:
//! - BOLA: no request names a business. Each statement uses the caller's id (`attacks::business_logic::business`).
//! - Changing the seller on issued invoices: these take the seller from `invoice_parties`, a table that the service's
//!   role can only read.
//! - A mistyped bank account: the checksum of the IBAN is verified.
//! - Lost update: `If-Match`.

pub mod docs;
pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
