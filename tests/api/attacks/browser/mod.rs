//! API8: attacks by pages of other origins (ASVS V3).

mod cors;
mod csrf;
mod demo_users;
mod headers;
