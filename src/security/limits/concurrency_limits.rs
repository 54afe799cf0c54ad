//! Work that keeps a processor busy: at most so many at once, off the threads that serve requests.
//!
//! **Attack**: thirty large invoices asked for as PDF at once, to make everybody else wait.
//! **Control**: work runs on threads of its own,
//! behind a semaphore; what cannot begin soon is refused (503 with Retry-After), and what would only lengthen the queue at once. A
//! slot is given back when the work is done, not when its client has gone. What one piece takes is bounded by its own input. Each kind
//! of work has a queue of its own: PDFs, and the hashes of passwords (`security/authentication/passwords`).
//! **Limits**: a user who asks again and again within his rate, and so takes the slots from others for a while.
//! **ASVS**: 2.4.1, 15.2.2 · **Test**: `attacks::files::invoice_pdf`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::{ApiError, ApiResult};

/// How many may wait, for each piece that runs, unless something else is said.
const WAITING_PER_SLOT: usize = 16;

/// The slots for one kind of work.
pub struct HeavyWork {
    slots: Arc<Semaphore>,
    most: usize,
    most_waiting: usize,
    max_wait: Duration,
    waiting: AtomicUsize,
    refused: AtomicUsize,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    running: AtomicUsize,
    most_at_once: AtomicUsize,
    begun: AtomicUsize,
}

/// One of those that wait. Leaves when its wait ends, also when the request is cancelled.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One that runs. Leaves and gives its slot back when the work ends, also when it panics.
struct Running {
    counts: Arc<Counts>,
    _slot: OwnedSemaphorePermit,
}

impl Running {
    fn begin(counts: Arc<Counts>, slot: OwnedSemaphorePermit) -> Self {
        let running = counts.running.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most_at_once.fetch_max(running, Ordering::SeqCst);
        counts.begun.fetch_add(1, Ordering::SeqCst);
        Self { counts, _slot: slot }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.counts.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HeavyWork {
    /// So many at once, each beginning within `max_wait`.
    #[must_use]
    pub fn new(slots: usize, max_wait: Duration) -> Self {
        Self::with_queue(slots, WAITING_PER_SLOT, max_wait)
    }

    /// The same, where so many may wait for each piece that runs.
    #[must_use]
    pub fn with_queue(slots: usize, waiting_per_slot: usize, max_wait: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            most: slots,
            most_waiting: slots * waiting_per_slot,
            max_wait,
            waiting: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            counts: Arc::default(),
        }
    }

    /// Does it as soon as a slot is free.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] when none gets free soon; [`ApiError::Internal`] when the work panics.
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
        done.await.map_err(|_| ApiError::internal("heavy work panicked"))
    }

    /// A slot, unless too many wait or the wait is too long.
    async fn slot(&self) -> Result<OwnedSemaphorePermit, &'static str> {
        let ahead = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        if ahead >= self.most_waiting {
            return Err("too much work waits");
        }
        let slot = tokio::time::timeout(self.max_wait, self.slots.clone().acquire_owned()).await;
        // The semaphore is never closed.
        slot.ok().and_then(Result::ok).ok_or("no slot got free")
    }

    /// How many may run at once.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.most
    }

    /// How many ran at once at the most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.counts.most_at_once.load(Ordering::SeqCst)
    }

    /// How many run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.counts.running.load(Ordering::SeqCst)
    }

    /// How many wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// How many have been refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// How many have begun.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.counts.begun.load(Ordering::SeqCst)
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

    /// A slot that is held until somebody sends.
    fn held(work: &HeavyWork) -> (mpsc::Sender<()>, impl Future<Output = ApiResult<()>>) {
        let (release, held) = mpsc::channel::<()>();
        (release, work.run(move || held.recv().unwrap()))
    }

    #[actix_web::test]
    async fn a_queue_that_is_full_refuses_at_once() {
        let work = HeavyWork::new(1, Duration::from_secs(20));
        let begun = Instant::now();
        let (release, first) = held(&work);
        let mut first = std::pin::pin!(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut all: FuturesUnordered<_> = (0..40).map(|_| Either::Left(work.run(|| ()))).collect();
        all.push(Either::Right(first));
        for _ in WAITING_PER_SLOT..40 {
            assert!(unavailable(all.next().await.unwrap()), "while the first one is held");
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "they have waited for their turn");
        release.send(()).unwrap();
        assert_eq!(all.map(|one| usize::from(one.is_ok())).collect::<Vec<_>>().await, [1; WAITING_PER_SLOT + 1]);
        assert_eq!((work.begun(), work.most_at_once()), (WAITING_PER_SLOT + 1, 1));
    }

    #[actix_web::test]
    async fn a_wait_ends_and_leaves_no_trace() {
        let work = HeavyWork::new(1, Duration::from_millis(20));
        let (release, first) = held(&work);
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
    async fn a_panic_gives_the_slot_back() {
        let work = HeavyWork::new(1, Duration::from_secs(5));
        let panics: ApiResult<()> = work.run(|| panic!("on purpose")).await;
        assert!(matches!(panics, Err(ApiError::Internal(_))));
        work.run(|| ()).await.unwrap();
        assert_eq!((work.begun(), work.most_at_once()), (2, 1));
    }

    #[actix_web::test]
    async fn never_more_at_once_than_there_are_slots() {
        let work = HeavyWork::new(3, Duration::from_secs(20));
        let all = join_all((0..40).map(|_| work.run(|| std::thread::sleep(Duration::from_millis(5))))).await;
        assert!(all.into_iter().all(|one| one.is_ok()));
        assert!(work.most_at_once() <= 3 && work.begun() == 40);
    }
}
