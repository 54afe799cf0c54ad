//! Waits for background work. The timeout is far longer than even a loaded machine needs, because the tests do not test
//! how fast the work is done.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

use super::TestApp;

pub const MAX_WAIT: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `read` returns a value, and returns this value.
pub async fn until_some<T>(what: &str, mut read: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = read().await {
            return found;
        }
        assert!(begun.elapsed() < MAX_WAIT, "not within {MAX_WAIT:?}: {what}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until `check` returns true.
pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    until_some(what, async || check().await.then_some(())).await;
}

/// Waits until `read` returns the expected value.
pub async fn until_equal<T: PartialEq + Debug>(expected: T, mut read: impl AsyncFnMut() -> T) {
    let begun = Instant::now();
    loop {
        let actual = read().await;
        if actual == expected {
            return;
        }
        assert!(begun.elapsed() < MAX_WAIT, "not within {MAX_WAIT:?}: expected {expected:?}, got {actual:?}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until at least this many statements are waiting for a database lock.
pub async fn until_blocked(app: &TestApp, statements: i64) {
    let blocked =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let count = async || sqlx::query_scalar::<_, i64>(blocked).fetch_one(&app.all_rows).await.unwrap();
    until("statements wait for a lock", async || count().await >= statements).await;
}

/// Like [`until_some`], but blocks the thread.
pub fn until_some_blocking<T>(what: &str, mut read: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = read() {
            return found;
        }
        assert!(begun.elapsed() < MAX_WAIT, "not within {MAX_WAIT:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
