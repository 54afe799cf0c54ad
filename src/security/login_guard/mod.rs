//! Failed sign-ins, counted where all replicas see them.
//!
//! **Abuse**: guessing one account's password from many addresses; trying one password on many accounts from one network; failing
//! on purpose, to lock an owner or a whole office out. **How**: a known device (`device_cookies`), or whoever is signed in and
//! proves it again, has counters of its own. For all others an *account* that is hammered answers like a wrong password for 1,
//! 2, 4, 8, then 15 minutes, after the same work as ever, whether it exists or not, and its owner is told by mail. An *address*
//! from which too much failed keeps a trickle, one attempt every few seconds, so that the people behind it are slowed and not
//! shut out, and a second one for those who work for it (`proof_of_work`). A *network* that tries many names has the trickle after the first failure of an address; no account is locked by it.
//! After 100 failures in a row (NIST SP 800-63B §3.2.2) only a reset helps. A name at one place has a few failures, then 429.
//! A success takes back what its own place has added and no more: if it cleared the address, an attacker would sign in to his
//! own account between guesses.
//! **Not stopped**: a guess a day from each of very many addresses (for that there are the password lists). Newcomers at an
//! address that is sprayed from must be quicker than the sprayer, or work harder; a reset makes their device known.
//! **ASVS** 2.4.1, 6.1.1, 6.3.1, 6.3.5 · **Attack** `attacks::sign_in_guard`, `attacks::device_cookies`

mod attempt;
mod store;
mod unlock_store;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

pub use attempt::{Attempt, account_of};

use super::keys::Keys;
use super::log::event::{Event, EventKind};
use crate::base::clock::Clock;
use crate::config::LoginSettings;
use crate::db::begin;
use crate::http::error::{ApiError, ApiResult};

/// What the counters say to an attempt that may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Open,
    /// Go on, although the address is full: this is the one attempt that its network has now.
    Trickle,
    /// Do the same work and then answer like a wrong password, whatever it was.
    Locked,
}

/// Counts failures and decides on attempts.
#[derive(Clone)]
pub struct LoginGuard {
    pub pool: PgPool,
    pub settings: LoginSettings,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// What the outbox calls the mail that tells an owner of a lock.
    pub lock_mail: &'static str,
}

impl LoginGuard {
    /// Before the hash.
    ///
    /// # Errors
    /// 429 when the pair has used up its failures, or the address has and another took the network's turn, then with a challenge; 503 when the counters
    /// cannot be read: never a free pass.
    pub async fn admit(&self, attempt: &Attempt) -> ApiResult<Admission> {
        let now = self.clock.now();
        let found = store::decide(&self.pool, attempt, &self.settings, now).await?;
        let (reason, until, challenge) = match (found.pair_until, found.turn_at) {
            (Some(until), _) => ("pair", until, None),
            (None, Some(turn)) => {
                let challenge = attempt.challenge(&self.keys, found.names, now);
                (if found.sprayed { "network" } else { "address" }, turn, Some(challenge))
            }
            (None, None) if found.locked => return Ok(Admission::Locked),
            (None, None) => return Ok(if found.trickled { Admission::Trickle } else { Admission::Open }),
        };
        Event::new(EventKind::AuthnLoginFailMax).reason(reason).subject(attempt.subject()).record();
        Err(ApiError::TooManyRequests { retry_after: seconds_to(until, now), challenge })
    }

    /// After a wrong password, or any password during a lock. One statement, whoever it was; where it locks, the mail to the owner
    /// is queued by the same one. What is tried during a lock is no guess, since it cannot succeed: it counts for the address
    /// and the pair, and does not make the lock longer.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn failed(&self, attempt: &Attempt, admission: Admission) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        let guessed = admission != Admission::Locked;
        let count = store::Count { attempt, settings: &self.settings, guessed, lock_mail: self.lock_mail };
        let counted = count.keep(&mut transaction, self.clock.now()).await?;
        let event = |kind, reason| Event::new(kind).reason(reason).subject(attempt.subject());
        let lock = match (counted.locked, counted.at_ceiling) {
            (_, true) => Some(event(EventKind::AuthnLoginLock, "ceiling")),
            (true, false) => Some(event(EventKind::AuthnLoginLock, "hammered")),
            (false, false) => None,
        };
        let spray = counted.sprayed.then(|| event(EventKind::AuthnLoginSpray, "network"));
        let kept = Event::keep_all(lock.into_iter().chain(spray).collect(), &mut transaction).await?;
        transaction.commit().await?;
        kept.committed();
        Ok(())
    }

    /// After a right password: clears the pair, unless so many failed meanwhile that this one must not count. Without the second
    /// look a burst of parallel guesses would all be admitted before the first of them had failed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn succeeded(&self, attempt: &Attempt, admission: Admission) -> ApiResult<Admission> {
        let trickled = admission == Admission::Trickle;
        let still_open = store::clear_pair(&self.pool, attempt, &self.settings, trickled, self.clock.now()).await?;
        Ok(if still_open { admission } else { Admission::Locked })
    }

    /// After a password reset: its owner has proved himself another way, so the locks of his name and of his proofs `inside` are
    /// lifted, and what he mistyped where he is now. The address's counter stays.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn forgive(&self, sign_in: &Attempt, inside: [u8; 32]) -> ApiResult<()> {
        Ok(store::forgive(&self.pool, sign_in, &inside).await?)
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
