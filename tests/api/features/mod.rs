//! What works, and what is said when it cannot.

mod about;
mod account_deletion;
mod accounts;
mod administration;
pub mod business;
mod command_line;
mod configuration;
mod customers;
mod development;
mod document_bucket;
mod document_crash;
mod document_memory;
pub mod documents;
mod first_run;
mod health;
mod idempotency;
mod invoice_life;
mod invoice_lists;
mod invoice_parties;
mod invoice_pdf;
mod invoice_totals;
mod invoices;
mod live;
mod mail_pages;
mod metrics;
mod reference;
mod shutdown;
