//! Mail that was promised: queued in the same statement as its cause, sent afterwards by a worker.
//!
//! Two reasons. A reply that waited for a mail server would tell by its time who is registered; and a mail that is
//! sent in line is lost when the process dies between the two. So the row in `mail_outbox` is the promise, and the worker keeps
//! it at least once: it leases a row before it sends, so that of two replicas one sends, and after a kill the lease runs out.
//!
//! The outbox holds no secret. The token in a mail is derived from `subject_id`, with the master key that `key_id` names, when
//! it is sent (`SecretToken::for_queued_mail`); the row that it opens keeps a hash.

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

pub use delivery::BadMailSettings;
pub use store::Backlog;
pub use texts::MailKind;

use delivery::Delivery;
use texts::{Links, Text};

use crate::base::clock::Clock;
use crate::config::{Profile, Settings};
use crate::http::error::{ApiError, ApiResult};
use crate::security::crypto::keys::Keys;
use crate::security::detection::alerts::{MAIL_KIND, Runbooks, message_of};

/// Rings when mail was queued, so that it goes out at once.
#[derive(Clone, Debug, Default)]
pub struct MailNotifier(Arc<Notify>);

impl MailNotifier {
    /// Mail was queued.
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

/// How often the outbox is looked at when nobody rings: for mail that another replica queued, and for second attempts.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The longest that one delivery may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a worker has for the mail that it took. Longer than [`BATCH`] times [`PATIENCE`], so that nobody else sends it too.
const LEASE: TimeDelta = TimeDelta::minutes(4);

/// How much mail is taken at once.
const BATCH: i64 = 10;

/// After so many attempts, an hour and a half in all, a mail is given up.
const MOST_ATTEMPTS: i32 = 10;

/// How long rows are kept once they are done: an operator's trace.
const KEPT_DAYS: i64 = 7;

/// Sends what is in the outbox.
pub struct MailWorker {
    pool: PgPool,
    keys: Arc<Keys>,
    clock: Clock,
    delivery: Delivery,
    links: Links,
    runbooks: Runbooks,
    /// Whether alerts name users by address.
    shows_addresses: bool,
    notifier: MailNotifier,
    stopping: AtomicBool,
}

impl MailWorker {
    /// A worker that `notifier` wakes.
    ///
    /// # Errors
    /// [`BadMailSettings`]; the configuration has checked all of it but the certificate.
    pub fn new(
        pool: PgPool,
        keys: Arc<Keys>,
        settings: &Settings,
        clock: Clock,
        notifier: MailNotifier,
    ) -> Result<Self, BadMailSettings> {
        let links = Links {
            public_url: settings.http.public_url.clone(),
            say_how_by_hand: settings.profile == Profile::Development,
        };
        let runbooks = Runbooks(settings.alerts.runbooks.clone());
        let shows_addresses = settings.alerts.shows_addresses_to("mail");
        let delivery = Delivery::new(&settings.mail, settings.state_dir.join("mail"))?;
        let stopping = AtomicBool::new(false);
        Ok(Self { pool, keys, clock, delivery, links, runbooks, shows_addresses, notifier, stopping })
    }

    /// Works until [`Self::stop`]. What is queued then stays for the next start.
    pub async fn run(&self) {
        while !self.stopping.load(Ordering::Relaxed) {
            match self.deliver_due().await {
                Ok(0) => {
                    // Either way there is a reason to look again.
                    let _ = timeout(LOOK_EVERY, self.notifier.0.notified()).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the mail outbox cannot be read");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Ends [`Self::run`] after the mail that it holds.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.notifier.notify();
    }

    /// Takes the mail that is due, sends it, and returns how many there were.
    ///
    /// # Errors
    /// The database cannot be asked. A mail that cannot be delivered is no error: it stays for another attempt.
    pub async fn deliver_due(&self) -> ApiResult<usize> {
        let now = self.clock.now();
        let due = store::take(&self.pool, now, now + LEASE, BATCH, MOST_ATTEMPTS).await?;
        for mail in &due {
            match self.deliver(mail).await {
                Ok(()) => store::sent(&self.pool, mail.id, self.clock.now()).await?,
                Err(cause) => self.postpone(mail, &cause).await?,
            }
        }
        Ok(due.len())
    }

    async fn deliver(&self, mail: &store::Queued) -> Result<(), String> {
        let text = match mail.kind.as_str() {
            MAIL_KIND => self.alert(mail).await?,
            _ => texts::write(mail, &self.keys, &self.links)?,
        };
        let attempt = self.delivery.deliver(mail, &text, self.clock.now());
        timeout(PATIENCE, attempt).await.map_err(|_| "no answer in time".to_owned())?
    }

    async fn alert(&self, mail: &store::Queued) -> Result<Text, String> {
        let message = message_of(&self.pool, mail.subject_id, self.shows_addresses)
            .await
            .map_err(|error| format!("the alert cannot be read: {}", ApiError::from(error)))?;
        Ok(texts::alert(&message.ok_or("the alert is gone")?, &self.runbooks))
    }

    async fn postpone(&self, mail: &store::Queued, cause: &str) -> Result<(), ApiError> {
        if mail.attempts >= MOST_ATTEMPTS {
            tracing::error!(mail = %mail.id, kind = mail.kind, cause, "a mail is given up");
        } else {
            tracing::warn!(mail = %mail.id, kind = mail.kind, attempts = mail.attempts, cause, "a mail must wait");
        }
        Ok(store::postpone(&self.pool, mail.id, self.clock.now() + pause(mail.attempts)).await?)
    }

    /// Forgets what is done and old.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn sweep(&self) -> ApiResult<()> {
        let before = self.clock.now() - TimeDelta::days(KEPT_DAYS);
        Ok(store::forget(&self.pool, before, MOST_ATTEMPTS).await?)
    }
}

/// What has not been delivered.
///
/// # Errors
/// The database cannot be asked.
pub async fn backlog(pool: &PgPool, clock: &Clock) -> ApiResult<Backlog> {
    Ok(store::backlog(pool, clock.now(), MOST_ATTEMPTS).await?)
}

/// 10 s, 30 s, 90 s … at most a quarter of an hour.
fn pause(attempts: i32) -> TimeDelta {
    let tripled = 3_i64.saturating_pow(u32::try_from(attempts - 1).unwrap_or(0));
    TimeDelta::seconds(tripled.saturating_mul(10).min(15 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_grow_and_are_bounded() {
        let seconds: Vec<i64> = (1..=6).map(|attempts| pause(attempts).num_seconds()).collect();
        assert_eq!(seconds, [10, 30, 90, 270, 810, 900]);
        assert_eq!(pause(i32::MAX).num_seconds(), 900);
    }

    #[test]
    fn a_lease_outlives_the_slowest_batch() {
        let slowest = PATIENCE * u32::try_from(BATCH).unwrap();
        assert!(LEASE.to_std().unwrap() > slowest);
    }
}
