//! What a statement's outcome means.

use sqlx::postgres::PgQueryResult;

/// Whether this error is the violation of this constraint: the rule stands in the schema, where nothing can overtake it, and the
/// store chooses the refusal. What PostgreSQL says beside the name holds values of the row and is not looked at.
#[must_use]
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}

/// A write on one locked row has written one row. Anything else is a fault of ours, and must not look like a success.
///
/// # Errors
/// [`sqlx::Error::RowNotFound`].
pub fn exactly_one(outcome: &PgQueryResult) -> Result<(), sqlx::Error> {
    if outcome.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
