//! Failed sign-ins, counted where all replicas see them.
//!
//! **Abuse**: guessing one account's password from many addresses; trying one password on many accounts from one address.
//! **How**: three counters of *failures*: by address, by typed identifier, and by the pair of both. The address's and the pair's
//! decide before the hash and answer 429. The account's is applied after the same work as any other sign-in and answers like a
//! wrong password, so that it tells nobody which accounts exist; it counts identifiers as typed, real or not.
//! A success clears its pair alone: if it cleared the address too, an attacker would sign in to his own account between guesses.
//! **Not stopped**: a guess a day from each of very many addresses (for that there are the password lists).
//! **ASVS** 2.4.1, 6.1.1, 6.3.1 · **Attack** `attacks::authentication`

mod store;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::keys::Keys;
use super::log::event::{Event, EventKind};
use crate::base::clock::Clock;
use crate::config::LoginSettings;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};

/// The counters that one attempt belongs to, as keyed hashes: people type passwords into the name field.
pub struct Attempt {
    account: [u8; 32],
    address: [u8; 32],
    pair: [u8; 32],
}

impl Attempt {
    /// An attempt to sign in as `identifier`, exactly as it was typed apart from its case.
    #[must_use]
    pub fn new(keys: &Keys, identifier: &str, address: ClientAddr) -> Self {
        let identifier = identifier.to_lowercase();
        let address = address.prefix().to_string();
        Self {
            account: keys.fingerprint(&identifier),
            address: keys.fingerprint(&address),
            pair: keys.fingerprint(&format!("{address}\n{identifier}")),
        }
    }

    /// What the log calls the identifier.
    #[must_use]
    pub fn subject(&self) -> String {
        self.account.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What the counters say to an attempt that may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Open,
    /// Do the same work and then answer like a wrong password, whatever it was.
    Locked,
}

/// Counts failures and decides on attempts.
#[derive(Clone)]
pub struct LoginGuard {
    pub pool: PgPool,
    pub settings: LoginSettings,
    pub clock: Clock,
}

impl LoginGuard {
    /// Before the hash.
    ///
    /// # Errors
    /// 429 when the address or the pair has used up its failures; 503 when the counters cannot be read: never a free pass.
    pub async fn admit(&self, attempt: &Attempt) -> ApiResult<Admission> {
        let now = self.clock.now();
        let counted = store::read(&self.pool, attempt, now).await?;
        let full = [
            (counted.address, self.settings.failures_per_address.count),
            (counted.pair, self.settings.failures_per_pair.count),
        ]
        .into_iter()
        .filter_map(|(counter, limit)| counter.full(limit))
        .max();
        if let Some(until) = full {
            Event::new(EventKind::AuthnLoginFailMax).subject(attempt.subject()).record();
            return Err(ApiError::TooManyRequests { retry_after: seconds_to(until, now) });
        }
        let locked = counted.account.full(self.settings.failures_per_account.count).is_some();
        Ok(if locked { Admission::Locked } else { Admission::Open })
    }

    /// After a wrong password, or any password during a lock. One statement, whoever it was.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn failed(&self, attempt: &Attempt) -> ApiResult<()> {
        let now = self.clock.now();
        let account = store::count(&self.pool, attempt, &self.settings, now).await?;
        if account == i64::from(self.settings.failures_per_account.count) {
            Event::new(EventKind::AuthnLoginLock).subject(attempt.subject()).record();
        }
        Ok(())
    }

    /// After a right password: clears the pair, unless so many failed meanwhile that this one must not count. Without the second
    /// look a burst of parallel guesses would all be admitted before the first of them had failed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn succeeded(&self, attempt: &Attempt) -> ApiResult<Admission> {
        let still_open = store::clear_pair(&self.pool, attempt, &self.settings, self.clock.now()).await?;
        Ok(if still_open { Admission::Open } else { Admission::Locked })
    }

    /// After a password reset: its owner has proved himself another way, so the account's lock and his own pair are lifted. The
    /// address's counter stays.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn forgive(&self, attempt: &Attempt) -> ApiResult<()> {
        Ok(store::forgive(&self.pool, attempt).await?)
    }

    /// Deletes counters whose window is over.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn sweep(&self) -> ApiResult<()> {
        Ok(store::sweep(&self.pool, self.clock.now()).await?)
    }
}

fn seconds_to(until: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    let milliseconds = u64::try_from((until - now).num_milliseconds()).unwrap_or(0);
    milliseconds.div_ceil(1000).max(1)
}
