//! The statements of administrators on users. Each takes the proved administrator and asks the database once more whether he is
//! one (`is_active_admin`); status is written by a function alone, since the service's own role may not.

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
use crate::security::authentication::login_throttling::{LoginThrottle, account_inside, account_of};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::crypto::keys::Keys;
use crate::security::sessions::revocations::{Ended, Revocations};

/// Refuses an administrator who disables their own account.
pub const OWN_ACCOUNT: ApiError =
    ApiError::Conflict { code: "own_account", title: "Administrators do not disable themselves" };

/// The statements of this feature.
#[derive(Clone)]
pub struct AdminStore {
    pub pool: PgPool,
    pub throttle: LoginThrottle,
    pub keys: Arc<Keys>,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
}

/// As the tables have it.
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
    /// Users after this place that the filter lets through, newest first: one more than the page holds, if there are so many.
    ///
    /// # Errors
    /// The database cannot be asked.
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
            filter.role.map(Role::word),
            filter.status.map(Status::word),
            self.clock.now()
        )
        .fetch_all(&self.pool)
        .await?;
        self.accounts(rows).await
    }

    /// One user.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
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

    /// With their locks, which are kept under a keyed hash of the address.
    async fn accounts(&self, rows: Vec<Row>) -> ApiResult<Vec<Account>> {
        let keys: Vec<[u8; 32]> = rows.iter().map(|row| account_of(&self.keys, &row.email)).collect();
        let locked = self.throttle.locked(&keys).await?;
        let unsound = || ApiError::internal("a user's row breaks the rules");
        rows.into_iter()
            .zip(keys)
            .map(|(row, key)| {
                Ok(Account {
                    id: row.id.into(),
                    role: Role::kept(&row.role).ok_or_else(unsound)?,
                    status: Status::kept(&row.status).ok_or_else(unsound)?,
                    locked: locked.contains(key.as_slice()),
                    email: row.email,
                    display_name: row.display_name,
                    last_active_at: row.last_active_at,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// Lifts the lock of a user's account, from outside and from inside.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn unlock(&self, admin: &AdminCaller, user: UserId) -> ApiResult<()> {
        let mut act = begin(&self.pool).await?;
        let email = email(&mut act, admin, user).await?;
        let accounts = [account_of(&self.keys, &email), account_inside(&self.keys, user)];
        self.throttle.reset_counters(&mut *act, &accounts).await?;
        self.keep(act, EventKind::AdminUserUnlocked, user, None).await
    }

    /// Disables a user, which ends his sessions, or enables him.
    ///
    /// # Errors
    /// [`ApiError::NotFound`]; a conflict for oneself; [`ApiError::Forbidden`] for who is no administrator any more.
    pub async fn set_status(&self, admin: &AdminCaller, user: UserId, status: Status) -> ApiResult<()> {
        let mut act = begin(&self.pool).await?;
        let outcome = sqlx::query_scalar!(
            r#"select admin_set_status($1, $2, $3) as "outcome!""#,
            admin.user().uuid(),
            user.uuid(),
            status.word()
        )
        .fetch_one(&mut *act)
        .await?;
        match (outcome.as_str(), status) {
            ("done", Status::Active) => self.keep(act, EventKind::AdminUserEnabled, user, None).await,
            ("done", Status::Disabled) => {
                let ended = ended_by_act(&mut act, user).await?;
                let ended = self.revocations.have_ended(&mut act, ended, "disabled_by_admin").await?;
                self.keep(act, EventKind::AdminUserDisabled, user, Some(ended)).await
            }
            ("missing", _) => Err(ApiError::NotFound),
            ("own_account", _) => Err(OWN_ACCOUNT),
            _ => Err(ApiError::Forbidden),
        }
    }

    /// Ends all sessions of a user, and voids all their device cookies.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn end_sessions(&self, admin: &AdminCaller, user: UserId) -> ApiResult<()> {
        let mut act = begin(&self.pool).await?;
        email(&mut act, admin, user).await?;
        device_cookies::advance_epoch(&mut act, user).await?;
        let ended = self.revocations.end_all(&mut act, user, "ended_by_admin").await?;
        self.keep(act, EventKind::AdminSessionsEnded, user, Some(ended)).await
    }

    /// Commits an act with its event, and only then tells of it.
    async fn keep(
        &self,
        mut act: PgTransaction<'_>,
        kind: EventKind,
        user: UserId,
        ended: Option<Ended>,
    ) -> ApiResult<()> {
        // Who did it is the request's caller.
        let whom = Object { kind: ObjectKind::User, id: user.uuid() };
        let kept = Event::new(kind).object(whom).keep(&mut act).await?;
        act.commit().await?;
        kept.committed();
        ended.into_iter().for_each(|ended| self.revocations.announce(ended));
        Ok(())
    }
}

/// The address of a user, who is there and stays until the end of the act.
async fn email(act: &mut PgConnection, admin: &AdminCaller, user: UserId) -> ApiResult<String> {
    sqlx::query_scalar!(
        "select email from users where is_active_admin($1) and id = $2 for no key update",
        admin.user().uuid(),
        user.uuid()
    )
    .fetch_optional(act)
    .await?
    .ok_or(ApiError::NotFound)
}

/// The sessions that the database has ended in this transaction.
async fn ended_by_act(act: &mut PgConnection, user: UserId) -> ApiResult<Vec<(UserId, SessionId)>> {
    let ended = sqlx::query_scalar!(
        "select id from sessions where user_id = $1 and ended_at between now() and clock_timestamp()",
        user.uuid()
    )
    .fetch_all(act)
    .await?;
    Ok(ended.into_iter().map(|session| (user, session.into())).collect())
}
