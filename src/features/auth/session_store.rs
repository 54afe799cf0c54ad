use chrono::TimeDelta;
use secrecy::SecretString;
use sqlx::PgConnection;

use super::model::{ClientDescription, LiveSession};
use super::store::AuthStore;
use crate::base::id::{SessionId, UserId};
use crate::db::begin;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::VerifiedPassword;
use crate::security::authentication::device_cookies;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::refresh_tokens::cookie;
use crate::security::sessions::revocations::EndedSessions;

/// The maximum number of active sessions of a user. A further login ends the least recently used session.
const MAX_SESSIONS: i64 = 10;

pub struct IssuedSession {
    pub user: UserId,
    pub session: SessionId,
    /// The value of the refresh cookie, which contains the refresh token.
    pub cookie: SecretString,
    /// The shorter of the idle timeout and the remaining absolute timeout.
    pub lifetime: TimeDelta,
}

impl AuthStore {
    /// Opens a session, and ends the session of `old_token`, the token in the refresh cookie of the login request.
    /// An attacker may have set this cookie (session fixation, ASVS 7.2.4).
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] if the password or the status has changed since the password was verified.
    pub async fn open_session(
        &self,
        verified: &VerifiedPassword,
        old_token: Option<&SecretToken>,
        client: &ClientDescription,
    ) -> ApiResult<IssuedSession> {
        let mut transaction = begin(&self.pool).await?;
        lock_if_unchanged(&mut transaction, verified).await?;
        let (issued, ended) = self.insert_session(&mut transaction, verified.user(), old_token, client).await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        Ok(issued)
    }

    /// Inserts a session. Ends the session of `old_token`, and the least recently used sessions beyond `MAX_SESSIONS`.
    /// After the commit, the calling code must announce the returned [`EndedSessions`].
    pub async fn insert_session(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        old_token: Option<&SecretToken>,
        client: &ClientDescription,
    ) -> ApiResult<(IssuedSession, EndedSessions)> {
        let now = self.clock.now();
        let (session, refresh) = (SessionId::new(), SecretToken::random().map_err(ApiError::internal)?);
        let (idle, absolute) = (now + self.settings.idle, now + self.settings.absolute);
        let ended = sqlx::query!(
            r#"with cookie_session as (
                   select session_id as id from refresh_tokens where token_hash = $9
               ), surplus as (
                   select id from sessions
                   where user_id = $2 and ended_at is null and expires_at > $3 and id not in (select id from cookie_session)
                   order by last_used_at desc, id offset $10
               ), ended as (
                   update sessions set ended_at = $3
                   where ended_at is null and id in (select id from cookie_session union all select id from surplus)
                   returning id, user_id
               ), opened as (
                   insert into sessions (id, user_id, created_at, last_used_at, expires_at, client, address)
                   values ($1, $2, $3, $3, $4, $5, $6)
               ), first_token as (
                   insert into refresh_tokens (token_hash, session_id, issued_at, expires_at)
                   values ($7, $1, $3, least($4, $8))
               )
               select id, user_id as "user_id!" from ended"#,
            session.uuid(),
            user.uuid(),
            now,
            absolute,
            client.user_agent,
            client.address,
            &refresh.hash(),
            idle,
            old_token.map(|token| token.hash().to_vec()),
            MAX_SESSIONS - 1
        )
        .fetch_all(&mut *connection)
        .await?;
        let ended = ended.into_iter().map(|row| (row.user_id.into(), row.id.into())).collect();
        let ended = self.revocations.record_ended(connection, ended, "replaced_by_login").await?;
        let cookie = cookie::encode(&self.keys, &refresh, user);
        Ok((IssuedSession { user, session, cookie, lifetime: idle.min(absolute) - now }, ended))
    }

    pub async fn live_sessions(&self, caller: &Caller) -> ApiResult<Vec<LiveSession>> {
        let now = self.clock.now();
        Ok(sqlx::query_as!(
            LiveSession,
            "select id, created_at, last_used_at, client, address from sessions
             where user_id = $1 and ended_at is null and expires_at > $2 and last_used_at > $3
             order by last_used_at desc, id",
            caller.user().uuid(),
            now,
            now - self.settings.idle
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Returns `false` if the caller has no active session with this id.
    pub async fn end(&self, caller: &Caller, session: SessionId, reason: &'static str) -> ApiResult<bool> {
        self.revocations.end(caller.user(), session, reason).await
    }

    /// Ends all sessions of the caller and invalidates all device cookies of the account.
    pub async fn end_all(&self, caller: &Caller) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        device_cookies::advance_epoch(&mut transaction, caller.user()).await?;
        let ended = self.revocations.end_all(&mut transaction, caller.user(), "ended_by_user").await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        Ok(())
    }
}

/// Checks that password and status have not changed since the password was verified, and locks the `users` row.
///
/// Race condition (CWE-367): a password change ends all sessions of the user.
/// Without the lock, a parallel password change could miss the session that this transaction opens.
async fn lock_if_unchanged(connection: &mut PgConnection, verified: &VerifiedPassword) -> ApiResult<()> {
    let unchanged = sqlx::query_scalar!(
        r#"select password_hash = $2 and status = 'active' as "unchanged!" from users where id = $1 for no key update"#,
        verified.user().uuid(),
        verified.password_hash()
    )
    .fetch_optional(&mut *connection)
    .await?;
    if unchanged != Some(true) {
        Event::new(EventKind::AuthnLoginFail).reason("account_changed_concurrently").user(verified.user()).record();
        return Err(ApiError::InvalidCredentials);
    }
    if let Some(new_hash) = verified.new_hash() {
        sqlx::query!("update users set password_hash = $2 where id = $1", verified.user().uuid(), new_hash)
            .execute(connection)
            .await?;
    }
    Ok(())
}
