//! Floor: see lib.rs.

pub mod access_tokens;
pub mod cursors;
pub mod keys;
pub mod refresh_tokens;
pub mod secret_tokens;
