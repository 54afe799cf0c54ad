//! The abuser's part, by the OWASP API Security Top 10 (2023). Each test asserts the whole refusal, that nothing changed, and
//! the security event that it left.

mod authentication; // API2
mod cors; // API8
mod csrf; // API8
mod errors; // API8
mod headers; // API8
mod logs; // API8
mod mass_assignment; // API3
mod object_level; // API1
mod passwords; // API2
mod registration; // API2
mod resources; // API4
mod sessions; // API2
mod transport; // API8
