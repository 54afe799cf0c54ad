//! Layer 2: how requests are parsed and validated, and how replies are formed.
//!
//! - Errors: [`error`] chooses each status, [`problem`] writes the body (RFC 9457), [`challenge`] is a proof of work.
//! - Input validation: [`body`] parses JSON, [`params`] parses paths and queries, and [`form`] parses uploads.
//! - Single fields: [`object`], [`partial`], [`values`], [`user_text`] and [`rules`] validate them.
//!   `faults` writes the messages.
//! - Properties of a request: [`client_ip`], [`matched_route`], [`cookies`] and [`trace_context`].
//! - Observability: [`request_span`] writes the log, and [`metering`] counts requests.
//! - Replies: [`reply`], [`file_reply`], [`head`], [`disposition`] and [`ranges`].
//! - [`signature`] collects the types of a handler for the OpenAPI document.
//! - [`conditional`] implements optimistic locking, and [`idempotency`] implements `Idempotency-Key`.
//! - Robustness: [`deadline`], [`panics`], and [`lifecycle`] for graceful shutdown.

pub mod body;
pub mod challenge;
pub mod client_ip;
pub mod conditional;
pub mod cookies;
pub mod deadline;
mod dependency_errors;
pub mod disposition;
pub mod error;
mod faults;
pub mod file_name;
pub mod file_reply;
pub mod form;
pub mod head;
pub mod idempotency;
pub mod lifecycle;
pub mod matched_route;
pub mod metering;
pub mod object;
pub mod panics;
pub mod params;
mod part_lengths;
pub mod partial;
pub mod problem;
pub mod ranges;
pub mod reply;
pub mod request_span;
pub mod rules;
pub mod signature;
pub mod trace_context;
pub mod user_text;
pub mod values;
