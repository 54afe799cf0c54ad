//! What happens beside a reply is waited for. The bound is no measure of the service: it is far beyond what a loaded machine needs.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

pub const AT_MOST: Duration = Duration::from_secs(90);
const BETWEEN: Duration = Duration::from_millis(10);

/// What `look` finds, once it finds something.
pub async fn found<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < AT_MOST, "not in {AT_MOST:?}: {what}");
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Until it is so.
pub async fn holds(what: &str, mut look: impl AsyncFnMut() -> bool) {
    found(what, async || look().await.then_some(())).await;
}

/// Until `look` sees this.
pub async fn equal<T: PartialEq + Debug>(wanted: T, mut look: impl AsyncFnMut() -> T) {
    let begun = Instant::now();
    loop {
        let seen = look().await;
        if seen == wanted {
            return;
        }
        assert!(begun.elapsed() < AT_MOST, "not in {AT_MOST:?}: {wanted:?}, but {seen:?}");
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Like [`found`], for what waits on a thread.
pub fn found_blocking<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < AT_MOST, "not in {AT_MOST:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
