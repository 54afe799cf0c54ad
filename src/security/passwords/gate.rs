//! At most so many hashes at once, each in memory that is kept, off the threads that serve requests.
//!
//! Memory allocated anew for each hash stays in the allocator's arenas, hundreds of MiB after a login flood; kept buffers do not
//! pile up (`docs/performance.md` has the figure). What cannot be hashed soon is refused, so that a flood neither takes the memory
//! nor makes everybody wait.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::Block;
use tokio::sync::Semaphore;

/// How many may wait, for each hash that runs.
const WAITING_PER_SLOT: usize = 64;

/// Too many wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being hashed")]
pub struct Busy {
    /// Seconds.
    pub retry_after: u64,
}

pub struct Gate {
    slots: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    blocks: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
    max_wait: Duration,
    hashes: Arc<AtomicU64>,
}

/// Leaves the queue when the wait ends, also when the request is cancelled.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub fn new(slots: usize, blocks: usize, max_wait: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            memory: Arc::default(),
            blocks,
            waiting: AtomicUsize::new(0),
            most_waiting: slots * WAITING_PER_SLOT,
            max_wait,
            hashes: Arc::default(),
        }
    }

    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// Runs the work with one of the kept buffers when one is free.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let busy = Busy { retry_after: self.max_wait.as_secs().max(1) };
        let permit = {
            if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Err(busy);
            }
            let _waiting = Waiting(&self.waiting);
            let slot = self.slots.clone().acquire_owned();
            tokio::time::timeout(self.max_wait, slot).await.map_err(|_| busy)?.map_err(|_| busy)?
        };
        let (memory, hashes, blocks) = (self.memory.clone(), self.hashes.clone(), self.blocks);
        let hashing = tokio::task::spawn_blocking(move || {
            let result = in_kept_memory(&memory, blocks, &hashes, work);
            // The slot is free when the hash is done, even if its request has gone.
            drop(permit);
            result
        });
        hashing.await.map_err(|_| busy)
    }

    /// The same, here and at once: at start, when nobody waits.
    pub fn run_now<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        in_kept_memory(&self.memory, self.blocks, &AtomicU64::new(0), work)
    }

    #[cfg(test)]
    pub fn buffers(&self) -> usize {
        self.memory.lock().unwrap().len()
    }

    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn in_kept_memory<T>(
    kept: &Mutex<Vec<Vec<Block>>>,
    blocks: usize,
    hashes: &AtomicU64,
    work: impl FnOnce(&mut Vec<Block>) -> T,
) -> T {
    let taken = kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut memory = taken.unwrap_or_else(|| vec![Block::default(); blocks]);
    hashes.fetch_add(1, Ordering::Relaxed);
    let result = work(&mut memory);
    // A stored hash with larger parameters has made it grow.
    memory.truncate(blocks);
    memory.shrink_to_fit();
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    result
}
