//! API2:2023: access tokens, refresh tokens, revocation, logout (ASVS V7, V9).

mod access_tokens;
mod logout;
mod refresh_tokens;
mod revocations;
