//! What works, and what is said when it cannot.

mod accounts;
mod configuration;
mod customers;
mod development;
mod health;
mod invoices;
