//! Runs background workers.
//! The supervisor restarts a worker that panics, reports the health of each worker, and ends the workers in stages.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::security::audit::context::background;
use crate::security::audit::event::{Event, EventKind};
use crate::security::audit::recorder::Recorder;

/// The delay between a panic and the restart. Without it, a worker that always panics would fill the log.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// The stage of the shutdown in which a worker ends. The stages run in this order.
/// A worker can still create work for the workers of later stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The worker is aborted, because it can be interrupted at any point.
    Immediate,
    /// The worker finishes the current delivery of a mail or an alert.
    Delivery,
    /// The worker writes the last security event to the database.
    Recording,
    /// The worker seals the last security event in the hash chain.
    Sealing,
}

/// A background task with a name, and the function that starts it.
pub struct Worker {
    name: &'static str,
    stage: Stage,
    work: Box<dyn Fn() -> BoxFuture<'static, ()> + Send>,
}

impl Worker {
    /// Creates a worker. The supervisor calls `work` with a clone of `parts` at the start, and after each panic.
    pub fn new<P, F>(name: &'static str, stage: Stage, parts: P, work: impl Fn(P) -> F + Send + 'static) -> Self
    where
        P: Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name, stage, work: Box::new(move || work(parts.clone()).boxed()) }
    }
}

pub struct Health {
    pub name: &'static str,
    running: AtomicBool,
    restarts: AtomicU64,
}

impl Health {
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }
}

struct Supervised {
    stage: Stage,
    health: Arc<Health>,
    task: JoinHandle<()>,
}

pub struct Supervisor {
    workers: Vec<Supervised>,
}

impl Supervisor {
    /// Starts the workers. `recorder` records their security events.
    #[must_use]
    pub fn start(workers: Vec<Worker>, recorder: &Recorder) -> Self {
        let start = |Worker { name, stage, work }: Worker| {
            let health = Arc::new(Health { name, running: AtomicBool::new(true), restarts: AtomicU64::new(0) });
            let (recorder, supervised) = (recorder.clone(), health.clone());
            // Call `work` before the first task runs, because `work` may subscribe to events of another worker.
            let first = work();
            let task = tokio::spawn(async move { background(&recorder, supervise(&supervised, first, work)).await });
            Supervised { stage, health, task }
        };
        Self { workers: workers.into_iter().map(start).collect() }
    }

    #[must_use]
    pub fn health(&self) -> Vec<Arc<Health>> {
        self.workers.iter().map(|worker| worker.health.clone()).collect()
    }

    /// Ends all workers at once, as if the process were killed. Only tests use it.
    pub fn abort(&self) {
        self.workers.iter().for_each(|worker| worker.task.abort());
    }

    pub fn end_immediate(&self) {
        self.workers.iter().filter(|worker| worker.stage == Stage::Immediate).for_each(|worker| worker.task.abort());
    }

    /// Waits until the workers of a stage have ended, and returns false after the time `within`.
    /// The caller must first tell the workers to end.
    pub async fn ended(&mut self, stage: Stage, within: Duration) -> bool {
        let of_stage = self.workers.iter_mut().filter(|worker| worker.stage == stage);
        timeout(within, join_all(of_stage.map(|worker| &mut worker.task))).await.is_ok()
    }
}

/// Runs a worker until it returns, and starts it again after each panic.
async fn supervise(
    health: &Health,
    first: BoxFuture<'static, ()>,
    work: Box<dyn Fn() -> BoxFuture<'static, ()> + Send>,
) {
    let mut run = first;
    // The panic hook has already logged the panic.
    while AssertUnwindSafe(run).catch_unwind().await.is_err() {
        health.running.store(false, Ordering::Relaxed);
        tracing::error!(worker = health.name, "worker panicked; it is restarted");
        Event::new(EventKind::SysError).reason("worker_panicked").record();
        sleep(RESTART_DELAY).await;
        health.restarts.fetch_add(1, Ordering::Relaxed);
        health.running.store(true, Ordering::Relaxed);
        run = work();
    }
    health.running.store(false, Ordering::Relaxed);
}
