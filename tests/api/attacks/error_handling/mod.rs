//! API8: failures and refusals must not disclose internal details (ASVS V16.5).

mod failures;
mod refusal_texts;
