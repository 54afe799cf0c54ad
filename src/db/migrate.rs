//! The schema: migrations are compiled in, applied under the owner's role, and checked by readiness.

use std::collections::HashSet;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgPool};

/// Every migration that this build needs.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Applies what is missing. Two at once wait for each other (PostgreSQL's advisory lock).
///
/// # Errors
/// The database cannot be reached, the role may not create, or an applied migration has been edited.
pub async fn run(owner: &PgConnectOptions) -> Result<(), MigrateError> {
    let mut connection = owner.connect().await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Whether every migration of this build is applied.
///
/// # Errors
/// The database cannot be asked.
pub async fn is_current(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let applied: HashSet<i64> = sqlx::query_scalar!("select version from _sqlx_migrations where success")
        .fetch_all(pool)
        .await?
        .into_iter()
        .collect();
    Ok(MIGRATOR.iter().all(|migration| applied.contains(&migration.version)))
}
