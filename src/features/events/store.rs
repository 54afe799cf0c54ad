//! Least privilege: the service's database role cannot select from `security_events`. This store calls two functions:
//! `own_security_events` returns only events of the current owner (`current_owner()` in the database).
//! `admin_security_events` first checks that the reader is an administrator.

use sqlx::PgPool;

use super::model::{Filter, VISIBLE_KINDS};
use super::views::EventView;
use crate::base::page::{Limit, Position};
use crate::db::owner_query_as;
use crate::http::error::{ApiError, ApiResult};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::sessions::caller::Caller;

#[derive(Clone)]
pub struct EventStore {
    pool: PgPool,
}

impl EventStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Returns the events of one page, and one more event if there is a next page.
    pub async fn own(&self, caller: &Caller, before: Position, limit: Limit) -> ApiResult<Vec<EventView>> {
        let kinds = VISIBLE_KINDS.map(|kind| kind.name().to_owned());
        Ok(owner_query_as!(
            EventView,
            caller.user(),
            r#"select id as "id!", at as "at!", kind as "kind!", severity as "severity!", reason as "reason!",
                   replica as "replica!", method, route, user_id, session_id, address, request_id, subject, object_kind,
                   object_id, object_class, amount
               from own_security_events($2, $3, $4, $5)"#,
            &kinds[..],
            before.created_at,
            before.id,
            rows(limit)
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Returns the events of one page, and one more event if there is a next page.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] if the caller is no longer an administrator.
    pub async fn all(
        &self,
        admin: &AdminCaller,
        filter: &Filter,
        before: Position,
        limit: Limit,
    ) -> ApiResult<Vec<EventView>> {
        let list = |name: Option<&str>| name.map(|name| vec![name.to_owned()]);
        sqlx::query_as!(
            EventView,
            r#"select id as "id!", at as "at!", kind as "kind!", severity as "severity!", reason as "reason!",
                   replica as "replica!", method, route, user_id, session_id, address, request_id, subject, object_kind,
                   object_id, object_class, amount
               from admin_security_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
            admin.user().uuid(),
            list(filter.kind.as_deref()) as _,
            list(filter.severity) as _,
            filter.user,
            filter.network,
            filter.from,
            filter.to,
            before.created_at,
            before.id,
            rows(limit)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|error| match error.as_database_error().and_then(|error| error.code()).as_deref() {
            // SQLSTATE `insufficient_privilege`: the function refuses a reader who is not an administrator.
            Some("42501") => ApiError::Forbidden,
            _ => error.into(),
        })
    }
}

fn rows(limit: Limit) -> i32 {
    i32::try_from(limit.rows()).unwrap_or(i32::MAX)
}
