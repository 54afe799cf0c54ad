//! Attacks on input validation (API3:2023, API6:2023; ASVS V2.2): bounds, amounts and texts.

mod amounts;
mod bounds;
mod invisible_text;
