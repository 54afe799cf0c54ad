//! Limits how many passwords are hashed at the same time, and how many wait.
//!
//! Hashes run in reused buffers, on threads that do not serve requests. If each hash allocated its own memory, the
//! allocator would keep hundreds of MiB after a flood of logins (`docs/performance.md` contains the figure).

use std::sync::Arc;
use std::time::Duration;

use argon2::Block;
use parking_lot::Mutex;

use crate::http::error::ApiResult;
use crate::security::limits::concurrency_limits::ConcurrencyLimit;

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

    /// Returns the queue, which counts the running and waiting hashes.
    pub fn queue(&self) -> &ConcurrencyLimit {
        &self.queue
    }

    /// Waits for a free slot and runs `work` with a reused buffer.
    ///
    /// # Errors
    /// Returns the same errors as [`ConcurrencyLimit::run`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> ApiResult<T> {
        let (buffers, blocks) = (self.buffers.clone(), self.blocks);
        self.queue.run(move || with_buffer(&buffers, blocks, work)).await
    }

    /// Runs `work` on this thread, without waiting in the queue. Use it only at start-up.
    pub fn run_now<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        with_buffer(&self.buffers, self.blocks, work)
    }

    #[cfg(test)]
    pub fn buffers(&self) -> usize {
        self.buffers.lock().len()
    }
}

fn with_buffer<T>(free: &Mutex<Vec<Vec<Block>>>, blocks: usize, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
    let reused = free.lock().pop();
    let mut buffer = reused.unwrap_or_else(|| vec![Block::default(); blocks]);
    let result = work(&mut buffer);
    // A stored hash with larger parameters may have enlarged the buffer. Restore its usual size.
    buffer.truncate(blocks);
    buffer.shrink_to_fit();
    free.lock().push(buffer);
    result
}
