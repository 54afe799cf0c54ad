//! SQL of registrations, credentials and password resets.
//!
//! The tables have no row-level security, because the service reads them before it knows the caller.
//! Each statement filters by one user, one address or one token instead.
//!
//! User enumeration: registration and password reset each use one statement, for known and unknown addresses.
//! The statement inserts one mail in both cases.
//!
//! Account pre-hijacking (CWE-287): an attacker registers a victim's address with a password of their choice.
//! The victim confirms the registration, and the attacker knows the password of the account.
//! So a registration contains no password. The person who reads the confirmation mail chooses the password.
//! Test: `attacks::authentication::registration`.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use uuid::Uuid;

use super::mail::MailKind;
use super::model::NewProfile;
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::UserId;
use crate::config::SessionSettings;
use crate::db::begin;
use crate::db::outbox::Notifier;
use crate::http::error::ApiResult;
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::{FoundCredentials, StoredCredentials};
use crate::security::authentication::passwords::HashedPassword;
use crate::security::crypto::keys::Keys;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::limits::mail_budgets::{self, MailOrigin};
use crate::security::sessions::revocations::Revocations;

const REGISTRATION_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// A link is valid for as long as the window of a mail budget (`mail_budgets`).
/// So if a user gets no further mail because the budget is used up, the link in an earlier mail still works.
const RESET_LIFETIME: TimeDelta = mail_budgets::WINDOW;

#[derive(Clone)]
pub struct AuthStore {
    pub(super) pool: PgPool,
    pub(super) keys: Arc<Keys>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) notifier: Notifier,
    pub(super) settings: SessionSettings,
    pub(super) clock: Clock,
}

pub struct ResetAccount {
    pub email: String,
    pub display_name: String,
}

impl AuthStore {
    #[must_use]
    pub fn new(
        pool: PgPool,
        keys: Arc<Keys>,
        revocations: Arc<Revocations>,
        notifier: Notifier,
        settings: SessionSettings,
        clock: Clock,
    ) -> Self {
        Self { pool, keys, revocations, notifier, settings, clock }
    }

    /// Queues a mail with a confirmation link. If the address already has an account, the mail says so instead.
    /// Returns `false` and queues no mail if the mail budget of `origin` is used up.
    pub async fn register(&self, email: &EmailAddress, origin: &MailOrigin) -> ApiResult<bool> {
        let now = self.clock.now();
        if !mail_budgets::spend(&self.pool, &self.keys, "registration", origin, email, now).await? {
            return Ok(false);
        }
        let id = Uuid::new_v4();
        let token = SecretToken::for_mail(&self.keys, MailKind::ConfirmRegistration.name(), id);
        sqlx::query!(
            "with known as (
                 select from users where email = $2
             ), registration as (
                 insert into registrations (id, email, token_hash, created_at, expires_at)
                 select $1, $2, $3, $4, $5 where not exists (select from known)
             )
             insert into outbox (id, queue, kind, recipient, subject_id, key_id, created_at, next_attempt_at)
             select $6, 'mail', case when exists (select from known) then $8 else $7 end, $2, $1, $9, $4, $4",
            id,
            email.as_str(),
            &token.hash(),
            now,
            now + REGISTRATION_LIFETIME,
            Uuid::new_v4(),
            MailKind::ConfirmRegistration.name(),
            MailKind::AlreadyRegistered.name(),
            &self.keys.id().to_bytes()
        )
        .execute(&self.pool)
        .await?;
        self.notifier.notify();
        Ok(true)
    }

    /// Returns the address of a valid token, or `None` if the token is not valid. A valid token remains valid.
    pub async fn registered_address(&self, token: &SecretToken) -> ApiResult<Option<String>> {
        Ok(sqlx::query_scalar!(
            "select email from registrations where token_hash = $1 and expires_at > $2",
            &token.hash(),
            self.clock.now()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Creates the user and deletes the registration.
    /// Returns `None` if the token is not valid, or if another link has already confirmed the address.
    /// Other registrations of the address remain until they expire. Two parallel confirmations could deadlock if each
    /// deleted the registration of the other confirmation.
    pub async fn confirm(
        &self,
        token: &SecretToken,
        profile: &NewProfile,
        hash: &HashedPassword,
    ) -> ApiResult<Option<UserId>> {
        let created = sqlx::query_scalar!(
            r#"with confirmed as (
                   delete from registrations where token_hash = $1 and expires_at > $2 returning email
               )
               insert into users (id, email, display_name, bio, password_hash, created_at, updated_at)
               select $3, email, $4, $5, $6, $2, $2 from confirmed
               on conflict (email) do nothing
               returning id"#,
            &token.hash(),
            self.clock.now(),
            UserId::new().uuid(),
            profile.display_name.as_str(),
            profile.bio.as_ref().map(|bio| bio.as_str()),
            hash.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(created.map(UserId::from))
    }

    /// Returns the account, and the highest work factor of all stored password hashes.
    /// Every login does at least this work, so that response times do not reveal whether the account exists.
    pub async fn credentials(&self, email: Option<&EmailAddress>) -> ApiResult<FoundCredentials> {
        let email = email.map_or("", EmailAddress::as_str);
        let row = sqlx::query!(
            r#"select highest.work as "max_work!", u.id as "id?", u.password_hash as "password_hash?",
                   u.device_epoch as "device_epoch?", u.status = 'active' as "active?"
               from (select coalesce(max(password_work), 0) as work from users) highest
               left join users u on u.email = $1"#,
            email
        )
        .fetch_one(&self.pool)
        .await?;
        let account = match (row.id, row.password_hash, row.device_epoch, row.active) {
            (Some(user), Some(password_hash), Some(device_epoch), Some(active)) => {
                Some(StoredCredentials { user: user.into(), password_hash, device_epoch, active })
            }
            _ => None,
        };
        Ok(FoundCredentials { account, max_work: u64::try_from(row.max_work).unwrap_or(0) })
    }

    /// Queues a mail with a reset link. Returns `false` and queues no mail if the mail budget of `origin` is used up.
    /// Earlier links stay valid, so that an attacker cannot invalidate the user's link by another request.
    /// For an unknown address, the same statement inserts a mail that is marked as sent, so that the work is equal.
    pub async fn request_reset(&self, email: &EmailAddress, origin: &MailOrigin) -> ApiResult<bool> {
        let now = self.clock.now();
        if !mail_budgets::spend(&self.pool, &self.keys, "password_reset", origin, email, now).await? {
            return Ok(false);
        }
        let id = Uuid::new_v4();
        let token = SecretToken::for_mail(&self.keys, MailKind::ResetPassword.name(), id);
        sqlx::query!(
            "with known as (
                 select id from users where email = $2 and status = 'active'
             ), reset as (
                 insert into password_resets (id, user_id, token_hash, created_at, expires_at)
                 select $1, known.id, $3, $4, $5 from known
             )
             insert into outbox (id, queue, kind, recipient, subject_id, key_id, created_at, next_attempt_at, done_at)
             select $7, 'mail', $6, $2, $1, $8, $4, $4, case when exists (select from known) then null else $4 end",
            id,
            email.as_str(),
            &token.hash(),
            now,
            now + RESET_LIFETIME,
            MailKind::ResetPassword.name(),
            Uuid::new_v4(),
            &self.keys.id().to_bytes()
        )
        .execute(&self.pool)
        .await?;
        self.notifier.notify();
        Ok(true)
    }

    /// Returns the account of a valid token, or `None` if the token is not valid. A valid token remains valid.
    pub async fn find_reset_account(&self, token: &SecretToken) -> ApiResult<Option<ResetAccount>> {
        Ok(sqlx::query_as!(
            ResetAccount,
            "select u.email, u.display_name from password_resets r join users u on u.id = r.user_id
             where r.token_hash = $1 and r.expires_at > $2 and u.status = 'active'",
            &token.hash(),
            self.clock.now()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Sets the password, deletes all reset tokens, ends all sessions, invalidates device cookies and queues a mail.
    /// Returns the user and the new epoch of the device cookies, or `None` if the token is not valid.
    /// If two parallel requests use the same token, only one succeeds.
    /// Lock order: every transaction that changes a password locks the `users` row first, to prevent deadlocks.
    pub async fn reset_password(&self, token: &SecretToken, hash: &HashedPassword) -> ApiResult<Option<(UserId, i64)>> {
        let mut transaction = begin(&self.pool).await?;
        let changed = sqlx::query!(
            r#"with account as (
                   select id from users
                   where id = (select user_id from password_resets where token_hash = $1 and expires_at > $2)
                   for no key update
               ), reset as (
                   delete from password_resets where user_id in (select id from account) returning user_id
               ), changed as (
                   update users set password_hash = $3, device_epoch = device_epoch + 1
                   where users.id in (select user_id from reset) and users.status = 'active'
                   returning users.id, users.email, users.device_epoch
               ), mail as (
                   insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at)
                   select $4, 'mail', $5, email, id, $2, $2 from changed
               )
               select id, device_epoch from changed"#,
            &token.hash(),
            self.clock.now(),
            hash.as_str(),
            Uuid::new_v4(),
            MailKind::PasswordChanged.name()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(changed) = changed else { return Ok(None) };
        let user = UserId::from(changed.id);
        let ended = self.revocations.end_all(&mut transaction, user, "password_reset").await?;
        let reset =
            Event::new(EventKind::AuthnPasswordChange).reason("reset").user(user).record_in(&mut transaction).await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        reset.publish();
        self.notifier.notify();
        Ok(Some((user, changed.device_epoch)))
    }

    /// Deletes expired rows. An ended session remains until its access tokens have expired, so that the
    /// service rejects these tokens.
    pub async fn sweep(&self, token_lifetime: Duration) -> ApiResult<()> {
        let now = self.clock.now();
        sqlx::query!("delete from registrations where expires_at <= $1", now).execute(&self.pool).await?;
        sqlx::query!("delete from password_resets where expires_at <= $1", now).execute(&self.pool).await?;
        // Deleting a session also deletes its refresh tokens. Until then, used tokens remain, to detect a replay.
        sqlx::query!("delete from sessions where least(expires_at, ended_at) <= $1", now - token_lifetime)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
