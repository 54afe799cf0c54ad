//! Delivers the alert outbox in the background. Each sink has its own loop, so that a failing sink does not delay the
//! others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::messages::{Message, Runbooks};
use super::sinks::{Delivery, DeliveryError, Sink, sinks};
use super::{Alerts, store};
use crate::base::clock::Clock;
use crate::config::AlertSettings;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::communication::outbound::OutboundClient;

/// How often the worker checks the outbox and the alerts.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How long a worker may hold a message. The lease is longer than the slowest delivery.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// The number of attempts after which a message is marked as failed.
const MAX_ATTEMPTS: i32 = 3;

/// Delivers the outbox, queues summaries, and clears alerts.
pub struct AlertWorker {
    alerts: Alerts,
    delivery: Delivery,
    sinks: Vec<Sink>,
    settings: AlertSettings,
    clock: Clock,
    stopping: AtomicBool,
    woken: Notify,
}

impl AlertWorker {
    #[must_use]
    pub fn new(
        pool: PgPool,
        alerts: Alerts,
        settings: &AlertSettings,
        client: Arc<OutboundClient>,
        clock: Clock,
    ) -> Self {
        let runbooks = Runbooks(settings.runbooks.clone());
        Self {
            alerts,
            delivery: Delivery { pool, client, runbooks },
            sinks: sinks(settings),
            settings: settings.clone(),
            clock,
            stopping: AtomicBool::new(false),
            woken: Notify::new(),
        }
    }

    /// Runs until [`Self::stop`]. Undelivered messages stay in the outbox.
    pub async fn run(&self) {
        join(self.watch_alerts(), join_all(self.sinks.iter().map(|sink| self.drain_outbox(sink)))).await;
    }

    /// Stops [`Self::run`] once the current deliveries are complete or have timed out.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.woken.notify_waiters();
    }

    fn is_running(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
    }

    async fn pause(&self) {
        let woken = self.woken.notified();
        if self.is_running() {
            // Both a stop and the timeout end the wait: the caller checks again whether to run.
            let _ = timeout(POLL_INTERVAL, woken).await;
        }
    }

    async fn watch_alerts(&self) {
        while self.is_running() {
            if let Err(error) = self.alerts.summarise_and_clear(self.clock.now()).await {
                tracing::warn!(%error, "failed to update alerts");
            }
            self.pause().await;
        }
    }

    async fn drain_outbox(&self, sink: &Sink) {
        while self.is_running() {
            match self.deliver_next(sink).await {
                Ok(true) => {}
                Ok(false) => self.pause().await,
                Err(error) => {
                    tracing::warn!(%error, sink = sink.name(), "failed to read the alert outbox");
                    self.pause().await;
                }
            }
        }
    }

    /// Delivers one message. Returns whether there was a message.
    async fn deliver_next(&self, sink: &Sink) -> ApiResult<bool> {
        let now = self.clock.now();
        let pool = &self.delivery.pool;
        let Some(id) = store::take(pool, sink.name(), now, now + LEASE).await? else {
            return Ok(false);
        };
        // The message was deleted with its alert in the meantime.
        let Some(message) = store::message_of(pool, id, self.settings.shows_addresses_to(sink.name())).await? else {
            return Ok(true);
        };
        // A process was killed during the last attempt, before it could mark the message as failed.
        if message.attempts > MAX_ATTEMPTS {
            self.give_up(sink, &message, "no attempt was completed").await?;
            return Ok(true);
        }
        match self.delivery.deliver(sink, &message, now).await {
            Ok(()) => {}
            Err(DeliveryError::Rejected(cause)) if message.attempts == MAX_ATTEMPTS => {
                self.give_up(sink, &message, &cause).await?;
            }
            Err(DeliveryError::Rejected(cause)) => {
                let until = self.clock.now() + retry_delay(message.attempts, jitter()?);
                store::postpone(&self.delivery.pool, message.id, until).await?;
                tracing::warn!(message_id = %message.id, sink = sink.name(), cause, "failed to deliver an alert; a retry follows");
            }
            Err(DeliveryError::Database(error)) => return Err(error),
        }
        Ok(true)
    }

    /// Marks a message as failed and records one event. A rule that counts this event cannot cause an endless loop: its
    /// alert stays open and sends one summary per window.
    async fn give_up(&self, sink: &Sink, message: &Message, cause: &str) -> ApiResult<()> {
        if store::give_up(&self.delivery.pool, message.id, self.clock.now()).await? {
            tracing::error!(message_id = %message.id, sink = sink.name(), cause, "failed to deliver an alert; no attempts are left");
            Event::new(EventKind::AlertDeliveryFailed).reason(sink.name()).record();
        }
        Ok(())
    }
}

/// Returns the time until the next attempt: 30 s, then 5 min. Up to 50 % is added at random (jitter), so that replicas
/// do not retry at the same moment.
fn retry_delay(attempts: i32, jitter: u8) -> TimeDelta {
    let base = if attempts <= 1 { 30_000 } else { 300_000 };
    TimeDelta::milliseconds(base + base / 2 * i64::from(jitter) / 255)
}

fn jitter() -> ApiResult<u8> {
    let mut byte = [0_u8; 1];
    aws_lc_rs::rand::fill(&mut byte).map_err(|_| ApiError::internal("the random generator failed"))?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::communication::outbound::REQUEST_TIMEOUT;

    #[test]
    fn retry_delays_grow_and_are_bounded() {
        let seconds = |attempts, jitter| retry_delay(attempts, jitter).num_seconds();
        assert_eq!([seconds(1, 0), seconds(1, 255), seconds(2, 0), seconds(2, 255)], [30, 45, 300, 450]);
    }

    #[test]
    fn lease_is_longer_than_the_slowest_delivery() {
        assert!(LEASE.to_std().unwrap() > REQUEST_TIMEOUT * 2);
    }
}
