//! Errors of the database and of the storage as [`ApiError`]: a dependency that is down, full or too slow is 503.

use super::error::{ApiError, Cause};
use crate::db::exhaustion::is_exhausted;
use crate::storage::StorageError;

/// The reply is 503 if the storage is unreachable. It is 500 if the bytes of a stored document are missing.
impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Missing => Self::internal(error),
            StorageError::Unavailable(_) => Self::unavailable(5, error),
        }
    }
}

/// The reply is 503 if the database is unreachable, full or too slow, and otherwise 500.
/// PostgreSQL's message can contain values of a row, so the log contains only error code and constraint name.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                let cause = format!("database error {code}, constraint {}", database.constraint().unwrap_or("-"));
                match code.as_ref() {
                    _ if is_exhausted(&error) => {
                        Self::Unavailable { retry_after: 30, cause: Cause(cause), exhausted: true }
                    }
                    // Temporary errors have SQLSTATE class 40 (deadlock, serialization failure)
                    // or 53 (insufficient resources). Class 57 is temporary too (shutdown, or cancelled by a timeout).
                    code if matches!(code.get(..2), Some("40" | "53" | "57")) => Self::unavailable(1, cause),
                    // Temporary errors: a lock timeout, or a transaction that was idle for too long.
                    "55P03" | "25P03" => Self::unavailable(1, cause),
                    // PostgreSQL refused the connection, or the database or role does not exist.
                    code if code == "55000" || code == "3D000" || code.starts_with("28") => Self::unavailable(2, cause),
                    _ => Self::internal(cause),
                }
            }
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => Self::unavailable(2, error),
            _ => Self::internal(error),
        }
    }
}
