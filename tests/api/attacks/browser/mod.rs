//! API8: pages of other origins (ASVS V3).

mod cors;
mod csrf;
mod headers;
