//! Floor 4: one folder = one thing that the API offers.

pub mod auth;
pub mod invoices;
pub mod users;
