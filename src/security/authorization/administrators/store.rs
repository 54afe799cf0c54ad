//! SQL that checks whether a caller is an administrator.

use sqlx::PgPool;

use crate::security::sessions::caller::Caller;

pub struct AdminStatus {
    pub admin: bool,
    /// True if the session has not ended and the user is active.
    pub live: bool,
}

pub async fn admin_status(pool: &PgPool, caller: &Caller) -> Result<Option<AdminStatus>, sqlx::Error> {
    sqlx::query_as!(
        AdminStatus,
        r#"select u.role = 'admin' as "admin!", s.ended_at is null and u.status = 'active' as "live!"
           from sessions s join users u on u.id = s.user_id where s.id = $1 and s.user_id = $2"#,
        caller.session().uuid(),
        caller.user().uuid()
    )
    .fetch_optional(pool)
    .await
}
