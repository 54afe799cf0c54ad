//! Layer 3: the security practices. Each chapter of OWASP ASVS 5.0 has a folder, and each practice has a file or folder
//! in it.
//!
//! The head of each practice names the attack (CWE, OWASP API Top 10), the control, its limits, its ASVS ids and its
//! attack test under `tests/api/attacks/`. `app/stack.rs` and `app/routes.rs` decide which practices a request passes,
//! and in which order.

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
