//! The schema: migrations are compiled in, applied under the owner's role, and checked by readiness.

use std::collections::HashSet;

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::{PgConnection, PgExecutor};

/// Every migration that this build needs.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// SQLSTATE.
const UNDEFINED_TABLE: &str = "42P01";

/// Applies what is missing, as the schema's owner, and returns it. Two at once wait for each other (PostgreSQL's advisory lock).
///
/// # Errors
/// The role may not create, a migration fails on the data that are there, or an applied migration has been edited.
pub async fn run(owner: &mut PgConnection) -> Result<Vec<&'static Migration>, MigrateError> {
    // The migrator takes the same lock, which a session may hold twice: no other process migrates between this look and its work.
    owner.lock().await?;
    owner.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let there = owner.list_applied_migrations(&MIGRATOR.table_name).await?;
    MIGRATOR.run(&mut *owner).await?;
    owner.unlock().await?;
    let is_new = |migration: &&Migration| !there.iter().any(|applied| applied.version == migration.version);
    Ok(MIGRATOR.iter().filter(is_new).collect())
}

/// Whether every migration of this build is applied. A database without a schema is one without migrations.
///
/// # Errors
/// The database cannot be asked.
pub async fn is_current(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    let asked = sqlx::query_scalar!("select version from _sqlx_migrations where success").fetch_all(executor).await;
    let applied: HashSet<i64> = match asked {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => return Ok(false),
        asked => asked?.into_iter().collect(),
    };
    Ok(MIGRATOR.iter().all(|migration| applied.contains(&migration.version)))
}
