//! Login throttling: brute force, credential stuffing and password spraying (CWE-307, CWE-645, API2:2023).
//!
//! **Attack**: guessing one account's password from many addresses; trying one password on many accounts from one network; parallel
//! guesses; failing on purpose, to lock an owner or a whole office out.
//! **Control**: each attempt is counted in PostgreSQL as a failure before the password is hashed, and taken back if it succeeds.
//! - *Pair*, account and address: 5 failures an hour, then 429. The only counter that a success clears.
//! - *Account*, by unknown clients: after 10 failures it waits 1, 2, 4, 8, then 15 minutes. During a wait every password is answered
//!   like a wrong one, after the same work, whether the account exists or not; its owner is told by mail. After 80 in a row
//!   (NIST SP 800-63B, `docs/decisions.md` D16) only a password reset helps.
//! - *Known device* (`device_cookies`): 10 failures retire it. They count for no other client, nor do others' count for it.
//! - *Address* (20 failures an hour) and *network* (30 accounts an hour): beyond them an attempt needs a solved challenge
//!   (`login_challenge`), so people behind a NAT are slowed and not shut out. A success clears neither, or attackers would sign in
//!   to an account of their own between guesses.
//! - *Re-authentication* of a signed-in user: 5 failures an hour and session, 10 in a row.
//!
//! **Limits**: a guess a day from each of very many addresses; the strength of passwords is for that.
//! **ASVS**: 2.4.1, 6.1.1, 6.3.1, 6.3.5 · **Test**: `attacks::authentication::login_throttling`, `attacks::authentication::device_cookies`

mod attempt;
mod store;

pub use attempt::{LoginAttempt, LoginThrottle, account_key, reauthentication_key};

use self::store::CounterState;
use crate::base::id::UserId;
use crate::db::begin;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::login_challenge;

/// An attempt that was counted and may be made.
pub struct AdmittedAttempt {
    pub attempt: LoginAttempt,
    counted: Vec<CounterState>,
}

impl AdmittedAttempt {
    /// Whether the account waits: after the same work, any password is answered like a wrong one.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.attempt.device.is_none() && !self.counted.iter().any(|counted| counted.kind == "account")
    }
}

impl LoginThrottle {
    /// Counts an attempt, before any hash. A retired device is an unknown client, and a used solution is none.
    ///
    /// # Errors
    /// 429 beyond the limit of a pair, or without a solved challenge beyond that of an address or network; 503 when the counters
    /// cannot be read, so that a broken database is no free pass.
    pub async fn admit(&self, mut attempt: LoginAttempt) -> ApiResult<AdmittedAttempt> {
        loop {
            let counted = self.count(&attempt).await?;
            let over = attempt.counters().into_iter().find_map(|counter| {
                let mut mine = counted.iter().filter(|counted| counted.kind == counter.kind);
                mine.find(|counted| counted.failures > counter.limit.count.into())
                    .map(|counted| (counter.kind, counted))
            });
            match over {
                None => return Ok(AdmittedAttempt { attempt, counted }),
                Some(("device", _)) => attempt.device = None,
                Some(("challenge", _)) => attempt.solution = None,
                Some((kind, counted)) => return Err(self.refuse(&attempt, kind, counted)?),
            }
        }
    }

    fn refuse(&self, attempt: &LoginAttempt, kind: &'static str, counted: &CounterState) -> ApiResult<ApiError> {
        let challenge = match kind {
            "pair" => None,
            _ => Some(login_challenge::create(&self.keys, &attempt.pair.key, counted.failures, self.clock.now())?),
        };
        Event::new(EventKind::AuthnLoginFailMax).reason(kind).subject(attempt.subject()).record();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a window in seconds, at least 1")]
        let retry_after = counted.seconds.ceil().max(1.0) as u64;
        Ok(ApiError::TooManyRequests { retry_after, challenge: challenge.map(Box::new) })
    }

    /// After a wrong password, which is counted already: tells the owner, if there is one, where a lock begins, and the log of a
    /// lock and of a spray.
    /// The numbers are those of the name as typed, so nothing tells whether the account exists.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_failure(&self, admitted: &AdmittedAttempt, owner: Option<UserId>) -> ApiResult<()> {
        let (mut lock, mut spray) = (None, None);
        for counted in &admitted.counted {
            let reached = |max: u32| counted.failures == i64::from(max);
            match counted.kind.as_str() {
                "account" if counted.in_a_row == admitted.attempt.max_in_a_row => lock = Some("max_failures"),
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
            self.queue_mail(&mut transaction, owner).await?;
        }
        let kept = Event::record_all_in(events, &mut transaction).await?;
        transaction.commit().await?;
        kept.publish();
        Ok(())
    }

    /// After a right password: takes the attempt back.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_success(&self, admitted: &AdmittedAttempt) -> ApiResult<()> {
        self.take_back(&admitted.counted).await
    }
}
