//! SQL for reading events. The service's role cannot read the table itself. It calls two functions: one returns the
//! events of the transaction's owner, the other checks that the reader is an administrator.

use sqlx::PgPool;

use super::model::{Filter, StoredEvent, VISIBLE_KINDS};
use crate::base::page::{Limit, Position};
use crate::db::OwnerTx;
use crate::http::error::{ApiError, ApiResult};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::sessions::caller::Caller;

/// Reads stored events.
#[derive(Clone)]
pub struct EventStore {
    pool: PgPool,
}

impl EventStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Returns the caller's own events, newest first, with one extra row if there is a next page.
    pub async fn own(&self, caller: &Caller, before: Position, limit: Limit) -> ApiResult<Vec<StoredEvent>> {
        let kinds = VISIBLE_KINDS.map(|kind| kind.name().to_owned());
        let mut reading = OwnerTx::begin(&self.pool, caller.user()).await?;
        Ok(sqlx::query_as!(
            StoredEvent,
            r#"select id as "id!", at as "at!", kind as "kind!", severity as "severity!", reason as "reason!",
                   replica as "replica!", method, route, user_id, session_id, address, request_id, subject, object_kind,
                   object_id, object_class, amount
               from own_security_events($1, $2, $3, $4)"#,
            &kinds[..],
            before.created_at,
            before.id,
            rows(limit)
        )
        .fetch_all(reading.connection())
        .await?)
    }

    /// Returns the events of all users that match the filter, newest first, with one extra row if there is a next page.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] if the caller is no longer an administrator.
    pub async fn all(
        &self,
        admin: &AdminCaller,
        filter: &Filter,
        before: Position,
        limit: Limit,
    ) -> ApiResult<Vec<StoredEvent>> {
        let one = |word: Option<&str>| word.map(|word| vec![word.to_owned()]);
        sqlx::query_as!(
            StoredEvent,
            r#"select id as "id!", at as "at!", kind as "kind!", severity as "severity!", reason as "reason!",
                   replica as "replica!", method, route, user_id, session_id, address, request_id, subject, object_kind,
                   object_id, object_class, amount
               from admin_security_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
            admin.user().uuid(),
            one(filter.kind.as_deref()) as _,
            one(filter.severity) as _,
            filter.user,
            filter.address,
            filter.from,
            filter.to,
            before.created_at,
            before.id,
            rows(limit)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|error| match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("42501") => ApiError::Forbidden,
            _ => error.into(),
        })
    }
}

fn rows(limit: Limit) -> i32 {
    i32::try_from(limit.rows()).unwrap_or(i32::MAX)
}
