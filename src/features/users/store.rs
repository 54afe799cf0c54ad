//! SQL of the caller's row in `users`. Each statement filters by the caller's id.
//! The table has no row-level security, because a login reads it before the service knows the caller.
//!
//! Race condition (CWE-367): a password can change between its verification and the statement that relies on it.
//! So such a statement also compares the stored hash with the verified hash.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::model::Profile;
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::UserId;
use crate::base::person::DisplayName;
use crate::db::begin;
use crate::db::outbox::Notifier;
use crate::features::auth::mail::MailKind;
use crate::features::auth::model::ClientDescription;
use crate::features::auth::session_store::IssuedSession;
use crate::features::auth::store::AuthStore;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::{FoundCredentials, StoredCredentials, VerifiedPassword};
use crate::security::authentication::passwords::HashedPassword;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::revocations::{EndedSessions, Revocations};

pub const LAST_ADMINISTRATOR: ApiError =
    ApiError::Conflict { code: "last_administrator", title: "The last active administrator cannot be deleted" };

#[derive(Clone)]
pub struct UserStore {
    pool: PgPool,
    auth: AuthStore,
    revocations: Arc<Revocations>,
    notifier: Notifier,
    clock: Clock,
}

impl UserStore {
    #[must_use]
    pub fn new(pool: PgPool, auth: AuthStore, revocations: Arc<Revocations>, notifier: Notifier, clock: Clock) -> Self {
        Self { pool, auth, revocations, notifier, clock }
    }

    /// Returns `None` if the account has just been deleted.
    pub async fn profile(&self, caller: &Caller) -> ApiResult<Option<Profile>> {
        Ok(sqlx::query_as!(
            Profile,
            "select id, email, display_name, bio, role, version, created_at, updated_at from users where id = $1",
            caller.user().uuid()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Returns `false` if a parallel request has changed the profile.
    pub async fn save(&self, caller: &Caller, profile: &Profile) -> ApiResult<bool> {
        let saved = sqlx::query!(
            "update users set display_name = $2, bio = $3, version = $4, updated_at = $5
             where id = $1 and version + 1 = $4",
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

    pub async fn credentials(&self, caller: &Caller) -> ApiResult<FoundCredentials> {
        let user = sqlx::query!(
            r#"select password_hash, device_epoch, status = 'active' as "active!" from users where id = $1"#,
            caller.user().uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let account = user.map(|user| StoredCredentials {
            user: caller.user(),
            password_hash: user.password_hash,
            device_epoch: user.device_epoch,
            active: user.active,
        });
        // `max_work` prevents user enumeration at a login. Here the account is known to exist, so 0 is sufficient.
        Ok(FoundCredentials { account, max_work: 0 })
    }

    /// Sets the password, ends all sessions, invalidates device cookies, deletes reset tokens and queues a mail.
    /// Returns a new session, and the new epoch of the device cookies.
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] if the password has changed since it was verified.
    pub async fn change_password(
        &self,
        caller: &Caller,
        verified: &VerifiedPassword,
        new_hash: &HashedPassword,
        client: &ClientDescription,
    ) -> ApiResult<(IssuedSession, i64)> {
        let mut transaction = begin(&self.pool).await?;
        let epoch = sqlx::query_scalar!(
            "with changed as (
                 update users set password_hash = $2, device_epoch = device_epoch + 1
                 where id = $1 and password_hash = $3 returning id, email, device_epoch
             ), resets as (
                 delete from password_resets where user_id in (select id from changed)
             ), mail as (
                 insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at)
                 select $4, 'mail', $5, email, id, $6, $6 from changed
             )
             select device_epoch from changed",
            caller.user().uuid(),
            new_hash.as_str(),
            verified.password_hash(),
            Uuid::new_v4(),
            MailKind::PasswordChanged.name(),
            self.clock.now()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(epoch) = epoch else {
            Event::new(EventKind::AuthnPasswordChangeFail)
                .reason("account_changed_concurrently")
                .user(caller.user())
                .record();
            return Err(ApiError::InvalidCredentials);
        };
        let (user, session) = (caller.user(), caller.session());
        let ended = self.revocations.end_all(&mut transaction, user, "password_changed").await?;
        // All sessions have just ended, so `insert_session` ends none.
        let (issued, _) = self.auth.insert_session(&mut transaction, user, None, client).await?;
        let event = Event::new(EventKind::AuthnPasswordChange).reason("by_owner").user(user).session(session);
        self.commit(transaction, ended, event).await?;
        Ok((issued, epoch))
    }

    /// Deletes the `users` row, ends all sessions and queues a mail. `purge_store` deletes the other data later.
    /// The ended sessions remain until their access tokens have expired, so that the service rejects these tokens.
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] if the password has changed since it was verified.
    /// [`LAST_ADMINISTRATOR`] if the caller is the last active administrator.
    pub async fn delete(&self, caller: &Caller, verified: &VerifiedPassword) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        ensure_not_last_administrator(&mut transaction, caller).await?;
        // Lock order, to prevent deadlocks: every transaction locks a user before the user's sessions.
        sqlx::query!("select id from users where id = $1 for no key update", caller.user().uuid())
            .fetch_optional(&mut *transaction)
            .await?;
        let ended = self.revocations.end_all(&mut transaction, caller.user(), "account_deleted").await?;
        let deleted = sqlx::query!(
            "with deleted as (
                 delete from users where id = $1 and password_hash = $2 returning id, email
             ), deleted_registrations as (
                 delete from registrations where email in (select email from deleted)
             )
             insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at)
             select $3, 'mail', $4, email, id, $5, $5 from deleted",
            caller.user().uuid(),
            verified.password_hash(),
            Uuid::new_v4(),
            MailKind::AccountDeleted.name(),
            self.clock.now()
        )
        .execute(&mut *transaction)
        .await?;
        if deleted.rows_affected() == 0 {
            Event::new(EventKind::AuthnLoginFail).reason("account_changed_concurrently").user(caller.user()).record();
            return Err(ApiError::InvalidCredentials);
        }
        let event = Event::new(EventKind::UserDeleted).reason("by_owner").user(caller.user()).session(caller.session());
        self.commit(transaction, ended, event).await
    }

    /// Records the event in `transaction`, commits it, and announces the ended sessions to all replicas.
    async fn commit(
        &self,
        mut transaction: sqlx::PgTransaction<'_>,
        ended: EndedSessions,
        event: Event,
    ) -> ApiResult<()> {
        let pending = event.record_in(&mut transaction).await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        pending.publish();
        self.notifier.notify();
        Ok(())
    }
}

/// If the caller is an administrator, locks the rows of all active administrators, like `admin_set_status()` in SQL.
/// So if the last two administrators delete their accounts at the same time, the second request waits, and is refused.
async fn ensure_not_last_administrator(connection: &mut PgConnection, caller: &Caller) -> ApiResult<()> {
    let active = sqlx::query_scalar!(
        "select id from users where role = 'admin' and status = 'active' and is_active_admin($1)
         order by id for no key update",
        caller.user().uuid()
    )
    .fetch_all(connection)
    .await?;
    if active == [caller.user().uuid()] {
        return Err(LAST_ADMINISTRATOR);
    }
    Ok(())
}

/// Creates a user without confirmation, for demo data, throw-away accounts and [`create_admin`].
/// Returns `None` if the address is already registered.
pub async fn create(
    connection: &mut PgConnection,
    id: UserId,
    email: &EmailAddress,
    name: &DisplayName,
    hash: &HashedPassword,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, sqlx::Error> {
    let created = sqlx::query_scalar!(
        "insert into users (id, email, display_name, password_hash, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5) on conflict (email) do nothing returning id",
        id.uuid(),
        email.as_str(),
        name.as_str(),
        hash.as_str(),
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(created.map(UserId::from))
}

/// Creates an administrator, for demo data and the command line. Returns `None` if the address is registered already.
/// `owner` is a connection of the schema's owner, because the service's role cannot write the column `role`.
pub async fn create_admin(
    owner: &mut PgConnection,
    id: UserId,
    email: &EmailAddress,
    name: &DisplayName,
    hash: &HashedPassword,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, sqlx::Error> {
    let mut transaction = owner.begin().await?;
    let created = create(&mut transaction, id, email, name, hash, now).await?;
    if created.is_some() {
        set_admin(&mut transaction, email, true, now).await?;
    }
    transaction.commit().await?;
    Ok(created)
}

/// Sets a user's role. Returns `None` if the user does not exist. `owner` is a connection of the schema's owner.
/// The change applies to open sessions too, because each request reads the role from the database.
pub async fn set_admin(
    owner: &mut PgConnection,
    email: &EmailAddress,
    is_admin: bool,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, sqlx::Error> {
    let changed = sqlx::query_scalar!(
        "update users set role = case when $2 then 'admin' else 'user' end, version = version + 1, updated_at = $3
         where email = $1 returning id",
        email.as_str(),
        is_admin,
        now
    )
    .fetch_optional(owner)
    .await?;
    Ok(changed.map(UserId::from))
}
