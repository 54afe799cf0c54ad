//! Password verification in uniform time with one error, to prevent user enumeration (CWE-204, CWE-208, API2:2023).
//!
//! **Attack**: user enumeration: the response, its time or its side effects show whether an account exists or is
//! locked. Or the response to a guess at a locked account shows whether the password was correct.
//! **Control**: login and re-authentication both use [`Credentials::check`].
//! Every check does the same work: one look-up, one count and one hash (of a dummy if the account does not exist).
//! If a limit of `login_throttling` is exceeded, the check returns 429 without hashing.
//! An unknown account, a wrong password, a disabled account and a locked account all return `invalid_credentials`.
//! Only the log contains the reason, together with a keyed hash of the mail address.
//! **Limits**: during a lock, owners without a device cookie are refused too, even with the correct password.
//! **ASVS**: 6.3.1, 6.3.8, 16.3.1 · **Test**: `attacks::authentication::credentials`

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;

use crate::base::id::UserId;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::device_cookies::DeviceCookie;
use crate::security::authentication::login_throttling::{
    LoginAttempt, LoginThrottle, account_key, reauthentication_key,
};
use crate::security::authentication::passwords::breaches::BreachService;
use crate::security::authentication::passwords::policy::MAX_CHARS;
use crate::security::authentication::passwords::{HashedPassword, PasswordRefusal, Passwords, Verdict};
use crate::security::crypto::keys::Keys;
use crate::security::sessions::caller::Caller;

pub struct StoredCredentials {
    pub user: UserId,
    pub password_hash: String,
    /// The current epoch of the account, a number. A device cookie with another epoch is invalid (`device_cookies`).
    pub device_epoch: i64,
    /// `false` if an administrator has disabled the account.
    pub active: bool,
}

pub struct FoundCredentials {
    /// The credentials, or `None` if the account does not exist.
    pub account: Option<StoredCredentials>,
    /// The highest work of all stored password hashes: memory in KiB, multiplied by passes.
    /// Every verification does this work, so that the response time does not reveal which accounts exist.
    pub max_work: u64,
}

/// The proof that a password was correct. Only [`Credentials::check`] can create it.
pub struct VerifiedPassword {
    user: UserId,
    password_hash: String,
    device_epoch: i64,
    new_hash: Option<HashedPassword>,
}

impl VerifiedPassword {
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Returns the hash against which the password was verified.
    /// An SQL statement that relies on this proof must check that the user still has this hash.
    /// Otherwise a login that runs during a password change could open a session with the old password.
    #[must_use]
    pub fn password_hash(&self) -> &str {
        &self.password_hash
    }

    #[must_use]
    pub fn device_epoch(&self) -> i64 {
        self.device_epoch
    }

    /// Returns a new hash of the same password if the stored hash does not have the configured parameters.
    #[must_use]
    pub fn new_hash(&self) -> Option<&str> {
        self.new_hash.as_ref().map(HashedPassword::as_str)
    }
}

#[derive(Clone)]
pub struct Credentials {
    pub throttle: LoginThrottle,
    pub passwords: Arc<Passwords>,
    pub breaches: Option<Arc<BreachService>>,
    pub keys: Arc<Keys>,
}

impl Credentials {
    #[must_use]
    pub fn sign_in(&self, typed: &str, address: ClientAddr) -> LoginAttempt {
        self.throttle.sign_in(typed, address, None, None)
    }

    /// Creates a login attempt with an optional solution of a challenge.
    /// A device cookie in `headers` is only used if it has the current epoch of the account.
    #[must_use]
    pub fn sign_in_with(
        &self,
        typed: &str,
        address: ClientAddr,
        headers: &HeaderMap,
        epoch: Option<i64>,
        solution: Option<&str>,
    ) -> LoginAttempt {
        let now = self.throttle.clock.now();
        let name = typed.to_lowercase();
        let device =
            DeviceCookie::from_headers(&self.keys, &name, headers, now).filter(|device| device.matches_epoch(epoch));
        self.throttle.sign_in(typed, address, device, solution)
    }

    #[must_use]
    pub fn reauthenticate(&self, caller: &Caller) -> LoginAttempt {
        self.throttle.reauthenticate(caller)
    }

    /// Returns the `Set-Cookie` header of a new device cookie.
    /// Call it only for a client that has just authenticated, because the client becomes a known device of the account.
    ///
    /// # Errors
    /// [`ApiError::Internal`] never occurs in practice: all characters of the cookie are allowed in a header.
    pub fn device_cookie(&self, email: &str, epoch: i64) -> ApiResult<HeaderValue> {
        let (now, lifetime) = (self.throttle.clock.now(), self.throttle.settings.device_lifetime);
        let cookie = DeviceCookie::new(epoch).set_cookie(&self.keys, &email.to_lowercase(), now, lifetime);
        cookie.map_err(ApiError::internal)
    }

    pub async fn reset_counters(&self, user: UserId, email: &str) -> ApiResult<()> {
        let accounts = [account_key(&self.keys, email), reauthentication_key(&self.keys, user)];
        self.throttle.reset_counters(&self.throttle.pool, &accounts).await
    }

    /// Verifies `password`. `failure` is the kind of the event that records a failed attempt.
    ///
    /// # Errors
    /// Returns 401 `invalid_credentials` for every failure, and 429 after too many failures.
    /// Returns 503 if the hashing queue is full or the counters are unavailable.
    pub async fn check(
        &self,
        attempt: LoginAttempt,
        password: &SecretString,
        FoundCredentials { account: stored, max_work }: FoundCredentials,
        failure: EventKind,
    ) -> ApiResult<VerifiedPassword> {
        let admitted = self.throttle.admit(attempt).await?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.as_str());
        let verdict = self.passwords.verify(password, hash, max_work).await?;
        let is_correct = verdict != Verdict::Wrong;
        let reason = match &stored {
            None => "unknown_account",
            Some(_) if admitted.is_locked() && is_correct => "correct_password_while_locked",
            Some(_) if admitted.is_locked() => "locked",
            Some(_) if !is_correct => "wrong_password",
            Some(stored) if !stored.active => "disabled",
            Some(stored) => {
                self.throttle.record_success(&admitted).await?;
                return Ok(self.verified(stored, password, verdict).await);
            }
        };
        self.throttle.record_failure(&admitted, stored.as_ref().map(|stored| stored.user)).await?;
        let event = Event::new(failure).reason(reason).subject(admitted.attempt.subject());
        match &stored {
            Some(stored) => event.user(stored.user).record(),
            None => event.record(),
        }
        Err(ApiError::InvalidCredentials)
    }

    async fn verified(
        &self,
        stored: &StoredCredentials,
        password: &SecretString,
        verdict: Verdict,
    ) -> VerifiedPassword {
        let new_hash = match verdict {
            // If the hashing queue is full, the login must still succeed. The next login tries again.
            Verdict::Correct { needs_rehash: true } => self.passwords.hash(password).await.ok(),
            _ => None,
        };
        VerifiedPassword {
            user: stored.user,
            password_hash: stored.password_hash.clone(),
            device_epoch: stored.device_epoch,
            new_hash,
        }
    }

    /// Checks a new password against the policy and hashes it.
    ///
    /// # Errors
    /// Returns 400 with the reason for the field at `pointer`, and 503 if the hashing queue is full.
    pub async fn hash_new_password(
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
            && breaches.contains(password).await
        {
            return Err(refuse(PasswordRefusal::Breached));
        }
        self.passwords.hash(password).await
    }
}

/// Checks the length of a password field (a `custom` rule of garde). It applies to logins too: a password that is too
/// long is rejected before any look-up, so that long passwords cannot waste CPU time.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn check_max_length(password: &SecretString, _: &()) -> garde::Result {
    let within = Passwords::is_within_max_length(password);
    within.then_some(()).ok_or_else(|| garde::Error::new(format!("may have at most {MAX_CHARS} characters")))
}
