//! Invoices: drafts that become due, are paid and stay.

pub mod model;
pub mod totals;
