//! The one way to check a password: the same work and the same answer, whoever was named and whatever was wrong.
//!
//! **Attack**: learning from the answer, its time or its side effects who has an account, whether it is locked or disabled, or that
//! a guessed password was right; guessing without end.
//! **Control**: sign-in and "enter your password again" both end here. Always
//! one look-up, one count (429 beyond a limit, before any hash), one hash (a dummy's where there is no account, `passwords`);
//! unknown, wrong, disabled and locked are the one `invalid_credentials`. Why is in the log alone, and the
//! log knows the typed name as a keyed hash only.
//! **Limits**: telling a success from a failure, which is the point of signing in.
//! **ASVS**: 6.3.1, 6.3.8, 16.3.1 · **Test**: `attacks::authentication::credentials`

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;

use crate::base::id::UserId;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::device_cookies::Device;
use crate::security::authentication::login_throttling::{Attempt, LoginThrottle, account_inside, account_of};
use crate::security::authentication::passwords::breaches::BreachService;
use crate::security::authentication::passwords::policy::MOST_CHARS;
use crate::security::authentication::passwords::{HashedPassword, PasswordRefusal, Passwords, Verdict};
use crate::security::crypto::keys::Keys;
use crate::security::sessions::caller::Caller;

/// What the database keeps of whoever was named.
pub struct Stored {
    pub user: UserId,
    pub password_hash: String,
    /// Which of the account's device cookies are known.
    pub device_epoch: i64,
    /// Whether the account may be used at all.
    pub active: bool,
}

/// What a look-up of credentials finds.
pub struct Found {
    /// `None`: no account has that name.
    pub account: Option<Stored>,
    /// The work of the dearest stored hash of all accounts (`users.password_work`).
    pub dearest_work: u64,
}

/// Proof that a password was right. Only [`Credentials::check`] makes one.
pub struct Verified {
    user: UserId,
    password_hash: String,
    device_epoch: i64,
    stronger_hash: Option<HashedPassword>,
}

impl Verified {
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The hash that was verified. Whoever writes on the strength of this proof does so only while the row still holds it:
    /// otherwise a password that was just changed would open one more session.
    #[must_use]
    pub fn password_hash(&self) -> &str {
        &self.password_hash
    }

    /// The epoch of the device cookies that this account knows.
    #[must_use]
    pub fn device_epoch(&self) -> i64 {
        self.device_epoch
    }

    /// The same password under today's parameters, where the stored hash has older ones.
    #[must_use]
    pub fn stronger_hash(&self) -> Option<&str> {
        self.stronger_hash.as_ref().map(HashedPassword::as_str)
    }
}

/// Checks passwords.
#[derive(Clone)]
pub struct Credentials {
    pub throttle: LoginThrottle,
    pub passwords: Arc<Passwords>,
    /// `None`: no breach service is configured.
    pub breaches: Option<Arc<BreachService>>,
    pub keys: Arc<Keys>,
}

impl Credentials {
    /// An attempt to sign in under this name, by a client that brings nothing.
    #[must_use]
    pub fn sign_in(&self, typed: &str, address: ClientAddr) -> Attempt {
        self.throttle.sign_in(typed, address, None, None)
    }

    /// The same by a client that may bring a device cookie of this account's epoch, or the solution of a challenge.
    #[must_use]
    pub fn sign_in_with(
        &self,
        typed: &str,
        address: ClientAddr,
        headers: &HeaderMap,
        epoch: Option<i64>,
        solution: Option<&str>,
    ) -> Attempt {
        let now = self.throttle.clock.now();
        let name = typed.to_lowercase();
        let device = Device::recognise(&self.keys, &name, headers, now).filter(|device| device.is_of(epoch));
        self.throttle.sign_in(typed, address, device, solution)
    }

    /// Re-authentication: a signed-in user enters the password again.
    #[must_use]
    pub fn reauthenticate(&self, caller: &Caller) -> Attempt {
        self.throttle.reauthenticate(caller)
    }

    /// The cookie of a new device, for the client that has just proved to be the owner of this address.
    ///
    /// # Errors
    /// Never in practice.
    pub fn device_cookie(&self, email: &str, epoch: i64) -> ApiResult<HeaderValue> {
        let (now, lives) = (self.throttle.clock.now(), self.throttle.settings.device_life);
        Device::new(epoch).set_cookie(&self.keys, &email.to_lowercase(), now, lives).map_err(ApiError::internal)
    }

    /// Lifts every lock of a user who has chosen a new password by a mail to this address.
    ///
    /// # Errors
    /// The database fails.
    pub async fn reset_counters(&self, user: UserId, email: &str) -> ApiResult<()> {
        let accounts = [account_of(&self.keys, email), account_inside(&self.keys, user)];
        self.throttle.reset_counters(&self.throttle.pool, &accounts).await
    }

    /// Checks `password` against what was found for the account, if there is one. `failure` is the event of a failed attempt.
    ///
    /// # Errors
    /// 401 `invalid_credentials` for every failure; 429 when the client has failed too often; 503 when the hashing queue is full or the
    /// counters cannot be read.
    pub async fn check(
        &self,
        attempt: Attempt,
        password: &SecretString,
        Found { account: stored, dearest_work }: Found,
        failure: EventKind,
    ) -> ApiResult<Verified> {
        let admitted = self.throttle.admit(attempt).await?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.as_str());
        let verdict = self.passwords.verify(password, hash, dearest_work).await?;
        let right = verdict != Verdict::Wrong;
        let reason = match &stored {
            None => "unknown_account",
            Some(_) if admitted.is_locked() && right => "correct_password_while_locked",
            Some(_) if admitted.is_locked() => "locked",
            Some(_) if !right => "wrong_password",
            Some(stored) if !stored.active => "disabled",
            Some(stored) => {
                self.throttle.succeeded(&admitted).await?;
                return Ok(self.proof(stored, password, verdict).await);
            }
        };
        self.throttle.failed(&admitted, stored.as_ref().map(|stored| stored.user)).await?;
        let event = Event::new(failure).reason(reason).subject(admitted.attempt.subject());
        match &stored {
            Some(stored) => event.user(stored.user).record(),
            None => event.record(),
        }
        Err(ApiError::InvalidCredentials)
    }

    async fn proof(&self, stored: &Stored, password: &SecretString, verdict: Verdict) -> Verified {
        let stronger_hash = match verdict {
            // A full queue is no reason to refuse a right password: the next sign-in tries again.
            Verdict::Right { rehash: true } => self.passwords.hash(password).await.ok(),
            _ => None,
        };
        Verified {
            user: stored.user,
            password_hash: stored.password_hash.clone(),
            device_epoch: stored.device_epoch,
            stronger_hash,
        }
    }

    /// Hashes a new password if it may be chosen. The field at `pointer` is told why not; that is no secret about anybody.
    ///
    /// # Errors
    /// 400, or 503 when the hashing queue is full.
    pub async fn choose(
        &self,
        pointer: &'static str,
        password: &SecretString,
        email: &str,
        name: &str,
    ) -> ApiResult<HashedPassword> {
        let local_part = email.split('@').next().unwrap_or_default();
        let refuse = |refusal: PasswordRefusal| ApiError::invalid(pointer, refusal.to_string());
        self.passwords.check(password, &[local_part, email, name]).await?.map_err(refuse)?;
        if let Some(breaches) = &self.breaches
            && breaches.knows(password).await
        {
            return Err(refuse(PasswordRefusal::Breached));
        }
        self.passwords.hash(password).await
    }
}

/// The rule of each password field (garde's `custom`): what cannot be anybody's password is refused before any look-up and any
/// hashing, at sign-in too and whoever is named, so that very long ones cost nothing.
///
/// # Errors
/// It is too long.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn within_cap(password: &SecretString, _: &()) -> garde::Result {
    let within = Passwords::within_cap(password);
    within.then_some(()).ok_or_else(|| garde::Error::new(format!("may have at most {MOST_CHARS} characters")))
}
