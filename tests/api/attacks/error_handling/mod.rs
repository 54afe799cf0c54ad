//! API8: what failures and refusals disclose (ASVS V16.5).

mod failures;
mod refusal_texts;
