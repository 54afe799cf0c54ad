//! The one statement that tells an administrator: by the session, so that an ended one is seen here too.

use sqlx::PgPool;

use crate::security::sessions::caller::Caller;

/// What a caller is at this moment.
pub struct Standing {
    pub admin: bool,
    /// His session lives and he is not disabled.
    pub live: bool,
}

pub async fn standing(pool: &PgPool, caller: &Caller) -> Result<Option<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"select u.role = 'admin' as "admin!", s.ended_at is null and u.status = 'active' as "live!"
           from sessions s join users u on u.id = s.user_id where s.id = $1 and s.user_id = $2"#,
        caller.session().uuid(),
        caller.user().uuid()
    )
    .fetch_optional(pool)
    .await
}
