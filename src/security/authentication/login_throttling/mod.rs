//! Login throttling: brute force, credential stuffing and password spraying (CWE-307, CWE-645, API2:2023).
//!
//! **Attack**: brute force on one account from many addresses; password spraying from one network; parallel guesses;
//! wrong passwords on purpose, to lock out an owner or all users behind one NAT.
//! **Control**: PostgreSQL counts each attempt as a failure before the password is hashed, so parallel guesses cannot
//! exceed a limit. After a success, the attempt is subtracted again.
//! - *Account and address*: 5 failures an hour, then 429. A success resets this counter and no other.
//! - *Account*, for clients without a valid device cookie of the account (*unknown clients*): the tenth failure locks
//!   the account for these clients for one minute, and a mail notifies its owner.
//!   Each failure after a lock starts a longer lock: 2, 4, 8, then always 15 minutes.
//!   During a lock, a correct password gets the same response as a wrong one, after the same work.
//!   An account that does not exist is locked in the same way.
//!   After 80 failures in a row (NIST SP 800-63B, `docs/decisions.md` D16), only a password reset or an administrator
//!   unlocks the account.
//! - *Known device* (`device_cookies`): after 10 failures, the device cookie is no longer accepted.
//!   These failures do not count for the account, and failures of other clients do not count for the device.
//! - *Address* (20 failures an hour) and *network* (failures at 30 accounts an hour): above these limits, an attempt
//!   needs a solved challenge (`login_challenge`), so users behind a NAT are slowed but not locked out.
//!   A success does not reset these counters. Otherwise attackers could reset them by logging in to their own account.
//! - *Re-authentication* of a signed-in user: 5 failures an hour per session, and 10 failures in a row per user.
//!
//! **Limits**: an attacker with very many addresses can still guess one password a day for each of many accounts.
//! Only strong passwords resist such an attacker.
//! **ASVS**: 2.4.1, 6.1.1, 6.3.1, 6.3.5
//! **Test**: `attacks::authentication::login_throttling`, `attacks::authentication::device_cookies`

mod attempt;
mod store;

pub use attempt::{LoginAttempt, LoginThrottle, account_key, reauthentication_key};

use self::store::{CounterState, exceeded};
use crate::base::id::UserId;
use crate::db::begin;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::login_challenge;

/// A login attempt that was counted and may proceed to the password check.
pub struct AdmittedAttempt {
    pub attempt: LoginAttempt,
    counters: Vec<CounterState>,
}

impl AdmittedAttempt {
    /// Returns whether the account is locked for this client. The caller must do the same work as without a lock, and
    /// then respond as if the password were wrong. Otherwise the response would reveal the lock.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.attempt.device.is_none() && !self.counters.iter().any(|counter| counter.kind == "account")
    }
}

impl LoginThrottle {
    /// Counts an attempt before the password is hashed.
    /// Ignores a device cookie with too many failures, and a solution that was already used.
    ///
    /// # Errors
    /// Returns 429 above the limit per account and address. Without a solved challenge, the limits of address and
    /// network also apply. Returns 503 if the counters are unavailable (fail closed).
    pub async fn admit(&self, mut attempt: LoginAttempt) -> ApiResult<AdmittedAttempt> {
        loop {
            let counters = self.count_attempt(&attempt).await?;
            match exceeded(&attempt.counters(), &counters) {
                None => return Ok(AdmittedAttempt { attempt, counters }),
                Some(("device", _)) => attempt.device = None,
                Some(("challenge", _)) => attempt.solution = None,
                Some((kind, counter)) => return Err(self.refuse(&attempt, kind, counter)?),
            }
        }
    }

    fn refuse(&self, attempt: &LoginAttempt, kind: &'static str, counter: &CounterState) -> ApiResult<ApiError> {
        let challenge = match kind {
            "account_and_address" => None,
            _ => {
                let key = &attempt.account_and_address.key;
                Some(login_challenge::create(&self.keys, key, counter.failures, self.clock.now())?)
            }
        };
        Event::new(EventKind::AuthnLoginFailMax).reason(kind).subject(attempt.subject()).record();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a window in seconds, at least 1")]
        let retry_after = counter.seconds.ceil().max(1.0) as u64;
        Ok(ApiError::TooManyRequests { retry_after, challenge: challenge.map(Box::new) })
    }

    /// Handles a failed attempt. [`admit`](Self::admit) has already counted it.
    /// Records an event if password spraying begins.
    /// If the attempt locks the account or uses up a device cookie, records an event and sends a mail to the owner.
    /// The events of a login contain a keyed hash of the mail address that the client sent.
    /// So they do not reveal whether the account exists.
    pub async fn record_failure(&self, admitted: &AdmittedAttempt, owner: Option<UserId>) -> ApiResult<()> {
        let (mut lock, mut spray) = (None, None);
        for counter in &admitted.counters {
            let reached = |max: u32| counter.failures == i64::from(max);
            match counter.kind.as_str() {
                "account" if counter.in_a_row == admitted.attempt.max_in_a_row => lock = Some("max_failures"),
                "account" if reached(self.settings.failures_per_account.count) => lock = Some("brute_force"),
                "device" if admitted.attempt.device.is_some_and(|device| reached(device.limit.count)) => {
                    lock = Some("device");
                }
                "network" if reached(self.settings.accounts_per_network.count) => spray = Some("network"),
                _ => {}
            }
        }
        let event = |kind, reason| Event::new(kind).reason(reason).subject(admitted.attempt.subject());
        let events = lock.map(|reason| event(EventKind::AuthnLoginLock, reason)).into_iter();
        let events: Vec<_> = events.chain(spray.map(|reason| event(EventKind::AuthnLoginSpray, reason))).collect();
        if events.is_empty() {
            return Ok(());
        }
        let mut transaction = begin(&self.pool).await?;
        if lock.is_some() {
            self.queue_lock_mail(&mut transaction, owner).await?;
        }
        let pending = Event::record_all_in(events, &mut transaction).await?;
        transaction.commit().await?;
        pending.publish();
        Ok(())
    }

    /// Handles a correct password: subtracts the attempt from its counters.
    pub async fn record_success(&self, admitted: &AdmittedAttempt) -> ApiResult<()> {
        self.subtract_attempt(&admitted.counters).await
    }
}
