//! Passwords: long enough, not too long, not known to attackers, hashed with argon2id, always at the same cost.
//!
//! **Abuse**: guessing; telling by time or work who has an account; taking the service down with hashes or very long passwords.
//! **How**: 12 to 64 *characters* (a byte count would take six Cyrillic letters for twelve), refused before any hashing when too
//! long; whole-password comparison with a list of common and breached ones and with one's own name ([`policy`]); argon2id at
//! OWASP's floor or above; for an unknown user a dummy hash, made at start with the configured parameters, is verified, so both
//! cost the same; a bounded number of hashes at once, in kept memory ([`gate`]).
//! Nothing is trimmed, truncated or normalised: a password is verified exactly as it was sent (ASVS 6.2.8; NIST would normalise).
//! **Not stopped**: a password that its owner uses elsewhere and that leaks there tomorrow.
//! **ASVS** 6.2.1–6.2.12, 11.4.2, 15.2.2 · **Attack** `attacks::passwords`

mod gate;
mod list;
pub mod policy;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

use gate::Gate;
pub use policy::PasswordRefusal;

use crate::config::PasswordSettings;
use crate::http::error::{ApiError, ApiResult};
use crate::security::heavy_work::HeavyWork;

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

/// A planted hash that asks for more would be a denial of service.
const MOST_STORED_KIB: u32 = 262_144;
const MOST_STORED_PASSES: u32 = 20;
const MOST_STORED_LANES: u32 = 16;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Hashes and verifies.
pub struct Passwords {
    params: Params,
    min_chars: usize,
    dummy: PasswordHash,
    gate: Gate,
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
        Ok(Self { params, min_chars: settings.min_chars, dummy, gate })
    }

    /// Whether a new password may be used. `context`: what belongs to its owner (name, address).
    ///
    /// # Errors
    /// Why not, in words for its owner.
    pub fn check(&self, password: &SecretString, context: &[&str]) -> Result<(), PasswordRefusal> {
        policy::check(password.expose_secret(), self.min_chars, context)
    }

    /// Whether this can be anybody's password. Asked at sign-in too, before any hashing.
    #[must_use]
    pub fn within_cap(password: &SecretString) -> bool {
        policy::within_cap(password.expose_secret())
    }

    /// A new hash with today's parameters.
    ///
    /// # Errors
    /// Too many hashes wait already; or there is no randomness.
    pub async fn hash(&self, password: &SecretString) -> ApiResult<HashedPassword> {
        let salt = new_salt().map_err(ApiError::internal)?;
        let output = self.work(password, self.params.clone(), salt).await?;
        let hash = encode(&self.params, salt, output).map_err(ApiError::internal)?;
        Ok(HashedPassword(hash.to_string()))
    }

    /// Compares with a stored hash; `None` compares with the dummy and is always wrong. Both are one hash.
    ///
    /// # Errors
    /// Too many hashes wait already; or the stored hash is none of ours.
    pub async fn verify(&self, password: &SecretString, stored: Option<&str>) -> ApiResult<Verdict> {
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
        let output = self.work(password, params, salt).await?;
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok();
        Ok(if same && stored.is_some() { Verdict::Right { rehash } } else { Verdict::Wrong })
    }

    /// How many hashes have been made since the start. Tests count them instead of the time.
    #[must_use]
    pub fn hashes(&self) -> usize {
        self.gate.queue().begun()
    }

    /// Those that hash and those that wait.
    #[must_use]
    pub fn queue(&self) -> &HeavyWork {
        self.gate.queue()
    }

    async fn work(&self, password: &SecretString, params: Params, salt: Salt) -> ApiResult<[u8; HASH_BYTES]> {
        let password = password.clone();
        let result =
            self.gate.run(move |memory| hash_into(memory, &params, password.expose_secret().as_bytes(), &salt)).await?;
        result.map_err(ApiError::internal)
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
    let sane = params.m_cost() <= MOST_STORED_KIB
        && params.t_cost() <= MOST_STORED_PASSES
        && params.p_cost() <= MOST_STORED_LANES
        && stored.hash.is_some_and(|hash| hash.len() == HASH_BYTES);
    if sane { Ok(params) } else { Err("a stored hash that asks for absurd work".to_owned()) }
}

fn same_cost(one: &Params, other: &Params) -> bool {
    (one.m_cost(), one.t_cost(), one.p_cost()) == (other.m_cost(), other.t_cost(), other.p_cost())
}

#[cfg(test)]
mod tests;
