//! Concurrency limits for CPU-bound work: a bulkhead per kind of work (CWE-400, CWE-770, API4:2023).
//!
//! **Attack**: a client sends many expensive requests at once, for example PDFs of large invoices, so that all other
//! requests wait for CPU time.
//! **Control**: expensive work runs on blocking threads. A semaphore has one slot for each piece of work that
//! may run in parallel. A request that gets no slot in time is refused (503 with `Retry-After`).
//! A request that finds a full queue is refused immediately.
//! A slot is released when the work ends, not when the client disconnects.
//! Otherwise an attacker could start more and more work by disconnecting each time.
//! Each kind of work has its own limit: one for PDFs, one for password hashes (`security/authentication/passwords`).
//! **Limits**: a user can occupy slots for a while by repeating expensive requests within their rate limit.
//! **ASVS**: 2.4.1, 15.2.2 · **Test**: `attacks::files::invoice_pdf`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::{ApiError, ApiResult};

/// How many requests may wait per slot. In a longer queue, the last requests would wait and then be refused anyway.
const MAX_WAITING_PER_SLOT: usize = 16;

pub struct ConcurrencyLimit {
    slots: Arc<Semaphore>,
    max: usize,
    max_waiting: usize,
    max_wait: Duration,
    waiting: AtomicUsize,
    refused: AtomicUsize,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    running: AtomicUsize,
    peak: AtomicUsize,
    started: AtomicUsize,
}

/// Counts one waiting request until this value is dropped. A cancelled request drops it too.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Occupies a slot until this value is dropped. Work that panics drops it too, so no slot is lost.
struct Running {
    counts: Arc<Counts>,
    _slot: OwnedSemaphorePermit,
}

impl Running {
    fn begin(counts: Arc<Counts>, slot: OwnedSemaphorePermit) -> Self {
        let running = counts.running.fetch_add(1, Ordering::SeqCst) + 1;
        counts.peak.fetch_max(running, Ordering::SeqCst);
        counts.started.fetch_add(1, Ordering::SeqCst);
        Self { counts, _slot: slot }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.counts.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ConcurrencyLimit {
    /// Creates a limit: at most `slots` pieces of work run in parallel. A request waits at most `max_wait` for a slot.
    #[must_use]
    pub fn new(slots: usize, max_wait: Duration) -> Self {
        Self::with_queue(slots, MAX_WAITING_PER_SLOT, max_wait)
    }

    /// Creates a limit like [`Self::new`], with at most `waiting_per_slot` waiting requests per slot.
    #[must_use]
    pub fn with_queue(slots: usize, waiting_per_slot: usize, max_wait: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            max: slots,
            max_waiting: slots * waiting_per_slot,
            max_wait,
            waiting: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            counts: Arc::default(),
        }
    }

    /// Waits for a free slot, then runs the work on a blocking thread.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if no slot becomes free in time; [`ApiError::Internal`] if the work panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
        let slot = self.slot().await.map_err(|cause| {
            self.refused.fetch_add(1, Ordering::SeqCst);
            ApiError::unavailable(self.max_wait.as_secs().max(1), cause)
        })?;
        let counts = self.counts.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _running = Running::begin(counts, slot);
            work()
        });
        done.await.map_err(|_| ApiError::internal("work behind a concurrency limit panicked"))
    }

    /// Waits for a free slot, at most `max_wait`. Returns the reason if it gets no slot.
    async fn slot(&self) -> Result<OwnedSemaphorePermit, &'static str> {
        let ahead = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        if ahead >= self.max_waiting {
            return Err("the queue for this work is full");
        }
        let slot = tokio::time::timeout(self.max_wait, self.slots.clone().acquire_owned()).await;
        // `acquire_owned` only fails if the semaphore was closed, and no code closes it.
        slot.ok().and_then(Result::ok).ok_or("no slot became free in time")
    }

    #[must_use]
    pub fn slots(&self) -> usize {
        self.max
    }

    /// Returns the highest number of pieces of work that have run in parallel.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.counts.peak.load(Ordering::SeqCst)
    }

    #[must_use]
    pub fn running(&self) -> usize {
        self.counts.running.load(Ordering::SeqCst)
    }

    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    #[must_use]
    pub fn started(&self) -> usize {
        self.counts.started.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use futures_util::StreamExt;
    use futures_util::future::{Either, join_all};
    use futures_util::stream::FuturesUnordered;

    use super::*;

    fn unavailable(result: ApiResult<()>) -> bool {
        matches!(result, Err(ApiError::Unavailable { retry_after: 1.., .. }))
    }

    /// Starts work that occupies a slot until the returned sender sends a message.
    fn occupy(work: &ConcurrencyLimit) -> (mpsc::Sender<()>, impl Future<Output = ApiResult<()>>) {
        let (release, released) = mpsc::channel::<()>();
        (release, work.run(move || released.recv().unwrap()))
    }

    #[actix_web::test]
    async fn full_queue_refuses_work_at_once() {
        let work = ConcurrencyLimit::new(1, Duration::from_secs(20));
        let started = Instant::now();
        let (release, first) = occupy(&work);
        let mut first = std::pin::pin!(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut all: FuturesUnordered<_> = (0..40).map(|_| Either::Left(work.run(|| ()))).collect();
        all.push(Either::Right(first));
        for _ in MAX_WAITING_PER_SLOT..40 {
            assert!(unavailable(all.next().await.unwrap()), "the slot is occupied");
        }
        assert!(started.elapsed() < Duration::from_secs(10), "refused without waiting");
        release.send(()).unwrap();
        assert_eq!(all.map(|one| usize::from(one.is_ok())).collect::<Vec<_>>().await, [1; MAX_WAITING_PER_SLOT + 1]);
        assert_eq!((work.started(), work.peak()), (MAX_WAITING_PER_SLOT + 1, 1));
    }

    #[actix_web::test]
    async fn wait_times_out_and_leaves_the_queue() {
        let work = ConcurrencyLimit::new(1, Duration::from_millis(20));
        let (release, first) = occupy(&work);
        let second = async {
            let second = work.run(|| ()).await;
            release.send(()).unwrap();
            second
        };
        let (first, second) = futures_util::future::join(first, second).await;
        assert!(first.is_ok() && unavailable(second));
        assert_eq!((work.waiting(), work.running(), work.refused()), (0, 0, 1));
        work.run(|| ()).await.unwrap();
    }

    #[actix_web::test]
    async fn panic_releases_the_slot() {
        let work = ConcurrencyLimit::new(1, Duration::from_secs(5));
        let panics: ApiResult<()> = work.run(|| panic!("on purpose")).await;
        assert!(matches!(panics, Err(ApiError::Internal(_))));
        work.run(|| ()).await.unwrap();
        assert_eq!((work.started(), work.peak()), (2, 1));
    }

    #[actix_web::test]
    async fn work_never_exceeds_the_slots() {
        let work = ConcurrencyLimit::new(3, Duration::from_secs(20));
        let all = join_all((0..40).map(|_| work.run(|| std::thread::sleep(Duration::from_millis(5))))).await;
        assert!(all.into_iter().all(|one| one.is_ok()));
        assert!(work.peak() <= 3 && work.started() == 40);
    }
}
