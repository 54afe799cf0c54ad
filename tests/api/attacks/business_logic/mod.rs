//! Business logic (API1:2023, API6:2023; ASVS V2.3): attacks on invoice numbers and dates, credit notes and
//! transactions.

mod business;
mod credit_notes;
mod transactions;
