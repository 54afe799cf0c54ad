//! Proof-of-work challenge (ALTCHA version 1) for logins beyond the limit of an address or network (CWE-307,
//! API2:2023).
//!
//! **Attack**: password spraying and credential stuffing from one network (OAT-008).
//! A limit alone would also lock out all users behind the same NAT.
//! **Control**: the 429 response contains a challenge. The client must find the number, at most `maxnumber`, for which
//! the SHA-256 of salt and number equals the field `challenge`.
//! The work grows with the failures, up to about 10 s on a slow phone.
//! A MAC binds the challenge to one account, one address and an expiry.
//! The service stores nothing before the challenge is solved, and accepts each solution once (`login_throttling`).
//! **Limits**: an attacker with fast hardware can afford the work.
//! The limits per account (`login_throttling`) still apply.
//! **ASVS**: 2.4.1, 6.3.1 · **Test**: `attacks::authentication::login_challenge`

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::base::hex::{hex, unhex};
use crate::http::challenge::Challenge;
use crate::http::error::{ApiError, ApiResult};
use crate::security::crypto::keys::{Keys, Purpose, Tag};

const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How many numbers each failure adds to the range that the client must search.
const NUMBERS_PER_FAILURE: i64 = 2_500;
/// The largest range that a client must search. A slow phone needs 10 s for it: a Samsung Galaxy A14 (2023) tries
/// 40,000 numbers per second (<https://altcha.org/docs/complexity/>).
const MAX_NUMBER: i64 = 400_000;

/// A solution in the format of ALTCHA's widgets: JSON in base64. Other fields of the widgets are ignored.
#[derive(Deserialize)]
struct Solution {
    salt: String,
    number: u64,
    signature: String,
}

/// Creates a challenge for an account and an address. More `failures` make it harder to solve.
///
/// # Errors
/// [`ApiError::Internal`] if the operating system returns no random bytes.
pub fn create(keys: &Keys, account_and_address: &[u8; 32], failures: i64, now: DateTime<Utc>) -> ApiResult<Challenge> {
    let maxnumber = failures.saturating_mul(NUMBERS_PER_FAILURE).clamp(NUMBERS_PER_FAILURE, MAX_NUMBER).unsigned_abs();
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| ApiError::internal("the operating system returned no random bytes"))?;
    // `hash` appends the number to the salt. Without the final `&`, `expires=17` with number 45 and `expires=174` with
    // number 5 would have the same hash, so a client could extend the expiry.
    let salt = format!("{}?expires={}&", Uuid::new_v4().simple(), (now + LIFETIME).timestamp());
    let challenge = hash(&salt, u64::from_be_bytes(random) % (maxnumber + 1));
    let signature = keys.sign(Purpose::Challenge, &[account_and_address, &challenge]).to_bytes();
    Ok(Challenge { algorithm: "SHA-256", challenge: hex(&challenge), maxnumber, salt, signature: hex(&signature) })
}

/// Returns the challenge that this payload solves, or `None` if it has expired or belongs to another account or
/// address. The caller must make sure that each challenge is used only once.
#[must_use]
pub fn verify(keys: &Keys, account_and_address: &[u8; 32], payload: &str, now: DateTime<Utc>) -> Option<[u8; 32]> {
    let solution: Solution = serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()?;
    let challenge = hash(&solution.salt, solution.number);
    let tag = Tag::from_bytes(&unhex(&solution.signature)?)?;
    let (_, expiry) = solution.salt.strip_suffix('&')?.split_once("?expires=")?;
    let is_valid = now.timestamp() < expiry.parse().ok()?
        && keys.verify(Purpose::Challenge, &[account_and_address, &challenge], &tag);
    is_valid.then_some(challenge)
}

fn hash(salt: &str, number: u64) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, format!("{salt}{number}").as_bytes()).as_ref());
    out
}
