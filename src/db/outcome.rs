//! Interprets errors and row counts of statements.

use sqlx::postgres::PgQueryResult;

/// Returns whether an error is a violation of this constraint. A constraint avoids the race of a check before an insert
/// (CWE-367). Only the name of the constraint is read, because PostgreSQL's message contains values of the row.
#[must_use]
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}

/// Checks that a write to a locked row changed exactly one row. Any other count is an internal error.
///
/// # Errors
/// [`sqlx::Error::RowNotFound`] if another number of rows changed.
pub fn exactly_one(outcome: &PgQueryResult) -> Result<(), sqlx::Error> {
    if outcome.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
