//! Attack tests, in the same folders as `src/security`. Each test sends an attack, and asserts three results: the whole
//! refusal, unchanged data, and the security event. API1 to API10 are the OWASP API Security Top 10 (2023).

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
