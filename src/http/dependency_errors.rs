//! Converts errors of the database and of the storage to [`ApiError`].
//! The reply is 503 if the dependency is down, full or too slow, because a later attempt can succeed.

use super::error::{ApiError, Cause};
use crate::db::exhaustion::is_exhausted;
use crate::storage::StorageError;

/// 503 if the storage is unreachable, 500 if the bytes of a stored document are missing.
impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Missing => Self::internal(error),
            StorageError::Unavailable(_) => Self::unavailable(5, error),
        }
    }
}

/// 503 if the database is unreachable, full or too slow, otherwise 500.
/// PostgreSQL's message could contain values of a row, so the log contains only error code and constraint name.
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
                    // Temporary errors by class of SQLSTATE: 40 (deadlock, serialization failure),
                    // 53 (insufficient resources), and 57 (shutdown, or cancelled by a timeout).
                    code if matches!(code.get(..2), Some("40" | "53" | "57")) => Self::unavailable(1, cause),
                    // A lock timeout, or a transaction that was idle for too long.
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
