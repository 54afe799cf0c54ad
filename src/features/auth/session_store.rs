//! SQL of sessions and refresh tokens.

use chrono::TimeDelta;
use secrecy::SecretString;
use sqlx::PgConnection;
use uuid::Uuid;

use super::mail::MailKind;
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
use crate::security::sessions::refresh_tokens::{
    PresentedToken, RefreshDecision, decide, derive_chain, derive_successor, encode_cookie,
};

/// The maximum number of live sessions per user. A login that exceeds this number ends the least recently used session.
const MAX_SESSIONS: i64 = 10;

/// The result of a login or refresh.
pub struct IssuedSession {
    pub user: UserId,
    pub session: SessionId,
    /// The value of the refresh cookie.
    pub cookie: SecretString,
    /// The time until the session's idle or absolute expiry, whichever is earlier.
    pub lifetime: TimeDelta,
}

/// The result of presenting a refresh token.
pub enum RefreshOutcome {
    Issued(IssuedSession),
    /// The token is not stored: it never existed, or it was deleted with its session.
    Unknown,
    /// The token has expired, its session has ended, or parallel requests have used it. `reason` is for the security
    /// event.
    Ended {
        reason: &'static str,
        session: SessionId,
    },
    /// The token had been used before (replay). The session has been ended, and the user has been notified.
    Stolen {
        user: UserId,
        session: SessionId,
    },
}

/// The stored state of a refresh token that a client has presented.
struct Presented {
    /// `None`: the user was deleted.
    user: Option<UserId>,
    session: SessionId,
    token: PresentedToken,
    /// Whether the statement that read this state has replaced the token by its successor.
    rotated: bool,
}

impl AuthStore {
    /// Opens a session. `old_token` is the refresh cookie of the login request. The session of this cookie ends,
    /// because an attacker may have set this cookie in the user's browser (session fixation, ASVS 7.2.4).
    ///
    /// # Errors
    /// [`ApiError::InvalidCredentials`] if the password was changed or the account was disabled since the verification.
    pub async fn open_session(
        &self,
        verified: &VerifiedPassword,
        old_token: Option<&SecretToken>,
        client: &ClientDescription,
    ) -> ApiResult<IssuedSession> {
        let mut transaction = begin(&self.pool).await?;
        lock_if_unchanged(&mut transaction, verified).await?;
        let ended = sqlx::query!(
            r#"with cookie_session as (
                   select session_id from refresh_tokens where token_hash = $3
               ), surplus as (
                   select id from sessions
                   where user_id = $1 and ended_at is null and expires_at > $2 and id not in (select session_id from cookie_session)
                   order by last_used_at desc, id offset $4
               ), ended as (
                   update sessions set ended_at = $2
                   where ended_at is null
                     and (id in (select session_id from cookie_session) or id in (select id from surplus))
                   returning id, user_id
               )
               select id, user_id as "user_id!" from ended where user_id is not null"#,
            verified.user().uuid(),
            self.clock.now(),
            old_token.map(|token| token.hash().to_vec()),
            MAX_SESSIONS - 1
        )
        .fetch_all(&mut *transaction)
        .await?;
        let ended = ended.into_iter().map(|row| (row.user_id.into(), row.id.into())).collect();
        let ended = self.revocations.record_ended(&mut transaction, ended, "replaced_by_login").await?;
        let issued = self.insert_session(&mut transaction, verified.user(), client).await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        Ok(issued)
    }

    /// Inserts a new session with its first refresh token, in the open transaction of `connection`.
    pub async fn insert_session(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        client: &ClientDescription,
    ) -> ApiResult<IssuedSession> {
        let now = self.clock.now();
        let (session, refresh) = (SessionId::new(), SecretToken::random().map_err(ApiError::internal)?);
        let (idle, absolute) = (now + self.settings.idle, now + self.settings.absolute);
        sqlx::query!(
            "with opened as (
                 insert into sessions (id, user_id, created_at, last_used_at, expires_at, client, address)
                 values ($1, $2, $3, $3, $4, $5, $6)
             )
             insert into refresh_tokens (token_hash, session_id, issued_at, expires_at)
             values ($7, $1, $3, least($4, $8))",
            session.uuid(),
            user.uuid(),
            now,
            absolute,
            client.user_agent,
            client.address,
            &refresh.hash(),
            idle
        )
        .execute(connection)
        .await?;
        let cookie = encode_cookie(&self.keys, &refresh, user);
        Ok(IssuedSession { user, session, cookie, lifetime: idle.min(absolute) - now })
    }

    /// Replaces a refresh token by its successor.
    pub async fn refresh(&self, token: &SecretToken) -> ApiResult<RefreshOutcome> {
        let next = derive_successor(&self.keys, token);
        let mut seen = self.rotate(token, &next).await?;
        if let Some(presented) = &seen
            && !presented.rotated
            && decide(&presented.token, self.clock.now(), self.settings.reuse_grace) == RefreshDecision::Rotate
        {
            // A parallel request used the token between the read and the write of this statement. The second call sees
            // the token as used.
            seen = self.rotate(token, &next).await?;
        }
        let Some(Presented { user, session, token: state, rotated }) = seen else { return Ok(RefreshOutcome::Unknown) };
        let ended = |reason| Ok(RefreshOutcome::Ended { reason, session });
        let Some(user) = user else { return ended("session_ended") };
        let now = self.clock.now();
        let refresh = match decide(&state, now, self.settings.reuse_grace) {
            _ if rotated => next,
            RefreshDecision::ReplayWithinGrace => match self.newest_unused(token).await? {
                Some(newest) => newest,
                None => return ended("contended"),
            },
            RefreshDecision::Reuse => {
                self.end_stolen(user, session).await?;
                return Ok(RefreshOutcome::Stolen { user, session });
            }
            RefreshDecision::Expired => return ended("expired"),
            RefreshDecision::SessionEnded => return ended("session_ended"),
            RefreshDecision::Rotate => return ended("contended"),
        };
        let lifetime = (now + self.settings.idle).min(state.session_expires_at) - now;
        Ok(RefreshOutcome::Issued(IssuedSession {
            user,
            session,
            cookie: encode_cookie(&self.keys, &refresh, user),
            lifetime,
        }))
    }

    /// Returns the newest successor of `used`, the only token of the chain that is still unused. `None`: parallel
    /// requests have used more successors than [`derive_chain`] derives.
    async fn newest_unused(&self, used: &SecretToken) -> ApiResult<Option<SecretToken>> {
        let chain = derive_chain(&self.keys, used);
        let hashes: Vec<Vec<u8>> = chain.iter().map(|token| token.hash().to_vec()).collect();
        let unused = sqlx::query_scalar!(
            "select token_hash from refresh_tokens where token_hash = any($1) and used_at is null",
            &hashes
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(unused.and_then(|hash| chain.into_iter().find(|token| token.hash().as_slice() == hash)))
    }

    /// Marks a valid token as used and inserts its successor, in one statement. If several calls run in parallel,
    /// exactly one writes. Returns the state of the token before this statement. `None`: the token is not stored.
    async fn rotate(&self, token: &SecretToken, next: &SecretToken) -> ApiResult<Option<Presented>> {
        let now = self.clock.now();
        let row = sqlx::query!(
            r#"with presented as (
                   select t.session_id, t.used_at, t.expires_at, s.expires_at as session_expires_at, u.id as user_id,
                       s.ended_at is not null or u.status is distinct from 'active' as session_ended
                   from refresh_tokens t join sessions s on s.id = t.session_id left join users u on u.id = s.user_id
                   where t.token_hash = $1
               ), used as (
                   update refresh_tokens set used_at = $3 from presented
                   where token_hash = $1 and refresh_tokens.used_at is null and refresh_tokens.expires_at > $3
                     and not presented.session_ended and presented.session_expires_at > $3
                   returning refresh_tokens.session_id, presented.session_expires_at
               ), seen as (
                   update sessions set last_used_at = $3 where id in (select session_id from used)
               ), next as (
                   insert into refresh_tokens (token_hash, session_id, issued_at, expires_at)
                   select $2, session_id, $3, least($4, session_expires_at) from used
               )
               select session_id, used_at, expires_at, session_expires_at, user_id as "user_id?",
                   session_ended as "session_ended!", exists (select from used) as "rotated!"
               from presented"#,
            &token.hash(),
            &next.hash(),
            now,
            now + self.settings.idle
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Presented {
            user: row.user_id.map(UserId::from),
            session: row.session_id.into(),
            token: PresentedToken {
                used_at: row.used_at,
                expires_at: row.expires_at,
                session_ended: row.session_ended,
                session_expires_at: row.session_expires_at,
            },
            rotated: row.rotated,
        }))
    }

    /// Ends a session whose token was replayed. Notifies its user, unless the session had ended before.
    async fn end_stolen(&self, user: UserId, session: SessionId) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        let ended = self.revocations.end_in_transaction(&mut transaction, user, session, "token_reuse").await?;
        if !ended.is_empty() {
            sqlx::query!(
                "insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at)
                 select $1, 'mail', $2, email, id, $3, $3 from users where id = $4",
                Uuid::new_v4(),
                MailKind::SessionStolen.name(),
                self.clock.now(),
                user.uuid()
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            self.revocations.announce(ended);
            self.notifier.notify();
        }
        Ok(())
    }

    /// Returns the caller's active sessions, most recently used first.
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

    /// Ends one of the caller's sessions. `false`: the caller has no active session with this id.
    pub async fn end(&self, caller: &Caller, session: SessionId, reason: &'static str) -> ApiResult<bool> {
        self.revocations.end(caller.user(), session, reason).await
    }

    /// Ends all sessions of the caller, including the current one, and invalidates all device cookies.
    pub async fn end_all(&self, caller: &Caller) -> ApiResult<()> {
        let mut transaction = begin(&self.pool).await?;
        device_cookies::advance_epoch(&mut transaction, caller.user()).await?;
        let ended = self.revocations.end_all(&mut transaction, caller.user(), "ended_by_user").await?;
        transaction.commit().await?;
        self.revocations.announce(ended);
        Ok(())
    }
}

/// Locks the user's row, and checks that the password and the status have not changed since the verification. Replaces
/// an outdated hash.
///
/// A password change ends all sessions. Without the lock, a parallel password change would miss the session that the
/// login is about to insert, so this session would survive the change.
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
