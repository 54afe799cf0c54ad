//! Empties the outbox, beside the requests: one loop a sink, so that one that is down holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::messages::{Message, Runbooks};
use super::sinks::{Sink, Undone, Ways, sinks};
use super::{Alerts, store};
use crate::base::clock::Clock;
use crate::config::AlertSettings;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::communication::outbound::Door;

/// How often the outbox and the alerts are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a worker has for the message that it took: longer than the door's whole patience.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// After so many attempts a message is given up, with one event.
const MOST_ATTEMPTS: i32 = 3;

/// Delivers what is in the outbox, and turns the alerts.
pub struct AlertWorker {
    alerts: Alerts,
    ways: Ways,
    sinks: Vec<Sink>,
    settings: AlertSettings,
    clock: Clock,
    stopping: AtomicBool,
    woken: Notify,
}

impl AlertWorker {
    #[must_use]
    pub fn new(pool: PgPool, alerts: Alerts, settings: &AlertSettings, door: Arc<Door>, clock: Clock) -> Self {
        let runbooks = Runbooks(settings.runbooks.clone());
        Self {
            alerts,
            ways: Ways { pool, door, runbooks },
            sinks: sinks(settings),
            settings: settings.clone(),
            clock,
            stopping: AtomicBool::new(false),
            woken: Notify::new(),
        }
    }

    /// Works until [`Self::stop`]. What waits then stays for the next start.
    pub async fn run(&self) {
        join(self.turn(), join_all(self.sinks.iter().map(|sink| self.empty(sink)))).await;
    }

    /// Ends [`Self::run`] after the messages that are being delivered: within the door's patience.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.woken.notify_waiters();
    }

    fn goes_on(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
    }

    async fn pause(&self) {
        let woken = self.woken.notified();
        if self.goes_on() {
            // Either way there is a reason to look again.
            let _ = timeout(LOOK_EVERY, woken).await;
        }
    }

    async fn turn(&self) {
        while self.goes_on() {
            if let Err(error) = self.alerts.turn(self.clock.now()).await {
                tracing::warn!(%error, "the alerts cannot be read");
            }
            self.pause().await;
        }
    }

    async fn empty(&self, sink: &Sink) {
        while self.goes_on() {
            match self.deliver_next(sink).await {
                Ok(true) => {}
                Ok(false) => self.pause().await,
                Err(error) => {
                    tracing::warn!(%error, sink = sink.name(), "the alert outbox cannot be read");
                    self.pause().await;
                }
            }
        }
    }

    /// Whether there was one.
    async fn deliver_next(&self, sink: &Sink) -> ApiResult<bool> {
        let now = self.clock.now();
        let pool = &self.ways.pool;
        let Some(id) = store::take(pool, sink.name(), now, now + LEASE).await? else {
            return Ok(false);
        };
        // Forgotten meanwhile, with its alert.
        let Some(message) = store::message_of(pool, id, self.settings.shows_addresses_to(sink.name())).await? else {
            return Ok(true);
        };
        // A process that was killed at its last attempt has told nobody that it was the last.
        if message.attempts > MOST_ATTEMPTS {
            self.give_up(sink, &message, "no attempt came to its end").await?;
            return Ok(true);
        }
        match self.ways.deliver(sink, &message, now).await {
            Ok(()) => {}
            Err(Undone::Undelivered(cause)) if message.attempts == MOST_ATTEMPTS => {
                self.give_up(sink, &message, &cause).await?;
            }
            Err(Undone::Undelivered(cause)) => {
                let until = self.clock.now() + pause(message.attempts, jitter()?);
                store::postpone(&self.ways.pool, message.id, until).await?;
                tracing::warn!(message_id = %message.id, sink = sink.name(), cause, "an alert's message must wait");
            }
            Err(Undone::Database(error)) => return Err(error),
        }
        Ok(true)
    }

    /// One event, whoever gives it up. A rule on that event could not loop: a rule has one open alert, and that one summary a
    /// window.
    async fn give_up(&self, sink: &Sink, message: &Message, cause: &str) -> ApiResult<()> {
        if store::give_up(&self.ways.pool, message.id, self.clock.now()).await? {
            tracing::error!(message_id = %message.id, sink = sink.name(), cause, "an alert's message is given up");
            Event::new(EventKind::AlertDeliveryFailed).reason(sink.name()).record();
        }
        Ok(())
    }
}

/// 30 s, then 5 min, and up to half as much again: replicas and services that failed together do not come back together.
fn pause(attempts: i32, jitter: u8) -> TimeDelta {
    let base = if attempts <= 1 { 30_000 } else { 300_000 };
    TimeDelta::milliseconds(base + base / 2 * i64::from(jitter) / 255)
}

fn jitter() -> ApiResult<u8> {
    let mut byte = [0_u8; 1];
    aws_lc_rs::rand::fill(&mut byte).map_err(|_| ApiError::internal("no randomness"))?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::communication::outbound::PATIENCE;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let seconds = |attempts, jitter| pause(attempts, jitter).num_seconds();
        assert_eq!([seconds(1, 0), seconds(1, 255), seconds(2, 0), seconds(2, 255)], [30, 45, 300, 450]);
    }

    #[test]
    fn a_lease_outlives_the_slowest_delivery() {
        assert!(LEASE.to_std().unwrap() > PATIENCE * 2);
    }
}
