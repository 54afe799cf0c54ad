//! Cryptography (ASVS V11): keys with one purpose each, random secrets that are stored as hashes, and their only ways out.
//!
//! Attacks: key reuse, guessed tokens, secrets in logs and replies (CWE-321, CWE-330, CWE-532).

pub mod keys;
pub mod secret_output;
pub mod secret_tokens;
