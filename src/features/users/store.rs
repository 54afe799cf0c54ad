//! The caller's own row. The table has no row-level security (it is read to find out who calls), so each statement here is on
//! `id = ` the caller's, and changes that need a password are made only while the verified hash is still there.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::Profile;
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::{SessionId, UserId};
use crate::base::person::DisplayName;
use crate::features::auth::mail::{MailBell, MailKind};
use crate::http::error::{ApiError, ApiResult};
use crate::security::caller::Caller;
use crate::security::credentials::{Stored, Verified};
use crate::security::revocations::Revocations;

/// The statements of this feature.
#[derive(Clone)]
pub struct UserStore {
    pool: PgPool,
    revocations: Arc<Revocations>,
    bell: MailBell,
    clock: Clock,
}

impl UserStore {
    /// On this pool.
    #[must_use]
    pub fn new(pool: PgPool, revocations: Arc<Revocations>, bell: MailBell, clock: Clock) -> Self {
        Self { pool, revocations, bell, clock }
    }

    /// The caller's profile.
    pub async fn profile(&self, caller: &Caller) -> ApiResult<Option<Profile>> {
        Ok(sqlx::query_as!(
            Profile,
            "select id, email, display_name, bio, version, created_at, updated_at from users where id = $1",
            caller.user().uuid()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Keeps a profile that came from [`Profile::changed`]. `false`: somebody else changed it meanwhile.
    pub async fn save(&self, caller: &Caller, profile: &Profile) -> ApiResult<bool> {
        let saved = sqlx::query!(
            "update users set display_name = $2, bio = $3, version = $4, updated_at = $5
             where id = $1 and version = $4 - 1",
            caller.user().uuid(),
            profile.display_name,
            profile.bio,
            profile.version,
            profile.updated_at
        )
        .execute(&self.pool)
        .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// What the caller's password is checked against.
    pub async fn credentials(&self, caller: &Caller) -> ApiResult<Option<Stored>> {
        let user = sqlx::query!(
            r#"select password_hash, status = 'active' as "active!" from users where id = $1"#,
            caller.user().uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(user.map(|user| Stored { user: caller.user(), password_hash: user.password_hash, active: user.active }))
    }

    /// Sets a new password, ends the caller's other sessions, kills a reset token that may be on its way, and queues the mail.
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] when the password was changed after it was verified.
    pub async fn change_password(&self, caller: &Caller, verified: &Verified, new_hash: &str) -> ApiResult<()> {
        let mut transaction = self.pool.begin().await?;
        let changed = sqlx::query!(
            "with changed as (
                 update users set password_hash = $2 where id = $1 and password_hash = $3 returning id, email
             ), resets as (
                 delete from password_resets where user_id in (select id from changed)
             )
             insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at)
             select $4, $5, email, id, $6, $6 from changed",
            caller.user().uuid(),
            new_hash,
            verified.password_hash(),
            Uuid::new_v4(),
            MailKind::PasswordChanged.name(),
            self.clock.now()
        )
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(ApiError::InvalidCredentials);
        }
        let others = self.revocations.end_all(&mut transaction, caller.user(), Some(caller.session())).await?;
        self.keep(transaction, caller, &others, "password_changed").await
    }

    /// Deletes the caller with everything he owns, ends his sessions and queues the mail. His ended sessions stay until their
    /// tokens have expired, so that every replica knows.
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] when the password was changed after it was verified.
    pub async fn delete(&self, caller: &Caller, verified: &Verified) -> ApiResult<()> {
        let mut transaction = self.pool.begin().await?;
        let sessions = self.revocations.end_all(&mut transaction, caller.user(), None).await?;
        let gone = sqlx::query!(
            "with gone as (
                 delete from users where id = $1 and password_hash = $2 returning id, email
             ), wishes as (
                 delete from registrations where email in (select email from gone)
             )
             insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at)
             select $3, $4, email, id, $5, $5 from gone",
            caller.user().uuid(),
            verified.password_hash(),
            Uuid::new_v4(),
            MailKind::AccountDeleted.name(),
            self.clock.now()
        )
        .execute(&mut *transaction)
        .await?;
        if gone.rows_affected() == 0 {
            return Err(ApiError::InvalidCredentials);
        }
        self.keep(transaction, caller, &sessions, "account_deleted").await
    }

    /// Commits, and only then tells.
    async fn keep(
        &self,
        transaction: sqlx::PgTransaction<'_>,
        caller: &Caller,
        ended: &[SessionId],
        reason: &'static str,
    ) -> ApiResult<()> {
        transaction.commit().await?;
        self.revocations.announce(caller.user(), ended, reason);
        self.bell.ring();
        Ok(())
    }
}

/// Makes a user who has confirmed nothing: for the command line and for demo data.
///
/// # Errors
/// A violated `users_email_unique`, when the address is taken.
pub async fn create(
    connection: &mut PgConnection,
    email: &EmailAddress,
    name: &DisplayName,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<UserId, sqlx::Error> {
    let id = UserId::new();
    sqlx::query!(
        "insert into users (id, email, display_name, password_hash, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        id.uuid(),
        email.as_str(),
        name.as_str(),
        password_hash,
        now
    )
    .execute(connection)
    .await?;
    Ok(id)
}

/// Makes an administrator of the user with this address. `false`: there is none. Only under the role that owns the schema: the
/// service's own may not write roles.
///
/// # Errors
/// The database refuses.
pub async fn promote(owner: &mut PgConnection, email: &EmailAddress, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let promoted = sqlx::query!(
        "update users set role = 'admin', version = version + 1, updated_at = $2 where email = $1",
        email.as_str(),
        now
    )
    .execute(owner)
    .await?;
    Ok(promoted.rows_affected() == 1)
}
