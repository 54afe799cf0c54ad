//! A proof-of-work challenge in a problem document. The client must solve it before its next login attempt.

use serde::Serialize;
use utoipa::ToSchema;

/// A proof of work in the format of ALTCHA. The client tries the numbers from 0 to `maxnumber`.
/// For the right number, the SHA-256 of `salt` followed by the number in decimal digits equals `challenge`.
/// `docs/limits.md` contains a solver.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "algorithm": "SHA-256",
    "challenge": "8a9c9cbd1d1c9f2ab6e7d6a1f9e7f0b7a35a5fd4b6f8a1b7c0d9e8f7a6b5c4d3",
    "maxnumber": 52_500,
    "salt": "6f1d0c6a1f0b4b0e9a395b8f4f1f7c11?expires=1795546800&",
    "signature": "5d0c1e2f3a4b5c6d5d0c1e2f3a4b5c6d5d0c1e2f3a4b5c6d5d0c1e2f3a4b5c6d5d0c1e2f"
}))]
pub struct Challenge {
    /// The name of the hash function: always `SHA-256`.
    #[schema(max_length = 7, pattern = "^SHA-256$")]
    pub algorithm: &'static str,
    /// The hash that the client must reproduce, in hexadecimal digits.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub challenge: String,
    /// The largest number that the client must try.
    #[schema(minimum = 1, maximum = 400_000)]
    pub maxnumber: u64,
    /// The text that the client puts before the number. It contains the expiry time, in seconds since 1970.
    #[schema(max_length = 100, pattern = "^[0-9a-f]{32}\\?expires=[0-9]+&$")]
    pub salt: String,
    /// The service's signature of the challenge. The client returns it unchanged with the solution.
    #[schema(min_length = 72, max_length = 72, pattern = "^[0-9a-f]{72}$")]
    pub signature: String,
}
