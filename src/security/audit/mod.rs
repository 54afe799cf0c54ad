//! Security events and audit trail (CWE-778, CWE-117, API8:2023).
//!
//! - [`event`] and [`context`] record an event of one of the [`kinds`]. [`refusals`] records an event for each refused
//!   request.
//! - [`recorder`], [`entry`] and [`aggregates`] store events.
//! - [`hash_chain`], [`chain_heads`] and [`verify`] detect changes of stored events. [`archive`] moves old events to
//!   files.
//!
//! **Attack**: an attacker abuses the service without leaving a trace, or forges lines of the log (log injection).
//! **Control**: events use a closed vocabulary with the names of the OWASP Logging Vocabulary.
//! The values in an event are typed: ids, fixed words and keyed hashes, never text from a client.
//! Each event is a log line and a database row. The service's database role can insert rows but cannot change them.
//! A request does not wait until its event is stored, and it succeeds even if storing fails.
//! Critical actions are the exception: they are refused if their event cannot be stored.
//! **Limits**: an operator can destroy both the log and the database.
//! **ASVS**: 16.2.1–16.2.4, 16.3.1–16.3.4, 16.4.1–16.4.3
//! **Test**: `attacks::audit::security_events`, `attacks::audit::hash_chain`. Every other attack test also asserts the
//! event of the refusal.

pub mod aggregates;
pub mod archive;
mod archive_store;
pub mod chain_heads;
pub mod context;
pub mod entry;
pub mod event;
pub mod hash_chain;
pub mod kinds;
pub mod objects;
pub mod recorder;
pub mod refusals;
mod report;
pub(in crate::security) mod store;
pub mod verify;
mod verify_store;
