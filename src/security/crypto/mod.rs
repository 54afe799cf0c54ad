//! Cryptography (ASVS V11): keys with one purpose each, random tokens that are stored as hashes, and the output of
//! secrets.
//!
//! Attacks: key reuse, guessed tokens, secrets in logs and replies (CWE-321, CWE-330, CWE-532).

pub mod keys;
pub mod secret_output;
pub mod secret_tokens;
