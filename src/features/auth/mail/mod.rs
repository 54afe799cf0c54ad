//! Mail to users. One transaction stores a change and the mail about the change, as a message in the [outbox].
//! The outbox worker sends the mail later. So a crash loses no mail, and no response waits for the mail server.
//! The duration of such a wait would reveal whether an address is registered (user enumeration).
//!
//! The outbox contains no tokens. The worker derives the token of a link from three columns of the message: `kind`,
//! `subject_id`, and `key_id`, which names a master key (`SecretToken::for_queued_mail`).

mod delivery;
mod texts;

use std::sync::Arc;

use sqlx::PgPool;

pub use delivery::MailSettingsError;
pub use texts::MailKind;

use delivery::Delivery;
use texts::{Links, MailText};

use crate::base::clock::Clock;
use crate::config::{Profile, Settings};
use crate::db::outbox::{self, Backlog, Consumer, QueuedMessage};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::crypto::keys::Keys;
use crate::security::detection::alerts::{MAIL_QUEUE, Runbooks, message_of};

pub struct MailSender {
    pool: PgPool,
    keys: Arc<Keys>,
    clock: Clock,
    delivery: Delivery,
    links: Links,
    runbooks: Runbooks,
    /// Whether a mail about an alert contains the email address of the user that the alert is about.
    shows_addresses: bool,
}

impl MailSender {
    pub fn new(pool: PgPool, keys: Arc<Keys>, settings: &Settings, clock: Clock) -> Result<Self, MailSettingsError> {
        let links = Links {
            public_url: settings.http.public_url.clone(),
            include_curl: settings.profile == Profile::Development,
        };
        let runbooks = Runbooks(settings.alerts.runbooks.clone());
        let shows_addresses = settings.alerts.shows_addresses_to(MAIL_QUEUE);
        let delivery = Delivery::new(settings)?;
        Ok(Self { pool, keys, clock, delivery, links, runbooks, shows_addresses })
    }

    async fn alert(&self, mail: &QueuedMessage) -> Result<MailText, String> {
        let message = message_of(&self.pool, mail.id, self.shows_addresses)
            .await
            .map_err(|error| format!("failed to read the alert: {}", ApiError::from(error)))?;
        Ok(texts::alert(&message.ok_or("the alert does not exist any more")?, &self.runbooks))
    }
}

impl Consumer for MailSender {
    /// All attempts together take about one and a half hours.
    const MAX_ATTEMPTS: i32 = 10;
    const RETRY_SECONDS: &'static [u32] = &[10, 30, 90, 270, 810, 900];

    fn queue(&self) -> &'static str {
        MAIL_QUEUE
    }

    async fn deliver(&self, mail: &QueuedMessage) -> Result<(), String> {
        let text = match mail.alert_id {
            Some(_) => self.alert(mail).await?,
            None => texts::write(mail, &self.keys, &self.links)?,
        };
        self.delivery.deliver(mail, &text, self.clock.now()).await
    }

    fn given_up(&self, mail: &QueuedMessage) {
        if mail.alert_id.is_some() {
            Event::new(EventKind::AlertDeliveryFailed).reason(MAIL_QUEUE).record();
        }
    }
}

pub async fn backlog(pool: &PgPool, clock: &Clock) -> ApiResult<Backlog> {
    Ok(outbox::backlog(pool, MAIL_QUEUE, clock.now()).await?)
}
