//! Interprets the errors of SQL statements and the number of rows that they changed.

use sqlx::postgres::PgQueryResult;

/// Returns whether the error is a violation of this constraint.
/// Stores rely on constraints, because a check before an insert would be a race (CWE-367).
#[must_use]
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}

/// Returns [`sqlx::Error::RowNotFound`] unless the statement has changed exactly one row.
pub fn exactly_one(outcome: &PgQueryResult) -> Result<(), sqlx::Error> {
    if outcome.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
