//! Who may sign in: registrations, passwords, resets. Sessions are in `session_store.rs`.
//!
//! These tables have no row-level security (they are read to find out who calls), so each statement here names the one user,
//! address or token that it is about. Registration and reset are one statement each, the same for a known and an unknown
//! address and with the same number of rows queued, so that neither the statements nor their time tell who is registered.
//!
//! A registration holds no password: the person who reads the mail chooses it. Otherwise an attacker could register the address
//! of a victim who confirms (account pre-hijacking, CWE-287). Attack: `attacks::authentication::registration`.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use uuid::Uuid;

use super::mail::{MailKind, MailNotifier};
use super::model::NewProfile;
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::UserId;
use crate::config::SessionSettings;
use crate::db::begin;
use crate::http::error::ApiResult;
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::{Found, Stored};
use crate::security::authentication::passwords::HashedPassword;
use crate::security::crypto::keys::Keys;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::limits::mail_budgets::{self, MailOrigin};
use crate::security::sessions::revocations::Revocations;

/// How long a confirmation link works. Meanwhile the address stays free for others to register.
const REGISTRATION_LIVES: TimeDelta = TimeDelta::hours(24);

/// How long a reset link works: as long as a mail budget lasts, so that a mailbox whose budget is used up holds live links.
const RESET_LIVES: TimeDelta = mail_budgets::WINDOW;

/// The statements of this feature.
#[derive(Clone)]
pub struct AuthStore {
    pub(super) pool: PgPool,
    pub(super) keys: Arc<Keys>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) notifier: MailNotifier,
    pub(super) settings: SessionSettings,
    pub(super) clock: Clock,
}

/// Whom a reset token lets choose a password.
pub struct ResetHolder {
    pub email: String,
    pub display_name: String,
}

impl AuthStore {
    /// On this pool.
    #[must_use]
    pub fn new(
        pool: PgPool,
        keys: Arc<Keys>,
        revocations: Arc<Revocations>,
        notifier: MailNotifier,
        settings: SessionSettings,
        clock: Clock,
    ) -> Self {
        Self { pool, keys, revocations, notifier, settings, clock }
    }

    /// Queues a confirmation link, or "you have an account already" if the address belongs to a user.
    ///
    /// A registration holds the address and the token's hash only. A password that was stored here would be one that the
    /// owner of the mailbox did not choose (account pre-hijacking, CWE-287). `false`: the mail budget of `origin` is used up.
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
             insert into mail_outbox (id, kind, recipient, subject_id, key_id, created_at, next_attempt_at)
             select $6, case when exists (select from known) then $8 else $7 end, $2, $1, $9, $4, $4",
            id,
            email.as_str(),
            &token.hash(),
            now,
            now + REGISTRATION_LIVES,
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

    /// Returns the address that this token confirms, without using the token up. `None`: the token is wrong, used or expired.
    pub async fn registered_address(&self, token: &SecretToken) -> ApiResult<Option<String>> {
        Ok(sqlx::query_scalar!(
            "select email from registrations where token_hash = $1 and expires_at > $2",
            &token.hash(),
            self.clock.now()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Creates the user whose address this token confirms, and ends all registrations of that address. `None`: the token was
    /// used or has expired, or another link for the same address was quicker.
    pub async fn confirm(
        &self,
        token: &SecretToken,
        profile: &NewProfile,
        hash: &HashedPassword,
    ) -> ApiResult<Option<UserId>> {
        let joined = sqlx::query_scalar!(
            r#"with confirmed as (
                   delete from registrations where token_hash = $1 and expires_at > $2 returning email
               ), others as (
                   delete from registrations where token_hash <> $1 and email in (select email from confirmed)
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
        Ok(joined.map(UserId::from))
    }

    /// The account with this address, and the work of the dearest stored hash of all accounts. `None` asks too, for an address
    /// that no account has, so that a malformed address does not show.
    pub async fn credentials(&self, email: Option<&EmailAddress>) -> ApiResult<Found> {
        let email = email.map_or("", EmailAddress::as_str);
        let row = sqlx::query!(
            r#"select dearest.work as "dearest_work!", u.id as "id?", u.password_hash as "password_hash?",
                   u.device_epoch as "device_epoch?", u.status = 'active' as "active?"
               from (select coalesce(max(password_work), 0) as work from users) dearest
               left join users u on u.email = $1"#,
            email
        )
        .fetch_one(&self.pool)
        .await?;
        let account = match (row.id, row.password_hash, row.device_epoch, row.active) {
            (Some(user), Some(password_hash), Some(device_epoch), Some(active)) => {
                Some(Stored { user: user.into(), password_hash, device_epoch, active })
            }
            _ => None,
        };
        Ok(Found { account, dearest_work: u64::try_from(row.dearest_work).unwrap_or(0) })
    }

    /// Queues a reset link. Earlier links stay good, so that a stranger's request takes none away. For an unknown address a row
    /// is queued as well, as already sent. `false`: the mail budget of `origin` is used up.
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
             insert into mail_outbox (id, kind, recipient, subject_id, key_id, created_at, next_attempt_at, sent_at)
             select $7, $6, $2, $1, $8, $4, $4, case when exists (select from known) then null else $4 end",
            id,
            email.as_str(),
            &token.hash(),
            now,
            now + RESET_LIVES,
            MailKind::ResetPassword.name(),
            Uuid::new_v4(),
            &self.keys.id().to_bytes()
        )
        .execute(&self.pool)
        .await?;
        self.notifier.notify();
        Ok(true)
    }

    /// Whose password this token may change, without using it up: a new password that is refused leaves it alive.
    pub async fn reset_holder(&self, token: &SecretToken) -> ApiResult<Option<ResetHolder>> {
        Ok(sqlx::query_as!(
            ResetHolder,
            "select u.email, u.display_name from password_resets r join users u on u.id = r.user_id
             where r.token_hash = $1 and r.expires_at > $2 and u.status = 'active'",
            &token.hash(),
            self.clock.now()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Uses the token up with all others of its user, sets the password, ends every session, voids every device cookie and queues the
    /// mail that tells the owner. Returns the user and the new epoch of their device cookies. `None`: the token is used or over; of
    /// two at once, one gets through.
    pub async fn reset_password(&self, token: &SecretToken, hash: &HashedPassword) -> ApiResult<Option<(UserId, i64)>> {
        let mut transaction = begin(&self.pool).await?;
        let changed = sqlx::query!(
            r#"with reset as (
                   delete from password_resets
                   where user_id in (select user_id from password_resets where token_hash = $1 and expires_at > $2)
                   returning user_id
               ), changed as (
                   update users set password_hash = $3, device_epoch = device_epoch + 1
                   where users.id in (select user_id from reset) and users.status = 'active'
                   returning users.id, users.email, users.device_epoch
               ), mail as (
                   insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at)
                   select $4, $5, email, id, $2, $2 from changed
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

    /// Forgets what is over. Sessions stay until no access token of theirs can be alive, which `token_life` says.
    pub async fn sweep(&self, token_life: Duration) -> ApiResult<()> {
        let now = self.clock.now();
        sqlx::query!("delete from registrations where expires_at <= $1", now).execute(&self.pool).await?;
        sqlx::query!("delete from password_resets where expires_at <= $1", now).execute(&self.pool).await?;
        mail_budgets::sweep(&self.pool, now).await?;
        // Their refresh tokens go with them and not earlier: a used one that comes back is how a theft shows.
        sqlx::query!("delete from sessions where least(expires_at, ended_at) <= $1", now - token_life)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
