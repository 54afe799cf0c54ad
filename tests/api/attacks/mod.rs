//! Attack tests, in the same folders as `src/security`. Each test plays the attacker. It asserts three things: the
//! whole refusal, that nothing changed, and the security event of the attack. Numbers such as API1 are those of the
//! OWASP API Security Top 10 (2023).

mod audit;
mod authentication;
mod authorization;
mod browser;
mod business_logic;
mod communication;
mod crypto;
pub mod detection;
mod error_handling;
mod files;
mod limits;
mod sessions;
mod validation;
mod websockets;
