//! A challenge whose solution takes work (proof of work, in the format of ALTCHA 1): the way past a full address or network.
//!
//! **Attack**: password spraying and credential stuffing from one network (CWE-307, OAT-008), where a plain limit would shut out the
//! people behind the same NAT.
//! **Control**: a refused sign-in carries a challenge: find the number up to `maxnumber` with which SHA-256 of salt and number is
//! `challenge`. ALTCHA's widgets and solvers do that, and return it as base64 of JSON. The work is proportional to the failures, so
//! it doubles with them, up to about 10 s on a slow phone. A challenge is bound by its MAC to one account at one address and to its
//! expiry; nothing is stored until it is solved, and then it counts once (`login_throttling`).
//! **Limits**: an attacker who pays for the work, and who has faster hardware than a phone; the limits of pair and account
//! hold them.
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

/// How long there is to solve it.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// Numbers to try for each failure: 20 failures make 50,000.
const NUMBERS_PER_FAILURE: i64 = 2_500;
/// 10 s on a slow phone: a Samsung Galaxy A14 (2023) tries 40,000 a second, an iPhone 12 mini 120,000 (ALTCHA's benchmark,
/// <https://altcha.org/docs/complexity/>).
const MAX_NUMBER: i64 = 400_000;

/// A solution as ALTCHA's widgets send it. What else they send is not needed: the challenge follows from salt and number.
#[derive(Deserialize)]
struct Solution {
    salt: String,
    number: u64,
    signature: String,
}

/// A new challenge for this account at this address (`pair`), where so many have failed.
///
/// # Errors
/// [`ApiError::Internal`] without randomness.
pub fn create(keys: &Keys, pair: &[u8; 32], failures: i64, now: DateTime<Utc>) -> ApiResult<Challenge> {
    let maxnumber = failures.saturating_mul(NUMBERS_PER_FAILURE).clamp(NUMBERS_PER_FAILURE, MAX_NUMBER).unsigned_abs();
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| ApiError::internal("no random bytes from the operating system"))?;
    // The end `&` parts salt and number: otherwise a digit could move from the number to the expiry.
    let salt = format!("{}?expires={}&", Uuid::new_v4().simple(), (now + LIFETIME).timestamp());
    let challenge = hash(&salt, u64::from_be_bytes(random) % (maxnumber + 1));
    let signature = keys.sign(Purpose::Challenge, &[pair, &challenge]).to_bytes();
    Ok(Challenge { algorithm: "SHA-256", challenge: hex(&challenge), maxnumber, salt, signature: hex(&signature) })
}

/// The challenge that this payload solves, if it is an unexpired one of this `pair`. It counts once: the caller remembers it.
#[must_use]
pub fn verify(keys: &Keys, pair: &[u8; 32], payload: &str, now: DateTime<Utc>) -> Option<[u8; 32]> {
    let solution: Solution = serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()?;
    let challenge = hash(&solution.salt, solution.number);
    let tag = Tag::from_bytes(&unhex(&solution.signature)?)?;
    let (_, expiry) = solution.salt.strip_suffix('&')?.split_once("?expires=")?;
    let is_alive = now.timestamp() < expiry.parse().ok()?;
    (is_alive && keys.verify(Purpose::Challenge, &[pair, &challenge], &tag)).then_some(challenge)
}

fn hash(salt: &str, number: u64) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, format!("{salt}{number}").as_bytes()).as_ref());
    out
}
