//! API3, API6: amounts and texts (ASVS V2.2).

mod amounts;
mod invisible_text;
