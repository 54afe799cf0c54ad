//! API1, API6: invoice numbers, credit notes, transactions (ASVS V2.3).

mod business;
mod credit_notes;
mod transactions;
