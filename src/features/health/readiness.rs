//! The readiness probe is public, so it checks the database at most once per second, even during a flood of requests.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::db::migrate;
use crate::http::error::{ApiError, ApiResult};
use crate::http::lifecycle::Lifecycle;

const CACHE_DURATION: Duration = Duration::from_secs(1);

/// Shorter than the timeout of most load balancers, so that they receive the 503.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);

/// All worker threads share one instance.
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

    /// # Errors
    /// [`ApiError::Unavailable`] if the service is stopping, the database does not answer, or a migration is missing.
    pub async fn check(&self) -> ApiResult<()> {
        if self.lifecycle.is_stopping() {
            return Err(ApiError::unavailable(1, "not ready: the service is stopping"));
        }
        // Keep the lock during the database check, so that parallel requests share one query.
        let mut last = self.last.lock().await;
        let fault = match &*last {
            Some(check) if check.at.elapsed() < CACHE_DURATION => check.fault.clone(),
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
            Ok(Err(error)) => Some(format!("not ready: the database query failed: {}", ApiError::from(error))),
            Err(_) => Some("not ready: the database does not answer in time".to_owned()),
        }
    }
}
