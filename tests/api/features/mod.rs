//! What works, and what is said when it cannot.

mod accounts;
mod configuration;
mod customers;
mod development;
mod first_run;
mod health;
mod idempotency;
mod invoice_life;
mod invoices;
