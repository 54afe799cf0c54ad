//! Floor 3: one file (or folder, where it keeps rows) = one practice = one promise against one kind of abuse.
//!
//! Each head says the abuse it stops, how, what it does not stop, its ASVS 5.0 ids and its attack test under `tests/api/attacks/`.
//! Who calls them and in which order is wiring: `app/stack.rs` and `app/routes.rs`.

pub mod access_tokens;
pub mod administrators;
pub mod body_limits;
pub mod caller;
pub mod connections;
pub mod cors;
pub mod credentials;
pub mod csrf;
pub mod cursors;
pub mod device_cookies;
pub mod handed_secrets;
pub mod headers;
pub mod heavy_work;
pub mod keys;
pub mod log;
pub mod login_challenge;
pub mod login_throttling;
pub mod mail_budgets;
pub mod management;
pub mod outbound;
pub mod passwords;
pub mod rate_limits;
pub mod refresh_tokens;
pub mod revocations;
pub mod row_quotas;
pub mod secret_tokens;
pub mod spreadsheets;
pub mod tickets;
pub mod transport;
pub mod uploads;
pub mod websockets;
