//! The ways by which people are told: a chat, a signed webhook, mail, and the log.

use std::sync::Arc;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use super::messages::{Message, Runbooks};
use super::store;
use crate::base::email::EmailAddress;
use crate::base::hex::hex;
use crate::config::{AlertSettings, WebhookUrl};
use crate::http::error::ApiError;
use crate::security::communication::outbound::Door;

/// The log target of every alert.
const TARGET: &str = "alert";

/// Stands before the signature, so that another algorithm can come one day.
pub const SIGNATURE_VERSION: &str = "v1";

/// One way.
pub(super) enum Sink {
    Log,
    Slack(WebhookUrl),
    Webhook(WebhookUrl, Box<hmac::Key>),
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

/// The ways that the settings name, and the log always.
pub(super) fn sinks(settings: &AlertSettings) -> Vec<Sink> {
    let webhook = settings.webhook.as_ref().map(|(url, key)| {
        Sink::Webhook(url.clone(), Box::new(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes())))
    });
    let slack = settings.slack.clone().map(Sink::Slack);
    let mail = settings.mail_to.clone().map(Sink::Mail);
    [Some(Sink::Log), slack, webhook, mail].into_iter().flatten().collect()
}

pub(super) fn wanted(settings: &AlertSettings) -> Vec<&'static str> {
    sinks(settings).iter().map(Sink::name).collect()
}

/// What all ways need.
pub(super) struct Ways {
    pub pool: PgPool,
    pub door: Arc<Door>,
    pub runbooks: Runbooks,
}

/// Why a message is not there: nobody took it, or the database cannot be asked.
pub(super) enum Undone {
    /// In our own words: a receiver's text reaches nobody.
    Undelivered(String),
    Database(ApiError),
}

impl Ways {
    /// Delivers and notes that it is delivered.
    pub async fn deliver(&self, sink: &Sink, message: &Message, now: DateTime<Utc>) -> Result<(), Undone> {
        let handed_over = match sink {
            Sink::Mail(recipient) => return self.mail(recipient, message, now).await,
            Sink::Log => {
                self.log(message);
                Ok(())
            }
            Sink::Slack(url) => {
                let body = message.slack(&self.runbooks).to_string();
                self.door.post(url, Vec::new(), body.into_bytes()).await
            }
            Sink::Webhook(url, key) => {
                let body = message.json(&self.runbooks).to_string();
                self.door.post(url, signed(key, message, &body, now), body.into_bytes()).await
            }
        };
        handed_over.map_err(|undelivered| Undone::Undelivered(undelivered.to_string()))?;
        store::sent(&self.pool, message.id, now).await.map_err(|error| Undone::Database(error.into()))
    }

    /// By the mail outbox, whose worker has its own patience.
    async fn mail(&self, recipient: &EmailAddress, message: &Message, now: DateTime<Utc>) -> Result<(), Undone> {
        let mailed = store::mailed(&self.pool, message.id, recipient.as_str(), now).await;
        mailed.map_err(|error| Undone::Database(error.into()))
    }

    fn log(&self, message: &Message) {
        let (text, runbook) = (message.sentence(), self.runbooks.page(&message.rule));
        macro_rules! tell {
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
            "critical" => tell!(error),
            "warning" => tell!(warn),
            _ => tell!(info),
        }
    }
}

/// HMAC-SHA256 over the time, a dot and the body. The time is that of this attempt, so that a receiver may refuse what is older
/// than minutes; the id is that of the message.
fn signed(key: &hmac::Key, message: &Message, body: &str, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let timestamp = now.timestamp().to_string();
    let mac = hmac::sign(key, format!("{timestamp}.{body}").as_bytes());
    vec![
        ("strongroom-message-id", message.id.to_string()),
        ("strongroom-timestamp", timestamp),
        ("strongroom-signature", format!("{SIGNATURE_VERSION}={}", hex(mac.as_ref()))),
    ]
}
