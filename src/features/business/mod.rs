//! The caller's business: seller details on invoices, time zone and payment terms.
//!
//! Each user has exactly one business, so a business needs no id.
//! Until a user sets the business, its name is the user's display name and its time zone is UTC.
//!
//! Threats and controls:
//! - BOLA: each statement uses the caller's id, so no request can select another user's business.
//!   Test: `attacks::business_logic::business`.
//! - A changed seller on issued invoices: the table `invoice_parties` stores the seller, and the service can only read
//!   this table.
//! - A mistyped bank account: the service verifies the checksum of the IBAN.
//! - Lost update: a change requires `If-Match`.

pub mod docs;
pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
