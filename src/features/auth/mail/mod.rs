//! Mail outbox: a change and its mail are stored in the same transaction. A worker sends each queued mail at least
//! once.
//!
//! A response does not wait for the mail server. Otherwise its duration would reveal whether an address is registered
//! (user enumeration), and a crash would lose the mail. The worker leases a row before it sends the mail, so that only
//! one replica sends it. After a crash, the lease expires and another worker sends the mail.
//!
//! The outbox contains no secret. The worker derives the token in a mail when it sends the mail, from `subject_id` and
//! the master key that `key_id` names (`SecretToken::for_queued_mail`).

mod delivery;
mod store;
mod texts;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::timeout;

pub use delivery::MailSettingsError;
pub use store::Backlog;
pub use texts::MailKind;

use delivery::Delivery;
use texts::{Links, MailText};

use crate::base::clock::Clock;
use crate::config::{Profile, Settings};
use crate::http::error::{ApiError, ApiResult};
use crate::security::crypto::keys::Keys;
use crate::security::detection::alerts::{MAIL_KIND, Runbooks, message_of};

/// Tells the worker that mail was queued.
#[derive(Clone, Debug, Default)]
pub struct MailNotifier(Arc<Notify>);

impl MailNotifier {
    /// Wakes the worker.
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

/// How often the worker reads the outbox without a notification: another replica may have queued mail, or a retry is
/// due.
const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// The timeout of one delivery.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// The duration of a lease: longer than [`BATCH_SIZE`] times [`DELIVERY_TIMEOUT`], so that no other worker sends the
/// same mail.
const LEASE: TimeDelta = TimeDelta::minutes(4);

/// The maximum number of mails per lease.
const BATCH_SIZE: i64 = 10;

/// The maximum number of attempts to deliver a mail. With their delays, they take about 80 minutes.
const MAX_ATTEMPTS: i32 = 10;

/// How many days the outbox keeps sent and failed mail, so that operators can inspect it.
const RETENTION_DAYS: i64 = 7;

/// Sends mail from the outbox.
pub struct MailWorker {
    pool: PgPool,
    keys: Arc<Keys>,
    clock: Clock,
    delivery: Delivery,
    links: Links,
    runbooks: Runbooks,
    /// Whether mails about alerts contain client addresses.
    shows_addresses: bool,
    notifier: MailNotifier,
    stopping: AtomicBool,
}

impl MailWorker {
    /// Creates a worker that `notifier` wakes.
    ///
    /// # Errors
    /// [`MailSettingsError`] for an invalid certificate file. The configuration has already checked the other settings.
    pub fn new(
        pool: PgPool,
        keys: Arc<Keys>,
        settings: &Settings,
        clock: Clock,
        notifier: MailNotifier,
    ) -> Result<Self, MailSettingsError> {
        let links = Links {
            public_url: settings.http.public_url.clone(),
            include_curl: settings.profile == Profile::Development,
        };
        let runbooks = Runbooks(settings.alerts.runbooks.clone());
        let shows_addresses = settings.alerts.shows_addresses_to("mail");
        let delivery = Delivery::new(settings)?;
        let stopping = AtomicBool::new(false);
        Ok(Self { pool, keys, clock, delivery, links, runbooks, shows_addresses, notifier, stopping })
    }

    /// Sends mail until [`Self::stop`]. Mail that is still queued waits for the next start.
    pub async fn run(&self) {
        while !self.stopping.load(Ordering::Relaxed) {
            match self.deliver_due().await {
                Ok(0) => {
                    // After a notification or the timeout, the loop reads the outbox again.
                    let _ = timeout(POLL_INTERVAL, self.notifier.0.notified()).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "failed to read the mail outbox");
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    /// Stops [`Self::run`] as soon as the leased mail is sent.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.notifier.notify();
    }

    /// Leases due mail, sends it, and returns the number of leased mails. A failed delivery is retried later and is not
    /// an error.
    pub async fn deliver_due(&self) -> ApiResult<usize> {
        let now = self.clock.now();
        let due = store::lease(&self.pool, now, now + LEASE, BATCH_SIZE, MAX_ATTEMPTS).await?;
        for mail in &due {
            match self.deliver(mail).await {
                Ok(()) => store::mark_sent(&self.pool, mail.id, self.clock.now()).await?,
                Err(cause) => self.postpone(mail, &cause).await?,
            }
        }
        Ok(due.len())
    }

    async fn deliver(&self, mail: &store::QueuedMail) -> Result<(), String> {
        let text = match mail.kind.as_str() {
            MAIL_KIND => self.alert(mail).await?,
            _ => texts::write(mail, &self.keys, &self.links)?,
        };
        let attempt = self.delivery.deliver(mail, &text, self.clock.now());
        timeout(DELIVERY_TIMEOUT, attempt).await.map_err(|_| "the delivery timed out".to_owned())?
    }

    async fn alert(&self, mail: &store::QueuedMail) -> Result<MailText, String> {
        let message = message_of(&self.pool, mail.subject_id, self.shows_addresses)
            .await
            .map_err(|error| format!("failed to read the alert: {}", ApiError::from(error)))?;
        Ok(texts::alert(&message.ok_or("the alert does not exist any more")?, &self.runbooks))
    }

    async fn postpone(&self, mail: &store::QueuedMail, cause: &str) -> Result<(), ApiError> {
        if mail.attempts >= MAX_ATTEMPTS {
            tracing::error!(mail = %mail.id, kind = mail.kind, cause, "gave up a mail after its last attempt");
        } else {
            tracing::warn!(mail = %mail.id, kind = mail.kind, attempts = mail.attempts, cause, "failed to send a mail; retrying later");
        }
        Ok(store::postpone(&self.pool, mail.id, self.clock.now() + retry_delay(mail.attempts)).await?)
    }

    /// Deletes old mail: sent mail, and mail whose last attempt has failed.
    pub async fn sweep(&self) -> ApiResult<()> {
        let before = self.clock.now() - TimeDelta::days(RETENTION_DAYS);
        Ok(store::delete_old(&self.pool, before, MAX_ATTEMPTS).await?)
    }
}

/// Counts undelivered mail.
pub async fn backlog(pool: &PgPool, clock: &Clock) -> ApiResult<Backlog> {
    Ok(store::backlog(pool, clock.now(), MAX_ATTEMPTS).await?)
}

/// Returns the delay after this number of attempts (exponential backoff): 10 s, 30 s, 90 s …, at most 15 minutes.
fn retry_delay(attempts: i32) -> TimeDelta {
    let tripled = 3_i64.saturating_pow(u32::try_from(attempts - 1).unwrap_or(0));
    TimeDelta::seconds(tripled.saturating_mul(10).min(15 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_grow_and_are_bounded() {
        let seconds: Vec<i64> = (1..=6).map(|attempts| retry_delay(attempts).num_seconds()).collect();
        assert_eq!(seconds, [10, 30, 90, 270, 810, 900]);
        assert_eq!(retry_delay(i32::MAX).num_seconds(), 900);
    }

    #[test]
    fn lease_outlasts_slowest_batch() {
        let slowest = DELIVERY_TIMEOUT * u32::try_from(BATCH_SIZE).unwrap();
        assert!(LEASE.to_std().unwrap() > slowest);
    }
}
