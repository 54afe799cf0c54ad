//! Security events and audit trail (CWE-778, CWE-117, API8:2023).
//!
//! - [`kinds`]: the closed vocabulary. [`event`], [`context`]: recording an event. [`refusals`]: the events of 4xx
//!   responses.
//! - [`recorder`], [`entry`], [`aggregates`]: storing events. [`hash_chain`], [`chain_heads`], [`verify`]: detecting
//!   changes. [`archive`]: retention.
//!
//! **Attack**: an attacker abuses the service without leaving a trace, or forges lines of the log (log injection).
//! **Control**: events use a closed vocabulary, named as in the OWASP Logging Vocabulary. Values are typed: ids, fixed
//! words and keyed hashes, never client input. Each event is a log line and a database row. The service's role can
//! insert rows but not change them. Recording an event never delays or fails a request.
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
