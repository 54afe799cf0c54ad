//! The migrations, which are compiled into the program. The role `strongroom_owner` applies them.

use std::collections::HashSet;

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::{PgConnection, PgExecutor};

pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The SQLSTATE for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// Applies the missing migrations as the schema's owner, and returns them. Concurrent runs wait for each other.
///
/// # Errors
/// Fails if the role lacks privileges, if a migration fails on the existing data,
/// or if an applied migration was edited.
pub async fn run(owner: &mut PgConnection) -> Result<Vec<&'static Migration>, MigrateError> {
    // Take the lock here, so that no other process applies a migration between the next read and `MIGRATOR.run`.
    // The migrator takes the lock again, which PostgreSQL allows within one database session.
    owner.lock().await?;
    owner.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let applied = owner.list_applied_migrations(&MIGRATOR.table_name).await?;
    MIGRATOR.run(&mut *owner).await?;
    owner.unlock().await?;
    let is_new = |migration: &&Migration| !applied.iter().any(|applied| applied.version == migration.version);
    Ok(MIGRATOR.iter().filter(is_new).collect())
}

/// Returns whether all migrations of this build are applied.
pub async fn is_current(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    let versions = sqlx::query_scalar!("select version from _sqlx_migrations where success").fetch_all(executor).await;
    let applied: HashSet<i64> = match versions {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => return Ok(false),
        versions => versions?.into_iter().collect(),
    };
    Ok(MIGRATOR.iter().all(|migration| applied.contains(&migration.version)))
}
