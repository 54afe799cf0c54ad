//! The caller's business: how they appear as the seller on their invoices, and by which days they count.
//!
//! There is one for each user, without an id. Until it is set it has the user's display name and UTC.
//!
//! Threats: reading or changing another user's (four walls, `attacks::business_logic::business`); changing what stands on an issued invoice (the
//! table `invoice_parties`, which the service can only read); a mistyped account number (its checksum); a lost update (`If-Match`).

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
