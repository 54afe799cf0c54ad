//! Waits for background work, with a timeout that is far longer than even a loaded machine needs.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

pub const MAX_WAIT: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

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

pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    until_some(what, async || check().await.then_some(())).await;
}

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
