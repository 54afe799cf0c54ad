//! Layer 3: the security practices, one folder per chapter of OWASP ASVS 5.0, one file or folder per practice.
//!
//! Each head names the attack (CWE, OWASP API Top 10), the control, what it does not stop, its ASVS ids and its attack test under
//! `tests/api/attacks/`. `app/stack.rs` and `app/routes.rs` decide who calls them, and in which order.

pub mod audit;
pub mod authentication;
pub mod authorization;
pub mod browser;
pub mod communication;
pub mod crypto;
pub mod detection;
pub mod files;
pub mod limits;
pub mod sessions;
pub mod websockets;
