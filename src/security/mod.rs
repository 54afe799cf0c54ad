//! Floor 3: one file (or folder, where it keeps rows) = one practice = one promise against one kind of abuse.
//!
//! Each head says the abuse it stops, how, what it does not stop, its ASVS 5.0 ids and its attack test under `tests/api/attacks/`.
//! Who calls them and in which order is wiring: `app/stack.rs` and `app/routes.rs`.

pub mod access_tokens;
pub mod body_limits;
pub mod caller;
pub mod cors;
pub mod credentials;
pub mod csrf;
pub mod cursors;
pub mod handed_secrets;
pub mod headers;
pub mod keys;
pub mod log;
pub mod login_guard;
pub mod passwords;
pub mod rate_limits;
pub mod refresh_tokens;
pub mod revocations;
pub mod secret_tokens;
pub mod transport;
