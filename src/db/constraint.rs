//! Constraints by their names: the rule stands in the schema, where nothing can overtake it, and its violation becomes the
//! refusal that a store chooses. What PostgreSQL says beside the name holds values of the row and is not looked at.

/// Whether this error is the violation of this constraint.
#[must_use]
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}
