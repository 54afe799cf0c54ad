//! API2:2023: attacks on access tokens, refresh tokens, revocation and logout (ASVS V7, V9).

mod access_tokens;
mod logout;
mod refresh_tokens;
mod revocations;
