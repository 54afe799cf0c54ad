//! Layer 3: the security practices. The folders are grouped as the chapters of OWASP ASVS 5.0.
//! Each file or folder in such a folder is a practice.
//!
//! The head of each practice describes the attack (CWE, OWASP API Top 10), the control, its limits, its ASVS ids and
//! its attack test in `tests/api/attacks/`. `app/stack.rs` and `app/routes.rs` decide which practices apply to a
//! request, and in which order.

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
