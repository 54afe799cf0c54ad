//! The answer of readiness, asked for at most once a second: the endpoint is public, and must not be a way to make the
//! database work.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::db::migrate;
use crate::http::error::{ApiError, ApiResult};
use crate::http::lifecycle::Lifecycle;

/// How long an answer holds.
const CACHE_DURATION: Duration = Duration::from_secs(1);

/// How long the database has. Whoever asks has a short limit too, and must hear "no" from us before it gives up.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);

/// The last answer, shared by all workers.
pub struct Readiness {
    pool: PgPool,
    lifecycle: Lifecycle,
    last: Mutex<Option<CachedCheck>>,
}

struct CachedCheck {
    at: Instant,
    fault: Option<String>,
}

impl Readiness {
    #[must_use]
    pub fn new(pool: PgPool, lifecycle: Lifecycle) -> Self {
        Self { pool, lifecycle, last: Mutex::new(None) }
    }

    /// Whether requests can be served.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`]: the service is about to stop, or the database does not answer or lacks a migration.
    pub async fn check(&self) -> ApiResult<()> {
        if self.lifecycle.is_stopping() {
            return Err(ApiError::unavailable(1, "not ready: the service stops"));
        }
        // Held while asking: those who ask at the same time wait for the one answer.
        let mut last = self.last.lock().await;
        let fault = match &*last {
            Some(answer) if answer.at.elapsed() < CACHE_DURATION => answer.fault.clone(),
            _ => {
                let fault = self.check_database().await;
                *last = Some(CachedCheck { at: Instant::now(), fault: fault.clone() });
                fault
            }
        };
        fault.map_or(Ok(()), |fault| Err(ApiError::unavailable(1, fault)))
    }

    async fn check_database(&self) -> Option<String> {
        match timeout(DATABASE_TIMEOUT, migrate::is_current(&self.pool)).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("not ready: a migration is missing".to_owned()),
            Ok(Err(error)) => Some(format!("not ready: the database cannot be asked: {}", ApiError::from(error))),
            Err(_) => Some("not ready: the database does not answer in time".to_owned()),
        }
    }
}
