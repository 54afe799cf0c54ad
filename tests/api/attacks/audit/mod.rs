//! API8: the audit trail and what is logged (ASVS V16).

mod archive;
mod hash_chain;
mod logs;
mod sealing;
mod security_events;
mod traces;
