//! Floor 4: one folder = one thing that the API offers.

pub mod invoices;
