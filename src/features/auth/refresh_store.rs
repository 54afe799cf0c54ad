//! SQL of token refreshes. A refresh rotates the token. A token that is used twice ends its session.

use uuid::Uuid;

use super::mail::MailKind;
use super::session_store::IssuedSession;
use super::store::AuthStore;
use crate::base::id::{SessionId, UserId};
use crate::db::begin;
use crate::http::error::ApiResult;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::sessions::refresh_tokens::{
    PresentedToken, RefreshDecision, cookie, decide, derive_chain, derive_successor,
};

pub enum RefreshOutcome {
    Issued(IssuedSession),
    /// The token is not stored: it never existed, or it was deleted together with its session.
    Unknown,
    /// The token has expired, or its session has ended. With the reason `contended`, parallel requests have used the
    /// token and the successors that this request has found.
    Ended {
        reason: &'static str,
        session: SessionId,
    },
    /// The token was used twice (replay). The session was ended, and its user was notified.
    Stolen {
        user: UserId,
        session: SessionId,
    },
}

/// The stored state of the refresh token in a request.
struct Presented {
    /// `None` if the user was deleted.
    user: Option<UserId>,
    session: SessionId,
    token: PresentedToken,
    /// Whether `rotate` has replaced the token by its successor.
    rotated: bool,
}

impl AuthStore {
    /// Replaces a refresh token by its successor, or detects that the token is used twice (replay).
    pub async fn refresh(&self, token: &SecretToken) -> ApiResult<RefreshOutcome> {
        let next = derive_successor(&self.keys, token);
        let mut seen = self.rotate(token, &next).await?;
        if let Some(presented) = &seen
            && !presented.rotated
            && decide(&presented.token, self.clock.now(), self.settings.reuse_grace) == RefreshDecision::Rotate
        {
            // A parallel request has used the token after `rotate` had read its state. Read the new state.
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
            cookie: cookie::encode(&self.keys, &refresh, user),
            lifetime,
        }))
    }

    /// Returns the unused token among the successors of `used`, or `None` if all of them are used.
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

    /// Replaces a valid token by its successor in one statement. So only one of several parallel calls succeeds.
    /// Returns the earlier state of the token, or `None` if the token is not stored.
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

    /// Ends a session whose token was used twice. If the session was still active, queues a mail to its user.
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
}
