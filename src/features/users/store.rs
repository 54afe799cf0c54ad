//! The caller's own row. The table has no row-level security (it is read to find out who calls), so each statement here is on
//! `id = ` the caller's, and changes that need a password are made only while the verified hash is still there.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::Profile;
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::UserId;
use crate::base::person::DisplayName;
use crate::db::begin;
use crate::features::auth::mail::{MailKind, MailNotifier};
use crate::features::auth::model::ClientSeen;
use crate::features::auth::session_store::Granted;
use crate::features::auth::store::AuthStore;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::{Found, Stored, Verified};
use crate::security::authentication::passwords::HashedPassword;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::revocations::{Ended, Revocations};

/// Refuses to delete the last active administrator.
pub const LAST_ADMINISTRATOR: ApiError =
    ApiError::Conflict { code: "last_administrator", title: "The last active administrator stays" };

/// The statements of this feature.
#[derive(Clone)]
pub struct UserStore {
    pool: PgPool,
    auth: AuthStore,
    revocations: Arc<Revocations>,
    notifier: MailNotifier,
    clock: Clock,
}

impl UserStore {
    /// On this pool.
    #[must_use]
    pub fn new(
        pool: PgPool,
        auth: AuthStore,
        revocations: Arc<Revocations>,
        notifier: MailNotifier,
        clock: Clock,
    ) -> Self {
        Self { pool, auth, revocations, notifier, clock }
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

    /// What the caller's password is checked against.
    pub async fn credentials(&self, caller: &Caller) -> ApiResult<Found> {
        let user = sqlx::query!(
            r#"select password_hash, device_epoch, status = 'active' as "active!" from users where id = $1"#,
            caller.user().uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let account = user.map(|user| Stored {
            user: caller.user(),
            password_hash: user.password_hash,
            device_epoch: user.device_epoch,
            active: user.active,
        });
        // A caller who enters their own password again learns nothing from the work of other accounts.
        Ok(Found { account, dearest_work: 0 })
    }

    /// Sets a new password, ends all sessions of the caller, opens a new one, voids device cookies, deletes pending reset tokens, and
    /// queues the mail. Returns the new session, and the new epoch of device cookies.
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] when the password was changed after it was verified.
    pub async fn change_password(
        &self,
        caller: &Caller,
        verified: &Verified,
        new_hash: &HashedPassword,
        client: &ClientSeen,
    ) -> ApiResult<(Granted, i64)> {
        let mut transaction = begin(&self.pool).await?;
        let epoch = sqlx::query_scalar!(
            "with changed as (
                 update users set password_hash = $2, device_epoch = device_epoch + 1
                 where id = $1 and password_hash = $3 returning id, email, device_epoch
             ), resets as (
                 delete from password_resets where user_id in (select id from changed)
             ), mail as (
                 insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at)
                 select $4, $5, email, id, $6, $6 from changed
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
        let granted = self.auth.insert_session(&mut transaction, user, client).await?;
        let changed = Event::new(EventKind::AuthnPasswordChange).reason("by_owner").user(user).session(session);
        self.keep(transaction, ended, changed).await?;
        Ok((granted, epoch))
    }

    /// Deletes the caller, ends their sessions and queues the mail. What they owned is deleted afterwards (`purge_store`). Their
    /// ended sessions stay until their tokens have expired, so that every replica knows.
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] when the password was changed after it was verified; a conflict for the last active
    /// administrator.
    pub async fn delete(&self, caller: &Caller, verified: &Verified) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        must_not_be_the_last_administrator(&mut transaction, caller).await?;
        // Before his sessions, as everybody else takes them: otherwise the two could wait for each other.
        sqlx::query!("select id from users where id = $1 for no key update", caller.user().uuid())
            .fetch_optional(&mut *transaction)
            .await?;
        let sessions = self.revocations.end_all(&mut transaction, caller.user(), "account_deleted").await?;
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
            Event::new(EventKind::AuthnLoginFail).reason("account_changed_concurrently").user(caller.user()).record();
            return Err(ApiError::InvalidCredentials);
        }
        let deleted =
            Event::new(EventKind::UserDeleted).reason("by_owner").user(caller.user()).session(caller.session());
        self.keep(transaction, sessions, deleted).await
    }

    /// Commits, with the event, and only then tells.
    async fn keep(&self, mut transaction: sqlx::PgTransaction<'_>, ended: Ended, event: Event) -> ApiResult<()> {
        let kept = event.record_in(&mut transaction).await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        kept.publish();
        self.notifier.notify();
        Ok(())
    }
}

/// Locks all active administrators, if the caller is one, in the order of `admin_set_status()`: two who leave at once, or one who
/// leaves while he disables the other, wait for each other, and the second finds himself alone. For others it locks nobody.
async fn must_not_be_the_last_administrator(connection: &mut PgConnection, caller: &Caller) -> ApiResult<()> {
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

/// Makes a user who has confirmed nothing: demo data. `None`: the address is taken.
///
/// # Errors
/// The database refuses.
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

/// Makes an administrator. `None`: the address is taken. Only under the role that owns the schema: the service's own may not
/// write roles.
///
/// # Errors
/// The database refuses.
pub async fn create_admin(
    owner: &mut PgConnection,
    id: UserId,
    email: &EmailAddress,
    name: &DisplayName,
    hash: &HashedPassword,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, sqlx::Error> {
    let created = sqlx::query_scalar!(
        "insert into users (id, email, display_name, password_hash, role, created_at, updated_at)
         values ($1, $2, $3, $4, 'admin', $5, $5) on conflict (email) do nothing returning id",
        id.uuid(),
        email.as_str(),
        name.as_str(),
        hash.as_str(),
        now
    )
    .fetch_optional(owner)
    .await?;
    Ok(created.map(UserId::from))
}

/// Makes an administrator of the user with this address. `None`: there is none. Under the same role as [`create_admin`].
///
/// # Errors
/// The database refuses.
pub async fn promote(
    owner: &mut PgConnection,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, sqlx::Error> {
    let promoted = sqlx::query_scalar!(
        "update users set role = 'admin', version = version + 1, updated_at = $2 where email = $1 returning id",
        email.as_str(),
        now
    )
    .fetch_optional(owner)
    .await?;
    Ok(promoted.map(UserId::from))
}

/// Makes an ordinary user of the administrator with this address. `None`: nobody has it. Under the same role as
/// [`create_admin`]. His sessions stay: his role is asked for at each request.
///
/// # Errors
/// The database refuses.
pub async fn demote(
    owner: &mut PgConnection,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, sqlx::Error> {
    let demoted = sqlx::query_scalar!(
        "update users set role = 'user', version = version + 1, updated_at = $2 where email = $1 returning id",
        email.as_str(),
        now
    )
    .fetch_optional(owner)
    .await?;
    Ok(demoted.map(UserId::from))
}
