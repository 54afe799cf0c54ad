//! Invoices: drafts, issue, payments, credit notes, CSV export and PDF.
//!
//! [`model`] contains the state machine of an invoice, and [`totals`] computes the amounts.
//! [`calendar`] computes dates in the time zone of the business.
//! [`views`] contains the query parameters, [`draft_body`] the request bodies, and `invoice_views` the responses.
//!
//! Threats and controls:
//! - BOLA: another user's invoice returns 404, like a missing invoice. Test: `attacks::authorization::object_level`.
//! - Mass assignment: a request that sets a total or a number is refused (`attacks::authorization::mass_assignment`).
//! - Integer overflow and rounding errors: [`totals`] uses checked integers and one rounding rule.
//! - Lost update: a change requires `If-Match`.
//! - A change of an issued invoice: [`model`] refuses the change.
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
pub mod preview;
mod rows;
pub mod status_sums;
pub mod store;
pub mod summary;
pub mod totals;
pub mod transition_error;
pub mod views;
