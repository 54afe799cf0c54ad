//! Floor 2: the shape of every request and every reply.
//!
//! - [`error`]: one closed enum, the only chooser of an error's status; [`problem`]: how it looks on the wire; [`challenge`]: work that a refusal may ask for.
//! - [`body`]: a JSON body becomes a validated value or a 400 that names the field; [`params`]: the same for paths and
//!   queries. Handlers see nothing raw. [`object`]: fields have names; [`rules`]: what a field may hold; [`partial`]: a
//!   field left out is not a null. [`typed`]: directional marks are removed from what people type.
//!   [`values`]: integers and words. `faults`: what is wrong with a field, in our own words.
//! - [`form`]: a form with a file, part by part as it arrives.
//! - [`client_ip`]: whose address it is. [`matched_route`]: what it asks for. [`cookies`]: one cookie, or none. [`request_span`]: what the log says of a request;
//!   [`metering`]: what is counted of it; [`trace_context`]: whose trace it is part of.
//! - [`head`]: HEAD without a body. [`disposition`], [`ranges`]: a file, under its name, whole or in part.
//! - [`conditional`]: `ETag` and `If-Match`; [`idempotency`]: what is asked twice is done once. [`deadline`], [`panics`]: no request hangs, none ends without a reply.
//!   [`lifecycle`]: how far a graceful shutdown has come.

pub mod body;
pub mod challenge;
pub mod client_ip;
pub mod conditional;
pub mod cookies;
pub mod deadline;
pub mod disposition;
pub mod error;
mod faults;
pub mod file_name;
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
pub mod trace_context;
pub mod typed;
pub mod values;
