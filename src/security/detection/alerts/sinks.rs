//! The sinks of alerts: a chat, a signed webhook, mail, and the log.

use std::sync::Arc;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use super::messages::{Message, Runbooks};
use super::store;
use crate::base::email::EmailAddress;
use crate::base::hex::hex;
use crate::config::{AlertSettings, OutboundUrl};
use crate::http::error::ApiError;
use crate::security::communication::outbound::OutboundClient;

/// The log target of all alerts.
const TARGET: &str = "alert";

/// The prefix of a signature. It names the algorithm, so that the algorithm can be changed later.
pub const SIGNATURE_VERSION: &str = "v1";

/// A destination for alert messages.
pub(super) enum Sink {
    Log,
    Slack(OutboundUrl),
    Webhook(OutboundUrl, Box<hmac::Key>),
    Mail(EmailAddress),
}

impl Sink {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Slack(_) => "slack",
            Self::Webhook(..) => "webhook",
            Self::Mail(_) => "mail",
        }
    }
}

/// Returns the configured sinks. The log is always one of them.
pub(super) fn sinks(settings: &AlertSettings) -> Vec<Sink> {
    let webhook = settings.webhook.as_ref().map(|(url, key)| {
        Sink::Webhook(url.clone(), Box::new(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes())))
    });
    let slack = settings.slack.clone().map(Sink::Slack);
    let mail = settings.mail_to.clone().map(Sink::Mail);
    [Some(Sink::Log), slack, webhook, mail].into_iter().flatten().collect()
}

pub(super) fn names(settings: &AlertSettings) -> Vec<&'static str> {
    sinks(settings).iter().map(Sink::name).collect()
}

/// Delivers messages to sinks.
pub(super) struct Delivery {
    pub pool: PgPool,
    pub client: Arc<OutboundClient>,
    pub runbooks: Runbooks,
}

/// Why a message was not delivered.
pub(super) enum DeliveryError {
    /// The text is the service's own: text from the receiver is never logged.
    Rejected(String),
    Database(ApiError),
}

impl Delivery {
    /// Delivers a message and marks it as sent.
    pub async fn deliver(&self, sink: &Sink, message: &Message, now: DateTime<Utc>) -> Result<(), DeliveryError> {
        let handed_over = match sink {
            Sink::Mail(recipient) => return self.mail(recipient, message, now).await,
            Sink::Log => {
                self.log(message);
                Ok(())
            }
            Sink::Slack(url) => {
                let body = message.slack(&self.runbooks).to_string();
                self.client.post(url, Vec::new(), body.into_bytes()).await
            }
            Sink::Webhook(url, key) => {
                let body = message.json(&self.runbooks).to_string();
                self.client.post(url, signed(key, message, &body, now), body.into_bytes()).await
            }
        };
        handed_over.map_err(|undelivered| DeliveryError::Rejected(undelivered.to_string()))?;
        store::mark_sent(&self.pool, message.id, now).await.map_err(|error| DeliveryError::Database(error.into()))
    }

    /// Moves the message to the mail outbox, which retries on its own.
    async fn mail(&self, recipient: &EmailAddress, message: &Message, now: DateTime<Utc>) -> Result<(), DeliveryError> {
        let mailed = store::move_to_mail_outbox(&self.pool, message.id, recipient.as_str(), now).await;
        mailed.map_err(|error| DeliveryError::Database(error.into()))
    }

    fn log(&self, message: &Message) {
        let (text, runbook) = (message.sentence(), self.runbooks.page(&message.rule));
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    target: TARGET,
                    alert = %message.alert_id,
                    kind = message.kind,
                    rule = message.rule,
                    about_kind = message.about_kind,
                    about = message.about,
                    count = message.count,
                    runbook,
                    "{text}"
                )
            };
        }
        match message.severity.as_str() {
            "critical" => log!(error),
            "warning" => log!(warn),
            _ => log!(info),
        }
    }
}

/// Returns the headers of the signed webhook. The signature is an HMAC-SHA256 over the timestamp, a dot and the body.
/// Each attempt has a new timestamp, so that receivers can reject old messages (replay). The message id stays the same.
fn signed(key: &hmac::Key, message: &Message, body: &str, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let timestamp = now.timestamp().to_string();
    let mac = hmac::sign(key, format!("{timestamp}.{body}").as_bytes());
    vec![
        ("strongroom-message-id", message.id.to_string()),
        ("strongroom-timestamp", timestamp),
        ("strongroom-signature", format!("{SIGNATURE_VERSION}={}", hex(mac.as_ref()))),
    ]
}
