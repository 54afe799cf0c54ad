//! The sinks of alerts: the log, a chat, a signed webhook, and mail. `features/auth/mail` delivers the mails.

use std::sync::Arc;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use super::messages::{Message, Runbooks};
use super::store::{Queues, message_of};
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::hex::hex;
use crate::config::{AlertSettings, OutboundUrl};
use crate::db::outbox::{Consumer, QueuedMessage};
use crate::http::error::ApiError;
use crate::security::audit::event::{Event, EventKind};
use crate::security::communication::outbound::OutboundClient;

const TARGET: &str = "alert";

/// The prefix of a signature. It identifies the algorithm, so that the algorithm can be changed later.
pub const SIGNATURE_VERSION: &str = "v1";

pub const MAIL_QUEUE: &str = "mail";

/// A sink whose messages this module delivers: every sink except mail.
pub(super) enum Sink {
    Log,
    Slack(OutboundUrl),
    Webhook(OutboundUrl, Box<hmac::Key>),
}

impl Sink {
    /// Returns the name of the sink, which is also the name of its outbox queue.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Slack(_) => "slack",
            Self::Webhook(..) => "webhook",
        }
    }
}

/// Returns the configured sinks except mail. The log is always one of them.
pub(super) fn sinks(settings: &AlertSettings) -> Vec<Sink> {
    let webhook = settings.webhook.as_ref().map(|(url, key)| {
        Sink::Webhook(url.clone(), Box::new(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes())))
    });
    let slack = settings.slack.clone().map(Sink::Slack);
    [Some(Sink::Log), slack, webhook].into_iter().flatten().collect()
}

pub(super) fn queues(settings: &AlertSettings) -> Queues {
    let mail = settings.mail_to.as_ref().map(|_| MAIL_QUEUE);
    let names = sinks(settings).iter().map(Sink::name).chain(mail).map(str::to_owned).collect();
    Queues { names, recipient: settings.mail_to.as_ref().map_or("", EmailAddress::as_str).to_owned() }
}

pub(super) struct SinkDelivery {
    pub sink: Sink,
    pub pool: PgPool,
    pub client: Arc<OutboundClient>,
    pub runbooks: Runbooks,
    pub shows_addresses: bool,
    pub clock: Clock,
}

impl Consumer for SinkDelivery {
    const MAX_ATTEMPTS: i32 = 3;
    const RETRY_SECONDS: &'static [u32] = &[30, 300];

    fn queue(&self) -> &'static str {
        self.sink.name()
    }

    async fn deliver(&self, queued: &QueuedMessage) -> Result<(), String> {
        let message = message_of(&self.pool, queued.id, self.shows_addresses).await;
        let message = message.map_err(|error| format!("failed to read the alert: {}", ApiError::from(error)))?;
        // The message and its alert were deleted in the meantime.
        let Some(message) = message else { return Ok(()) };
        let posted = match &self.sink {
            Sink::Log => {
                log(&message, &self.runbooks);
                Ok(())
            }
            Sink::Slack(url) => {
                let body = message.slack(&self.runbooks).to_string();
                self.client.post(url, Vec::new(), body.into_bytes()).await
            }
            Sink::Webhook(url, key) => {
                let body = message.json(&self.runbooks).to_string();
                self.client.post(url, signed(key, &message, &body, self.clock.now()), body.into_bytes()).await
            }
        };
        posted.map_err(|undelivered| undelivered.to_string())
    }

    /// Records an event about the failed delivery. No detection rule counts this event, so it cannot cause more alerts.
    fn given_up(&self, _message: &QueuedMessage) {
        Event::new(EventKind::AlertDeliveryFailed).reason(self.sink.name()).record();
    }
}

fn log(message: &Message, runbooks: &Runbooks) {
    let (text, runbook) = (message.sentence(), runbooks.page(&message.rule));
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                target: TARGET,
                alert = %message.alert_id,
                kind = message.kind,
                rule = message.rule,
                subject_kind = message.subject_kind,
                subject = message.subject,
                count = message.count,
                runbook,
                "{text}"
            )
        };
    }
    match (message.kind.as_str(), message.severity.as_str()) {
        // The end of an alert needs no action.
        ("cleared", _) => log!(info),
        (_, "critical") => log!(error),
        (_, "warning") => log!(warn),
        _ => log!(info),
    }
}

/// Returns the headers of the signed webhook. The signature is an HMAC-SHA256 over the timestamp, a dot and the body.
/// Each attempt has a new timestamp, so that receivers can reject old messages (replay).
/// The message id stays the same, so that receivers can detect duplicates.
fn signed(key: &hmac::Key, message: &Message, body: &str, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let timestamp = now.timestamp().to_string();
    let mac = hmac::sign(key, format!("{timestamp}.{body}").as_bytes());
    vec![
        ("strongroom-message-id", message.id.to_string()),
        ("strongroom-timestamp", timestamp),
        ("strongroom-signature", format!("{SIGNATURE_VERSION}={}", hex(mac.as_ref()))),
    ]
}
