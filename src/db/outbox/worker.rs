//! Delivers the messages of one queue of the outbox. A [`Consumer`] defines how one message is delivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{QueuedMessage, claim, give_up, mark_done, postpone};
use crate::base::clock::Clock;

/// How often a worker looks for retries and for messages of other replicas. Neither wakes the worker.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// Delivers the messages of one queue.
pub trait Consumer: Send + Sync {
    /// After this number of attempts, the worker gives up a message.
    const MAX_ATTEMPTS: i32;
    /// The delay after each failed attempt. The last number also applies to all later attempts.
    const RETRY_SECONDS: &'static [u32];

    fn queue(&self) -> &'static str;

    /// Delivers a message. A crash can cause a second delivery of the same message.
    /// The second delivery must have no effect, or the receiver must recognize the id of the message.
    ///
    /// # Errors
    /// The cause, for the log. It must not contain text from the receiver, which could be personal data.
    fn deliver(&self, message: &QueuedMessage) -> impl Future<Output = Result<(), String>> + Send;

    /// Called once for a message that is given up. The worker has already logged the failure.
    fn given_up(&self, _message: &QueuedMessage) {}
}

/// Wakes the worker of a queue in this process.
#[derive(Clone, Debug, Default)]
pub struct Notifier(Arc<Notify>);

impl Notifier {
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

pub struct OutboxWorker<C> {
    consumer: C,
    pool: PgPool,
    clock: Clock,
    notifier: Notifier,
    stopping: AtomicBool,
}

impl<C: Consumer> OutboxWorker<C> {
    #[must_use]
    pub fn new(consumer: C, pool: PgPool, clock: Clock, notifier: Notifier) -> Self {
        Self { consumer, pool, clock, notifier, stopping: AtomicBool::new(false) }
    }

    /// Delivers messages until [`Self::stop`] is called.
    pub async fn run(&self) {
        while !self.stopping.load(Ordering::Relaxed) {
            match self.deliver_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(queue = self.consumer.queue(), %error, "failed to access the outbox"),
            }
            // Look for due messages in both cases: after a notification and after the timeout.
            let _ = timeout(POLL_INTERVAL, self.notifier.0.notified()).await;
        }
    }

    /// Stops [`Self::run`] after the current delivery.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.notifier.notify();
    }

    async fn deliver_next(&self) -> Result<bool, sqlx::Error> {
        let Some(message) = claim(&self.pool, self.consumer.queue(), self.clock.now()).await? else { return Ok(false) };
        let delivered = if message.attempts > C::MAX_ATTEMPTS {
            // The process was killed during the final attempt.
            Err("no attempt was completed".to_owned())
        } else {
            let delivery = timeout(DELIVERY_TIMEOUT, self.consumer.deliver(&message)).await;
            delivery.unwrap_or_else(|_| Err("the delivery timed out".to_owned()))
        };
        match delivered {
            Ok(()) => mark_done(&self.pool, message.id, self.clock.now()).await?,
            Err(cause) => self.retry_or_give_up(&message, &cause).await?,
        }
        Ok(true)
    }

    async fn retry_or_give_up(&self, message: &QueuedMessage, cause: &str) -> Result<(), sqlx::Error> {
        let (queue, kind, attempts) = (self.consumer.queue(), &message.kind, message.attempts);
        if attempts < C::MAX_ATTEMPTS {
            postpone(&self.pool, message.id, self.clock.now(), retry_delay(C::RETRY_SECONDS, attempts)).await?;
            tracing::warn!(queue, kind, message_id = %message.id, attempts, cause, "failed to deliver a message; a retry follows");
        } else if give_up(&self.pool, message.id, self.clock.now()).await? {
            tracing::error!(queue, kind, message_id = %message.id, cause, "failed to deliver a message; no attempts are left");
            self.consumer.given_up(message);
        }
        Ok(())
    }
}

fn retry_delay(delays: &[u32], attempts: i32) -> u32 {
    let place = usize::try_from(attempts - 1).unwrap_or(0);
    delays.get(place).or(delays.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::outbox::LEASE;

    #[test]
    fn last_retry_delay_repeats() {
        assert_eq!([1, 2, 3, 4, i32::MAX].map(|attempts| retry_delay(&[10, 30, 90], attempts)), [10, 30, 90, 90, 90]);
    }

    #[test]
    fn lease_outlasts_slowest_delivery() {
        assert!(LEASE.to_std().unwrap() > DELIVERY_TIMEOUT);
    }
}
