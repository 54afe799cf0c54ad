//! Password policy and hashing: argon2id with the same work for every check, no common passwords (CWE-208, CWE-521,
//! CWE-916, API2:2023).
//!
//! **Attack**: guessing; user enumeration by response time; denial of service by hashing or by very long passwords.
//! **Control**: a password has 12 to 64 *characters*, counted after Unicode normalization (NFC).
//! If bytes were counted, six Cyrillic letters (twelve bytes) would be long enough.
//! Longer passwords are rejected before they are hashed. A password of more than 1,024 bytes is rejected before it is
//! normalized. Apart from NFC, a password is verified as received: it is not trimmed, truncated or case-folded.
//!
//! A new password must not be on the list of common and breached passwords.
//! It must not consist of the user's own name or mail address.
//! The library zxcvbn must estimate that an attacker needs at least 10^10 guesses ([`policy`]).
//! A breach service, if configured, can reject the password too ([`breaches`]).
//!
//! The parameters of argon2id are at least OWASP's minimum.
//! Only a few hashes and estimates run at the same time, and hashes reuse their memory (`hashing_pool`).
//!
//! Every verification does the same *work* (memory multiplied by passes), whether the account exists or not.
//! For an unknown account, the password is verified against a dummy hash.
//! After a change of the parameters, older stored hashes need less or more work.
//! So every verification does the highest work of all stored hashes (`users.password_work`) and of the configured
//! parameters. Otherwise the response time would reveal which accounts are older.
//! If a stored hash does not have the configured parameters, the next login replaces it.
//! **Limits**: a breached password that is not on the list is accepted if no breach service is configured.
//! A password can be breached after it was chosen.
//! Equal work does not take exactly equal time: many passes over little memory are slightly faster than few over much.
//! **Deviation**: ASVS 6.2.8 requires that a password is verified exactly as received.
//! This service first normalizes the password to NFC, which can change it (`docs/decisions.md`).
//! **ASVS**: 6.2.1–6.2.12, 6.3.8, 11.4.2, 15.2.2
//! **Test**: `attacks::authentication::passwords`, `attacks::authentication::breached_passwords`

pub mod breaches;
mod hashing_pool;
mod list;
pub mod policy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

use hashing_pool::HashingPool;
pub use policy::PasswordRefusal;

use crate::config::PasswordSettings;
use crate::config::passwords::{MAX_MEMORY_KIB, MAX_PASSES};
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::concurrency_limits::ConcurrencyLimit;

/// A password hash in PHC format: algorithm, parameters, salt and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is correct. `needs_rehash`: the stored hash does not have the configured parameters.
    Correct { needs_rehash: bool },
    /// The password is wrong, or the account does not exist.
    Wrong,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PasswordSetupError(String);

/// The maximum work of one verification. Every verification does the highest work of all stored hashes.
/// Without a maximum, an attacker who can write to the database could store a hash that makes every verification take
/// minutes (denial of service).
const MAX_WORK: u64 = MAX_MEMORY_KIB as u64 * MAX_PASSES as u64;
const MAX_STORED_LANES: u32 = 16;

/// The smallest memory that argon2 accepts for one lane, in KiB.
const MIN_MEMORY_KIB: u64 = 8;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

#[derive(Default)]
struct Counters {
    hashes: AtomicUsize,
    work: AtomicU64,
}

pub struct Passwords {
    params: Params,
    min_chars: usize,
    dummy: PasswordHash,
    pool: HashingPool,
    counters: Arc<Counters>,
}

impl Passwords {
    /// Creates the hashing pool, and hashes a random password. This dummy hash is for accounts that do not exist.
    ///
    /// # Errors
    /// [`PasswordSetupError`] if argon2 rejects the parameters.
    pub fn new(settings: &PasswordSettings) -> Result<Self, PasswordSetupError> {
        let fault = |error: &dyn std::fmt::Display| PasswordSetupError(error.to_string());
        let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, Some(HASH_BYTES))
            .map_err(|e| fault(&e))?;
        let pool = HashingPool::new(settings.hash_slots, params.block_count(), settings.max_wait);
        let mut random_password = [0; HASH_BYTES];
        aws_lc_rs::rand::fill(&mut random_password).map_err(|e| fault(&e))?;
        let salt = new_salt().map_err(|e| fault(&e))?;
        let output =
            pool.run_now(|memory| hash_into(memory, &params, &random_password, &salt)).map_err(|e| fault(&e))?;
        let dummy = encode(&params, salt, output).map_err(|e| fault(&e))?;
        Ok(Self { params, min_chars: settings.min_chars, dummy, pool, counters: Arc::default() })
    }

    /// Checks a new password against the policy. `context` contains the name and the mail address of the user.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the hashing queue is full.
    /// The inner error tells the user why the password is rejected.
    pub async fn check(&self, password: &SecretString, context: &[&str]) -> ApiResult<Result<(), PasswordRefusal>> {
        if !policy::is_within_max_length(password) {
            return Ok(Err(PasswordRefusal::TooLong));
        }
        let (password, context) =
            (policy::normalize(password), context.iter().map(ToString::to_string).collect::<Vec<_>>());
        match policy::check(password.expose_secret(), self.min_chars, &context) {
            Ok(()) => self.pool.run(move |_| policy::estimate(password.expose_secret(), &context)).await,
            refused => Ok(refused),
        }
    }

    /// Returns whether the password is short enough to be hashed. A login checks this before it hashes.
    #[must_use]
    pub fn is_within_max_length(password: &SecretString) -> bool {
        policy::is_within_max_length(password)
    }

    /// Hashes a password with the configured parameters.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the hashing queue is full.
    /// [`ApiError::Internal`] if the operating system returns no random bytes.
    pub async fn hash(&self, password: &SecretString) -> ApiResult<HashedPassword> {
        let salt = new_salt().map_err(ApiError::internal)?;
        let output = self.run(password, self.params.clone(), salt, 0).await?;
        let hash = encode(&self.params, salt, output).map_err(ApiError::internal)?;
        Ok(HashedPassword(hash.to_string()))
    }

    /// Verifies a password against a stored hash. If the account does not exist, `stored` is `None`: the call then uses
    /// a dummy hash and returns [`Verdict::Wrong`].
    ///
    /// `max_work` is the highest work of all stored hashes (memory in KiB, multiplied by passes).
    /// Every call does this work, or the work of the configured parameters if that is higher.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the hashing queue is full. [`ApiError::Internal`] if the stored hash is malformed.
    pub async fn verify(&self, password: &SecretString, stored: Option<&str>, max_work: u64) -> ApiResult<Verdict> {
        let parsed;
        let known = match stored {
            Some(text) => {
                parsed = PasswordHash::new(text).map_err(ApiError::internal)?;
                &parsed
            }
            None => &self.dummy,
        };
        let params = stored_params(known).map_err(ApiError::internal)?;
        let (Some(salt), Some(expected)) = (known.salt, known.hash) else {
            return Err(ApiError::internal("stored password hash has no salt or no hash"));
        };
        let needs_rehash = !same_cost(&params, &self.params);
        let required = max_work.min(MAX_WORK).max(work_of(&self.params));
        let missing = required.saturating_sub(work_of(&params));
        let output = self.run(password, params, salt, missing).await?;
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok();
        Ok(if same && stored.is_some() { Verdict::Correct { needs_rehash } } else { Verdict::Wrong })
    }

    /// Returns how many passwords were hashed or verified. Tests compare this number, because response times vary.
    #[must_use]
    pub fn hashes(&self) -> usize {
        self.counters.hashes.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn queue(&self) -> &ConcurrencyLimit {
        self.pool.queue()
    }

    /// Returns the work of all hashes since the service started: memory in KiB, multiplied by passes.
    #[must_use]
    pub fn work_done(&self) -> u64 {
        self.counters.work.load(Ordering::Relaxed)
    }

    /// Hashes the password, and then does the `missing` work, so that all calls take about the same time.
    async fn run(
        &self,
        password: &SecretString,
        params: Params,
        salt: Salt,
        missing: u64,
    ) -> ApiResult<[u8; HASH_BYTES]> {
        let (password, counters) = (policy::normalize(password), self.counters.clone());
        let top_up = self.top_up(missing);
        let result = self.pool.run(move |memory| {
            let password = password.expose_secret().as_bytes();
            counters.hashes.fetch_add(1, Ordering::Relaxed);
            let mut hash = |params: &Params| {
                counters.work.fetch_add(work_of(params), Ordering::Relaxed);
                hash_into(memory, params, password, &salt)
            };
            let output = hash(&params)?;
            top_up.iter().try_for_each(|params| hash(params).map(drop))?;
            Ok(output)
        });
        result.await?.map_err(|error: String| ApiError::internal(error))
    }

    /// Returns parameters for a hash that does the `missing` work and whose memory fits in the reused buffer.
    fn top_up(&self, missing: u64) -> Option<Params> {
        let passes = missing.div_ceil(self.params.m_cost().into());
        let memory = missing.checked_div(passes).filter(|memory| *memory >= MIN_MEMORY_KIB)?;
        Params::new(u32::try_from(memory).ok()?, u32::try_from(passes).ok()?, 1, Some(HASH_BYTES)).ok()
    }
}

fn new_salt() -> Result<Salt, String> {
    let mut bytes = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| error.to_string())?;
    Salt::new(&bytes).map_err(|error| error.to_string())
}

fn hash_into(
    memory: &mut Vec<argon2::Block>,
    params: &Params,
    password: &[u8],
    salt: &Salt,
) -> Result<[u8; HASH_BYTES], String> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, argon2::Block::default());
    }
    let memory = memory.get_mut(..blocks).unwrap_or_default();
    let mut output = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password, salt.as_ref(), &mut output, memory)
        .map_err(|error| error.to_string())?;
    Ok(output)
}

fn encode(params: &Params, salt: Salt, output: [u8; HASH_BYTES]) -> Result<PasswordHash, String> {
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params.try_into().map_err(|error: argon2::password_hash::Error| error.to_string())?,
        salt: Some(salt),
        hash: Some(Output::new(&output).map_err(|error| error.to_string())?),
    })
}

/// Returns the parameters of a stored hash. Fails if the hash is not argon2id, or if its parameters exceed the limits.
fn stored_params(stored: &PasswordHash) -> Result<Params, String> {
    if stored.algorithm != Algorithm::Argon2id.ident() || stored.version != Some(Version::V0x13.into()) {
        return Err("stored password hash is not argon2id".to_owned());
    }
    let params = Params::try_from(stored).map_err(|error| error.to_string())?;
    let within_limits = params.m_cost() <= MAX_MEMORY_KIB
        && params.t_cost() <= MAX_PASSES
        && params.p_cost() <= MAX_STORED_LANES
        && stored.hash.is_some_and(|hash| hash.len() == HASH_BYTES);
    if within_limits { Ok(params) } else { Err("stored password hash has excessive parameters".to_owned()) }
}

/// Returns the work of a hash: memory in KiB, multiplied by passes. Each pass fills the whole memory once.
fn work_of(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

fn same_cost(one: &Params, other: &Params) -> bool {
    (one.m_cost(), one.t_cost(), one.p_cost()) == (other.m_cost(), other.t_cost(), other.p_cost())
}

#[cfg(test)]
mod tests;
