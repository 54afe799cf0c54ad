//! Password hashing: argon2id in equal work, length in characters, no common passwords (CWE-204, CWE-208, CWE-521, CWE-916).
//!
//! **Attack**: guessing; user enumeration by response time or work; denial of service by hashes or by very long passwords.
//! **Control**: a password has 12 to 64 *characters*; a byte count would take six Cyrillic letters for twelve. Longer ones are
//! refused before any hashing, and more than 1,024 bytes before any other work. A password is verified as it was sent, after
//! Unicode normalization (NFC) and nothing else: no trimming, no truncation, no case folding. Characters are counted after NFC.
//! A new password is refused if a list of common and breached ones has it, if it is made of the user's own name, or if zxcvbn
//! estimates fewer than 10^10 guesses ([`policy`]). The estimate runs where hashes run, so it cannot block other requests.
//! If the settings name a breach service, a new password that it knows is refused as well ([`breaches`]).
//! argon2id runs at OWASP's floor or above, for a bounded number of hashes at once, in kept memory ([`gate`]).
//! Every verification does equal *work* (memory times passes), for known and unknown names. An unknown account is compared with
//! a dummy hash, made at start with the configured parameters. A stored hash that is cheaper than today's is topped up. After
//! the cost was lowered, the dearest hash that is still stored counts for everyone; the database knows it
//! (`users.password_work`). So a change of the cost does not tell which accounts are older than the change. A sign-in replaces
//! an old hash by one at today's cost.
//! **Limits**: without a breach service, a published password that the list lacks; a password that leaks elsewhere tomorrow; a sentence that is famous where the list
//! does not know it. Equal work takes nearly equal time,
//! not exactly: many passes over little memory run a little faster than few passes over much.
//! **Deviation**: ASVS 6.2.8 wants passwords verified exactly as received. NFC makes one password of two spellings of the same
//! text (`docs/decisions.md`, "Password normalization").
//! **ASVS**: 6.2.1–6.2.12, 6.3.8, 11.4.2, 15.2.2 · **Test**: `attacks::authentication::passwords`, `attacks::authentication::breached_passwords`

pub mod breaches;
mod gate;
mod list;
pub mod policy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

use gate::Gate;
pub use policy::PasswordRefusal;

use crate::config::PasswordSettings;
use crate::config::passwords::{MAX_MEMORY_KIB, MAX_PASSES};
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::concurrency_limits::HeavyWork;

/// A PHC string: algorithm, parameters, salt and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// What the database keeps.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a verification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right; `rehash`: its hash was made with other parameters than today's.
    Right { rehash: bool },
    /// The password is wrong, or there is no such user.
    Wrong,
}

/// argon2 refuses the parameters.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PasswordSetupError(String);

/// A planted hash that asks for more than any configuration can would be a denial of service.
const MAX_WORK: u64 = MAX_MEMORY_KIB as u64 * MAX_PASSES as u64;
const MAX_STORED_LANES: u32 = 16;

/// argon2's smallest memory for one lane, in KiB.
const MIN_MEMORY_KIB: u64 = 8;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What has been done since the start.
#[derive(Default)]
struct Counters {
    hashes: AtomicUsize,
    work: AtomicU64,
}

/// Hashes and verifies.
pub struct Passwords {
    params: Params,
    min_chars: usize,
    dummy: PasswordHash,
    gate: Gate,
    counters: Arc<Counters>,
}

impl Passwords {
    /// Makes the dummy hash, so this takes as long as a sign-in.
    ///
    /// # Errors
    /// argon2 refuses the parameters.
    pub fn new(settings: &PasswordSettings) -> Result<Self, PasswordSetupError> {
        let fault = |error: &dyn std::fmt::Display| PasswordSetupError(error.to_string());
        let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, Some(HASH_BYTES))
            .map_err(|e| fault(&e))?;
        let gate = Gate::new(settings.hash_slots, params.block_count(), settings.max_wait);
        let mut unknowable = [0; HASH_BYTES];
        aws_lc_rs::rand::fill(&mut unknowable).map_err(|e| fault(&e))?;
        let salt = new_salt().map_err(|e| fault(&e))?;
        let output = gate.run_now(|memory| hash_into(memory, &params, &unknowable, &salt)).map_err(|e| fault(&e))?;
        let dummy = encode(&params, salt, output).map_err(|e| fault(&e))?;
        Ok(Self { params, min_chars: settings.min_chars, dummy, gate, counters: Arc::default() })
    }

    /// Whether a new password may be used. `context`: the user's own name and address.
    ///
    /// # Errors
    /// Too much work waits already. The inner result says why the password is refused, in words for the user.
    pub async fn check(&self, password: &SecretString, context: &[&str]) -> ApiResult<Result<(), PasswordRefusal>> {
        if !policy::within_cap(password) {
            return Ok(Err(PasswordRefusal::TooLong));
        }
        let (password, context) =
            (policy::normalize(password), context.iter().map(ToString::to_string).collect::<Vec<_>>());
        match policy::check(password.expose_secret(), self.min_chars, &context) {
            Ok(()) => self.gate.run(move |_| policy::estimate(password.expose_secret(), &context)).await,
            refused => Ok(refused),
        }
    }

    /// Whether this can be anybody's password. Asked at sign-in too, before any hashing.
    #[must_use]
    pub fn within_cap(password: &SecretString) -> bool {
        policy::within_cap(password)
    }

    /// A new hash with today's parameters.
    ///
    /// # Errors
    /// Too many hashes wait already; or there is no randomness.
    pub async fn hash(&self, password: &SecretString) -> ApiResult<HashedPassword> {
        let salt = new_salt().map_err(ApiError::internal)?;
        let output = self.run(password, self.params.clone(), salt, 0).await?;
        let hash = encode(&self.params, salt, output).map_err(ApiError::internal)?;
        Ok(HashedPassword(hash.to_string()))
    }

    /// Compares with a stored hash. `None`, an unknown account, compares with the dummy and is always wrong.
    ///
    /// Every verification does the work of the dearest one: today's parameters, or `dearest_work` (memory in KiB times passes,
    /// the largest of all stored hashes) where an earlier configuration was dearer.
    ///
    /// # Errors
    /// Too many hashes wait already; or the stored hash is none of ours.
    pub async fn verify(&self, password: &SecretString, stored: Option<&str>, dearest_work: u64) -> ApiResult<Verdict> {
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
            return Err(ApiError::internal("a stored hash without salt or hash"));
        };
        let rehash = !same_cost(&params, &self.params);
        let wanted = dearest_work.min(MAX_WORK).max(work_of(&self.params));
        let missing = wanted.saturating_sub(work_of(&params));
        let output = self.run(password, params, salt, missing).await?;
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok();
        Ok(if same && stored.is_some() { Verdict::Right { rehash } } else { Verdict::Wrong })
    }

    /// How many passwords have been hashed or verified since the start. Tests count them instead of the time.
    #[must_use]
    pub fn hashes(&self) -> usize {
        self.counters.hashes.load(Ordering::Relaxed)
    }

    /// Those that hash and those that wait.
    #[must_use]
    pub fn queue(&self) -> &HeavyWork {
        self.gate.queue()
    }

    /// The work of all hashes since the start: memory in KiB times passes. Tests compare it instead of the time.
    #[must_use]
    pub fn work_done(&self) -> u64 {
        self.counters.work.load(Ordering::Relaxed)
    }

    /// Hashes, and then does the work that is `missing`.
    async fn run(
        &self,
        password: &SecretString,
        params: Params,
        salt: Salt,
        missing: u64,
    ) -> ApiResult<[u8; HASH_BYTES]> {
        let (password, counters) = (policy::normalize(password), self.counters.clone());
        let top_up = self.top_up(missing);
        let result = self.gate.run(move |memory| {
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

    /// Parameters whose work is what is `missing`, in no more memory than today's parameters take.
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

/// What the stored text asks for, if that is argon2id and within reason.
fn stored_params(stored: &PasswordHash) -> Result<Params, String> {
    if stored.algorithm != Algorithm::Argon2id.ident() || stored.version != Some(Version::V0x13.into()) {
        return Err("a stored hash that is not argon2id".to_owned());
    }
    let params = Params::try_from(stored).map_err(|error| error.to_string())?;
    let sane = params.m_cost() <= MAX_MEMORY_KIB
        && params.t_cost() <= MAX_PASSES
        && params.p_cost() <= MAX_STORED_LANES
        && stored.hash.is_some_and(|hash| hash.len() == HASH_BYTES);
    if sane { Ok(params) } else { Err("a stored hash that asks for absurd work".to_owned()) }
}

/// What a hash costs: every pass fills the whole memory once.
fn work_of(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

fn same_cost(one: &Params, other: &Params) -> bool {
    (one.m_cost(), one.t_cost(), one.p_cost()) == (other.m_cost(), other.t_cost(), other.p_cost())
}

#[cfg(test)]
mod tests;
