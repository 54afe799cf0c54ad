//! Invoices: drafts, issue, payments, credit notes, CSV export and PDF.
//!
//! - [`model`]: the invoice and its state machine. [`totals`]: computed amounts. [`decimals`]: exact decimals.
//! - [`summary`]: list items, filters and sort orders. [`calendar`]: dates in the time zone of the business.
//! - [`payments`], [`credit_notes`], [`export`] (CSV), [`pdf`].
//! - [`store`], `list_store`, `calendar_store`, `payment_store`: SQL. `rows`: conversion between rows and model types.
//! - [`views`]: query parameters. [`draft_body`]: request bodies. `invoice_views`: responses. [`handlers`]: endpoints.
//!
//! Threats and controls:
//! - BOLA: a request for another user's invoice or customer receives the same response as
//!   for a missing one (`attacks::authorization::object_level`).
//! - Mass assignment: a request that sets total, number
//!   or status is refused (`attacks::authorization::mass_assignment`).
//! - Integer overflow and rounding errors: [`totals`] uses checked integers and one rounding rule.
//! - Lost update: a change requires `If-Match`.
//! - Changing an issued invoice: [`model`] refuses the change.
//!   The table `invoice_parties` stores seller and customer as they were on the issue date.

pub mod calendar;
mod calendar_store;
pub mod credit_notes;
pub mod decimals;
pub mod docs;
pub mod draft_body;
pub mod export;
pub mod handlers;
pub mod id;
mod invoice_views;
mod list_store;
pub mod model;
mod payment_store;
pub mod payments;
pub mod pdf;
mod rows;
pub mod store;
pub mod summary;
pub mod totals;
pub mod transition_error;
pub mod views;
