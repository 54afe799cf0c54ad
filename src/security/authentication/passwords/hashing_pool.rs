//! Runs a bounded number of password hashes at once, in reused buffers, off the threads that serve requests.
//!
//! Memory that is allocated for each hash stays in the allocator's arenas: hundreds of MiB after a login flood. Reused buffers
//! bound it (`docs/performance.md` has the figure). A bounded queue rejects hashes that would wait too long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::Block;

use crate::http::error::ApiResult;
use crate::security::limits::concurrency_limits::ConcurrencyLimit;

/// The maximum queue length per slot.
const MAX_WAITING_PER_SLOT: usize = 64;

pub struct HashingPool {
    queue: ConcurrencyLimit,
    buffers: Arc<Mutex<Vec<Vec<Block>>>>,
    blocks: usize,
}

impl HashingPool {
    pub fn new(slots: usize, blocks: usize, max_wait: Duration) -> Self {
        Self {
            queue: ConcurrencyLimit::with_queue(slots, MAX_WAITING_PER_SLOT, max_wait),
            buffers: Arc::default(),
            blocks,
        }
    }

    /// Returns the queue, with its numbers of running and waiting hashes.
    pub fn queue(&self) -> &ConcurrencyLimit {
        &self.queue
    }

    /// Runs `work` with a reused buffer once a slot is free.
    ///
    /// # Errors
    /// As [`ConcurrencyLimit::run`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> ApiResult<T> {
        let (buffers, blocks) = (self.buffers.clone(), self.blocks);
        self.queue.run(move || with_buffer(&buffers, blocks, work)).await
    }

    /// Runs `work` on this thread, without the queue. Only for start-up.
    pub fn run_now<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        with_buffer(&self.buffers, self.blocks, work)
    }

    #[cfg(test)]
    pub fn buffers(&self) -> usize {
        self.buffers.lock().unwrap().len()
    }
}

fn with_buffer<T>(free: &Mutex<Vec<Vec<Block>>>, blocks: usize, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
    let reused = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut buffer = reused.unwrap_or_else(|| vec![Block::default(); blocks]);
    let result = work(&mut buffer);
    // A stored hash with larger parameters may have grown the buffer.
    buffer.truncate(blocks);
    buffer.shrink_to_fit();
    free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    result
}
