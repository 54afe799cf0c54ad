//! The security practices: layer 3 of `docs/ARCHITECTURE.md`. The folders follow the chapters of OWASP ASVS 5.0.
//! Each file or folder in them is one practice.
//!
//! The head of each practice describes the attack (CWE, OWASP API Top 10), the control, its limits, its ASVS ids and
//! its attack test in `tests/api/attacks/`.
//! `app/stack.rs` and `app/routes.rs` decide which practices apply to a request, and in what order.

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
