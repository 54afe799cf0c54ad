//! The one way to check a password: the same work and the same answer, whoever was named and whatever was wrong.
//!
//! **Abuse**: learning from the answer, its time or its side effects who has an account, whether it is locked or disabled, or that
//! a guessed password was right; guessing without end. **How**: sign-in and "enter your password again" both end here. The address's
//! counter decides first (429, before any hash). Then always one look-up, one hash (a dummy's where there is no account,
//! `passwords`), one count; unknown, wrong, disabled and locked are the one `invalid_credentials`. Why is in the log alone, and the
//! log knows the typed name as a keyed hash only.
//! **Not stopped**: telling a success from a failure, which is the point of signing in.
//! **ASVS** 6.3.1, 6.3.8, 16.3.1 · **Attack** `attacks::authentication`

use std::sync::Arc;

use secrecy::SecretString;

use super::caller::Caller;
use super::keys::Keys;
use super::log::event::{Event, EventKind};
use super::login_guard::{Admission, Attempt, LoginGuard};
use super::passwords::Passwords;
use crate::base::id::UserId;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};

/// What the database keeps of whoever was named.
pub struct Stored {
    pub user: UserId,
    pub password_hash: String,
    /// Whether the account may be used at all.
    pub active: bool,
}

/// Proof that a password was right. Only [`Credentials::check`] makes one.
pub struct Verified {
    user: UserId,
    password_hash: String,
    stronger_hash: Option<String>,
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

    /// The same password under today's parameters, where the stored hash has older ones.
    #[must_use]
    pub fn stronger_hash(&self) -> Option<&str> {
        self.stronger_hash.as_deref()
    }
}

/// Checks passwords.
#[derive(Clone)]
pub struct Credentials {
    pub guard: LoginGuard,
    pub passwords: Arc<Passwords>,
    pub keys: Arc<Keys>,
}

impl Credentials {
    /// An attempt to sign in under this name.
    #[must_use]
    pub fn sign_in(&self, typed: &str, address: ClientAddr) -> Attempt {
        Attempt::new(&self.keys, &format!("name {typed}"), address)
    }

    /// An attempt of somebody who is signed in to prove it again. It has counters of its own: whoever locks an account from
    /// outside must not keep its owner, who is inside, from changing the password.
    #[must_use]
    pub fn prove_again(&self, caller: &Caller, address: ClientAddr) -> Attempt {
        Attempt::new(&self.keys, &format!("user {}", caller.user()), address)
    }

    /// Checks `password` against whoever `look_up` finds. `failure` is the event of a failed attempt.
    ///
    /// # Errors
    /// 401 `invalid_credentials` for every failure; 429 when the address or the pair has used up its failures; 503 when the hashing
    /// queue is full or the counters cannot be read.
    pub async fn check(
        &self,
        attempt: &Attempt,
        password: &SecretString,
        look_up: impl Future<Output = ApiResult<Option<Stored>>>,
        failure: EventKind,
    ) -> ApiResult<Verified> {
        let admission = self.guard.admit(attempt).await?;
        let stored = look_up.await?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.as_str());
        let verdict = self.passwords.verify(password, hash).await?;
        let reason = match &stored {
            None => "unknown",
            Some(_) if admission == Admission::Locked && verdict.holds => "locked_but_right",
            Some(_) if admission == Admission::Locked => "locked",
            Some(_) if !verdict.holds => "wrong_password",
            Some(stored) if !stored.active => "disabled",
            Some(stored) => match self.guard.succeeded(attempt).await? {
                Admission::Open => return Ok(self.proof(stored, password, verdict.rehash).await),
                // Too many failed while this one was being hashed.
                Admission::Locked => "locked_meanwhile",
            },
        };
        self.guard.failed(attempt).await?;
        let event = Event::new(failure).reason(reason).subject(attempt.subject());
        match &stored {
            Some(stored) => event.user(stored.user).record(),
            None => event.record(),
        }
        Err(ApiError::InvalidCredentials)
    }

    async fn proof(&self, stored: &Stored, password: &SecretString, rehash: bool) -> Verified {
        let stronger_hash = match rehash {
            // A full queue is no reason to refuse a right password: the next sign-in tries again.
            true => self.passwords.hash(password).await.ok(),
            false => None,
        };
        Verified { user: stored.user, password_hash: stored.password_hash.clone(), stronger_hash }
    }
}
