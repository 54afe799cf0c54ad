//! SQL of user administration.
//!
//! Defense in depth: the handlers have already checked that the caller is an administrator.
//! The statements check this again with the SQL function `is_active_admin`.
//!
//! Least privilege: the service's database role cannot update `users.status`.
//! It can only call the SQL function `admin_set_status`, which also checks the caller.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, PgTransaction};
use uuid::Uuid;

use super::model::{Account, Filter, Role, Status};
use crate::base::clock::Clock;
use crate::base::id::{SessionId, UserId};
use crate::base::page::{Limit, Position};
use crate::db::{begin, containing};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind, Object, ObjectKind};
use crate::security::authentication::device_cookies;
use crate::security::authentication::login_throttling::{LoginThrottle, account_key, reauthentication_key};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::crypto::keys::Keys;
use crate::security::sessions::revocations::{EndedSessions, Revocations};

pub const OWN_ACCOUNT: ApiError =
    ApiError::Conflict { code: "own_account", title: "Administrators cannot disable themselves" };

#[derive(Clone)]
pub struct AdminStore {
    pub pool: PgPool,
    pub throttle: LoginThrottle,
    pub keys: Arc<Keys>,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
}

struct Row {
    id: Uuid,
    email: String,
    display_name: String,
    role: String,
    status: String,
    last_active_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl AdminStore {
    /// Returns the users of one page, and one more user if there is a next page.
    pub async fn users(
        &self,
        admin: &AdminCaller,
        filter: &Filter,
        after: Position,
        limit: Limit,
    ) -> ApiResult<Vec<Account>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select u.id, u.email, u.display_name, u.role, u.status, u.created_at,
                   (select max(s.last_used_at) from sessions s
                    where s.user_id = u.id and s.ended_at is null and s.expires_at > $8) as last_active_at
               from users u
               where is_active_admin($1) and (u.created_at, u.id) < ($2, $3)
                 and ($5::text is null or u.email like $5) and ($6::text is null or u.role = $6)
                 and ($7::text is null or u.status = $7)
               order by u.created_at desc, u.id desc limit $4"#,
            admin.user().uuid(),
            after.created_at,
            after.id,
            limit.rows(),
            filter.email.as_deref().map(containing),
            filter.role.map(Role::as_str),
            filter.status.map(Status::as_str),
            self.clock.now()
        )
        .fetch_all(&self.pool)
        .await?;
        self.accounts(rows).await
    }

    pub async fn user(&self, admin: &AdminCaller, user: UserId) -> ApiResult<Account> {
        let row = sqlx::query_as!(
            Row,
            r#"select u.id, u.email, u.display_name, u.role, u.status, u.created_at,
                   (select max(s.last_used_at) from sessions s
                    where s.user_id = u.id and s.ended_at is null and s.expires_at > $3) as last_active_at
               from users u where is_active_admin($1) and u.id = $2"#,
            admin.user().uuid(),
            user.uuid(),
            self.clock.now()
        )
        .fetch_optional(&self.pool)
        .await?;
        self.accounts(row.into_iter().collect()).await?.pop().ok_or(ApiError::NotFound)
    }

    /// Adds to each row whether the account is locked. A statement of its own reads the login counters, because the key
    /// of a counter is a keyed hash of the email address, which SQL cannot compute.
    async fn accounts(&self, rows: Vec<Row>) -> ApiResult<Vec<Account>> {
        let keys: Vec<[u8; 32]> = rows.iter().map(|row| account_key(&self.keys, &row.email)).collect();
        let locked = self.throttle.locked(&keys).await?;
        let invalid = || ApiError::internal("a stored user is invalid");
        rows.into_iter()
            .zip(keys)
            .map(|(row, key)| {
                Ok(Account {
                    id: row.id.into(),
                    role: Role::from_stored(&row.role).ok_or_else(invalid)?,
                    status: Status::from_stored(&row.status).ok_or_else(invalid)?,
                    locked: locked.contains(key.as_slice()),
                    email: row.email,
                    display_name: row.display_name,
                    last_active_at: row.last_active_at,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// Resets the user's counters of failed logins and of failed re-authentications.
    pub async fn unlock(&self, admin: &AdminCaller, user: UserId) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        let email = lock_user(&mut transaction, admin, user).await?;
        let accounts = [account_key(&self.keys, &email), reauthentication_key(&self.keys, user)];
        self.throttle.reset_counters(&mut *transaction, &accounts).await?;
        self.commit(transaction, EventKind::AdminUserUnlocked, user, None).await
    }

    /// Disabling a user also ends their sessions.
    ///
    /// # Errors
    /// [`OWN_ACCOUNT`] if administrators disable themselves.
    /// [`ApiError::Forbidden`] if the caller is no longer an administrator.
    pub async fn set_status(&self, admin: &AdminCaller, user: UserId, status: Status) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        let outcome = sqlx::query_scalar!(
            r#"select admin_set_status($1, $2, $3) as "outcome!""#,
            admin.user().uuid(),
            user.uuid(),
            status.as_str()
        )
        .fetch_one(&mut *transaction)
        .await?;
        match (outcome.as_str(), status) {
            ("done", Status::Active) => self.commit(transaction, EventKind::AdminUserEnabled, user, None).await,
            ("done", Status::Disabled) => {
                let ended = ended_in_transaction(&mut transaction, user).await?;
                let ended = self.revocations.record_ended(&mut transaction, ended, "disabled_by_admin").await?;
                self.commit(transaction, EventKind::AdminUserDisabled, user, Some(ended)).await
            }
            ("missing", _) => Err(ApiError::NotFound),
            ("own_account", _) => Err(OWN_ACCOUNT),
            _ => Err(ApiError::Forbidden),
        }
    }

    /// Ends all sessions of a user and invalidates their device cookies.
    pub async fn end_sessions(&self, admin: &AdminCaller, user: UserId) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        lock_user(&mut transaction, admin, user).await?;
        device_cookies::advance_epoch(&mut transaction, user).await?;
        let ended = self.revocations.end_all(&mut transaction, user, "ended_by_admin").await?;
        self.commit(transaction, EventKind::AdminSessionsEnded, user, Some(ended)).await
    }

    /// Records the event in `transaction`, commits it, and announces the ended sessions to all replicas.
    async fn commit(
        &self,
        mut transaction: PgTransaction<'_>,
        kind: EventKind,
        user: UserId,
        ended: Option<EndedSessions>,
    ) -> ApiResult<()> {
        // The object of the event is the changed user. The user of the event is the caller, who is the administrator.
        let target = Object { kind: ObjectKind::USER, id: user.uuid() };
        let pending = Event::new(kind).object(target).record_in(&mut transaction).await?;
        transaction.commit().await?;
        pending.publish();
        ended.into_iter().for_each(|ended| self.revocations.announce(ended));
        Ok(())
    }
}

/// Locks the user's row and returns the email address.
///
/// # Errors
/// [`ApiError::NotFound`] if the user does not exist or the caller is no longer an administrator.
async fn lock_user(transaction: &mut PgConnection, admin: &AdminCaller, user: UserId) -> ApiResult<String> {
    sqlx::query_scalar!(
        "select email from users where is_active_admin($1) and id = $2 for no key update",
        admin.user().uuid(),
        user.uuid()
    )
    .fetch_optional(transaction)
    .await?
    .ok_or(ApiError::NotFound)
}

/// Returns the sessions that `admin_set_status` has ended in this transaction: they ended at or after `now()`, which is
/// the start of the transaction.
async fn ended_in_transaction(transaction: &mut PgConnection, user: UserId) -> ApiResult<Vec<(UserId, SessionId)>> {
    let ended = sqlx::query_scalar!(
        "select id from sessions where user_id = $1 and ended_at between now() and clock_timestamp()",
        user.uuid()
    )
    .fetch_all(transaction)
    .await?;
    Ok(ended.into_iter().map(|session| (user, session.into())).collect())
}
