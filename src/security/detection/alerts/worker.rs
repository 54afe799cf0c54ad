//! Delivers alerts in the background, in one loop per sink, so that a slow or failing sink does not delay
//! the others.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, select};
use sqlx::PgPool;
use tokio::time::sleep;

use super::Alerts;
use super::messages::Runbooks;
use super::sinks::{Sink, SinkDelivery, sinks};
use crate::base::clock::Clock;
use crate::config::AlertSettings;
use crate::db::outbox::{Notifier, OutboxWorker};
use crate::security::communication::outbound::OutboundClient;

/// How often summaries of alerts are queued, and alerts without new findings are cleared.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

pub struct AlertWorker {
    alerts: Alerts,
    clock: Clock,
    sinks: Vec<OutboxWorker<SinkDelivery>>,
}

impl AlertWorker {
    #[must_use]
    pub fn new(
        pool: PgPool,
        alerts: Alerts,
        settings: &AlertSettings,
        client: &Arc<OutboundClient>,
        clock: Clock,
    ) -> Self {
        let worker = |sink: Sink| {
            let delivery = SinkDelivery {
                shows_addresses: settings.shows_addresses_to(sink.name()),
                sink,
                pool: pool.clone(),
                client: client.clone(),
                runbooks: Runbooks(settings.runbooks.clone()),
                clock: clock.clone(),
            };
            OutboxWorker::new(delivery, pool.clone(), clock.clone(), Notifier::default())
        };
        let sinks = sinks(settings).into_iter().map(worker).collect();
        Self { alerts, clock, sinks }
    }

    /// Delivers messages until [`Self::stop`] is called. Messages that were not delivered stay in the outbox.
    pub async fn run(&self) {
        select(pin!(join_all(self.sinks.iter().map(OutboxWorker::run))), pin!(self.watch_alerts())).await;
    }

    /// Stops [`Self::run`] as soon as the current deliveries are complete or have timed out.
    pub fn stop(&self) {
        self.sinks.iter().for_each(OutboxWorker::stop);
    }

    async fn watch_alerts(&self) {
        loop {
            if let Err(error) = self.alerts.summarise_and_clear(self.clock.now()).await {
                tracing::warn!(%error, "failed to update alerts");
            }
            sleep(WATCH_INTERVAL).await;
        }
    }
}
