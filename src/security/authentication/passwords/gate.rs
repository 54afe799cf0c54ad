//! At most so many hashes at once, each in memory that is kept, off the threads that serve requests.
//!
//! Memory allocated anew for each hash stays in the allocator's arenas, hundreds of MiB after a login flood; kept buffers do not
//! pile up (`docs/performance.md` has the figure). What cannot be hashed soon is refused, so that a flood neither takes the memory
//! nor makes everybody wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::Block;

use crate::http::error::ApiResult;
use crate::security::limits::concurrency_limits::HeavyWork;

/// How many may wait, for each hash that runs.
const WAITING_PER_SLOT: usize = 64;

pub struct Gate {
    queue: HeavyWork,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    blocks: usize,
}

impl Gate {
    pub fn new(slots: usize, blocks: usize, max_wait: Duration) -> Self {
        Self { queue: HeavyWork::with_queue(slots, WAITING_PER_SLOT, max_wait), memory: Arc::default(), blocks }
    }

    /// Those that hash and those that wait.
    pub fn queue(&self) -> &HeavyWork {
        &self.queue
    }

    /// Runs the work with one of the kept buffers when one is free.
    ///
    /// # Errors
    /// As [`HeavyWork::run`].
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> ApiResult<T> {
        let (memory, blocks) = (self.memory.clone(), self.blocks);
        self.queue.run(move || in_kept_memory(&memory, blocks, work)).await
    }

    /// The same, here and at once: at start, when nobody waits.
    pub fn run_now<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        in_kept_memory(&self.memory, self.blocks, work)
    }

    #[cfg(test)]
    pub fn buffers(&self) -> usize {
        self.memory.lock().unwrap().len()
    }
}

fn in_kept_memory<T>(kept: &Mutex<Vec<Vec<Block>>>, blocks: usize, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
    let taken = kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut memory = taken.unwrap_or_else(|| vec![Block::default(); blocks]);
    let result = work(&mut memory);
    // A stored hash with larger parameters has made it grow.
    memory.truncate(blocks);
    memory.shrink_to_fit();
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    result
}
