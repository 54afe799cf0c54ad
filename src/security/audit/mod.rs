//! Security events: one typed vocabulary ([`kinds`]), how one is told ([`event`]) and of what it knows where it happens
//! ([`context`]), the events of refusals ([`refusals`]), the rows that last ([`recorder`], [`entry`]) the seals that show when
//! somebody changed one ([`hash_chain`], [`verify`]), what they add up to ([`rules`]), and what people are told of that ([`alerts`]).
//!
//! **Attack**: abuse that nobody sees; log lines that a client writes.
//! **Control**: a closed vocabulary with the names of OWASP's
//! logging vocabulary; values are typed (ids, fixed words, keyed hashes), never typed-in text. Each event is a line of the log
//! and a row that the service's role can add and not change. Recording never slows or fails a request.
//! **Limits**: an operator who throws log and database away.
//! **ASVS**: 16.2.1–16.2.4, 16.3.1–16.3.4, 16.4.1–16.4.3 · **Test**: `attacks::audit::security_events`, `attacks::audit::hash_chain`; and each
//! attack test asserts the event that it leaves

pub mod archive;
mod archive_store;
pub mod context;
pub mod entry;
pub mod event;
pub mod hash_chain;
pub mod heads;
pub mod kinds;
pub mod objects;
pub mod recorder;
pub mod refusals;
mod report;
pub(in crate::security) mod store;
pub mod tallies;
pub mod verify;
mod verify_store;
