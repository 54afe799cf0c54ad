//! API8: attacks on the audit trail, and on what the service logs (ASVS V16).

mod archive;
mod hash_chain;
mod logs;
mod sealing;
mod security_events;
mod traces;
