//! Runs background workers by name: restarts a worker that panics, reports its health, and ends workers in stages.

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

/// Between a panic and the restart, so that a worker that always panics does not fill the log.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// When a worker ends at shutdown. The stages run in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// First, and at any point of its work.
    Immediate,
    /// After the delivery under way.
    Delivery,
    /// After the last event is written.
    Recording,
    /// After the last event is sealed.
    Sealing,
}

/// One kind of background work.
pub struct Worker {
    name: &'static str,
    stage: Stage,
    work: Box<dyn Fn() -> BoxFuture<'static, ()> + Send>,
}

impl Worker {
    /// A worker that runs `work` with a clone of `parts`, at the start and after each panic.
    pub fn new<P, F>(name: &'static str, stage: Stage, parts: P, work: impl Fn(P) -> F + Send + 'static) -> Self
    where
        P: Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name, stage, work: Box::new(move || work(parts.clone()).boxed()) }
    }
}

/// The health of one worker, for the metrics.
pub struct Health {
    pub name: &'static str,
    running: AtomicBool,
    restarts: AtomicU64,
}

impl Health {
    /// Whether the worker runs now.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// How often it was restarted.
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

/// The running workers.
pub struct Supervisor {
    workers: Vec<Supervised>,
}

impl Supervisor {
    /// Starts these workers. Their events go to this recorder.
    #[must_use]
    pub fn start(workers: Vec<Worker>, recorder: &Recorder) -> Self {
        let start = |Worker { name, stage, work }: Worker| {
            let health = Arc::new(Health { name, running: AtomicBool::new(true), restarts: AtomicU64::new(0) });
            let (recorder, supervised) = (recorder.clone(), health.clone());
            // Called here and not in the task: what a worker subscribes to must not depend on the order of the tasks.
            let first = work();
            let task = tokio::spawn(async move { background(&recorder, supervise(&supervised, first, work)).await });
            Supervised { stage, health, task }
        };
        Self { workers: workers.into_iter().map(start).collect() }
    }

    /// The health of each worker.
    #[must_use]
    pub fn health(&self) -> Vec<Arc<Health>> {
        self.workers.iter().map(|worker| worker.health.clone()).collect()
    }

    /// Ends all workers at once, as a killed process does.
    pub fn abort(&self) {
        self.workers.iter().for_each(|worker| worker.task.abort());
    }

    /// Ends the workers of [`Stage::Immediate`].
    pub fn end_immediate(&self) {
        self.workers.iter().filter(|worker| worker.stage == Stage::Immediate).for_each(|worker| worker.task.abort());
    }

    /// Waits until the workers of a stage have ended. They were asked to before. Returns false if the time is over first.
    pub async fn ended(&mut self, stage: Stage, within: Duration) -> bool {
        let of_stage = self.workers.iter_mut().filter(|worker| worker.stage == stage);
        timeout(within, join_all(of_stage.map(|worker| &mut worker.task))).await.is_ok()
    }
}

/// Runs a worker until it ends by itself.
async fn supervise(
    health: &Health,
    first: BoxFuture<'static, ()>,
    work: Box<dyn Fn() -> BoxFuture<'static, ()> + Send>,
) {
    let mut run = first;
    // The panic hook has logged the place of a panic.
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
