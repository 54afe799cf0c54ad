//! Interprets the results of statements.

use sqlx::postgres::PgQueryResult;

/// Returns whether an error is a violation of this constraint. Constraints replace check-then-insert, which races (CWE-367). Only
/// the name is read: PostgreSQL's message contains values of the row.
#[must_use]
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}

/// Checks that a write on a locked row changed exactly one row. Anything else is an internal error.
///
/// # Errors
/// [`sqlx::Error::RowNotFound`].
pub fn exactly_one(outcome: &PgQueryResult) -> Result<(), sqlx::Error> {
    if outcome.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
