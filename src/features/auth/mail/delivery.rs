//! How a mail leaves: by SMTP, or in development as a file and one line in the log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::SecretString;
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::store::Queued;
use super::texts::Text;
use crate::security::handed_secrets::text_to_send;

/// The configuration of mail cannot be used. Its text holds no part of the URL, which holds a password.
#[derive(Debug, thiserror::Error)]
pub enum BadMailSettings {
    #[error("the sender's address is none")]
    Sender,
    #[error("the SMTP URL is not one of smtps://user:password@host or smtp://user:password@host?tls=required")]
    Url,
}

/// Who sends, and how.
pub struct Delivery {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files(PathBuf),
}

impl Delivery {
    /// By SMTP to the server that this URL names, TLS as its scheme says.
    ///
    /// # Errors
    /// See [`BadMailSettings`].
    pub fn by_smtp(from: &str, url: &SecretString) -> Result<Self, BadMailSettings> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(text_to_send(url))
            .map_err(|_| BadMailSettings::Url)?
            .timeout(Some(Duration::from_secs(10)))
            .build();
        Ok(Self { from: sender(from)?, way: Way::Smtp(transport) })
    }

    /// Into this folder, for development: nothing leaves the machine.
    ///
    /// # Errors
    /// See [`BadMailSettings`].
    pub fn into_files(from: &str, folder: PathBuf) -> Result<Self, BadMailSettings> {
        Ok(Self { from: sender(from)?, way: Way::Files(folder) })
    }

    pub(super) async fn deliver(&self, mail: &Queued, text: &Text, now: DateTime<Utc>) -> Result<(), String> {
        let message = self.message(mail, text, now)?;
        match &self.way {
            Way::Smtp(transport) => transport.send(message).await.map(drop).map_err(|error| cause(&error)),
            Way::Files(folder) => {
                let name = format!("{}-{}-{}.eml", mail.created_at.format("%Y%m%d-%H%M%S"), mail.kind, mail.id);
                let path = folder.join(name);
                write(folder, &path, &message.formatted()).await.map_err(|error| format!("{}: {error}", path.display()))?;
                let open = text.link.as_ref().map_or("", text_to_send);
                tracing::info!(kind = mail.kind, file = %path.display(), open, "mail (development: kept as a file)");
                Ok(())
            }
        }
    }

    /// The same id for each attempt: a mailbox that got it twice can tell.
    fn message(&self, mail: &Queued, text: &Text, now: DateTime<Utc>) -> Result<Message, String> {
        // An address was parsed before it was queued; here it cannot start another header either.
        let to = mail.recipient.parse().map_err(|_| "the recipient is no address")?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(text.subject)
            .date(now.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(text_to_send(&text.body).to_owned())
            .map_err(|_| "the mail cannot be written".to_owned())
    }
}

fn sender(from: &str) -> Result<Mailbox, BadMailSettings> {
    from.parse().map_err(|_| BadMailSettings::Sender)
}

/// A mail server's own text repeats the recipient's address; its code does not.
fn cause(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None => format!("the mail server cannot be used: {error}"),
    }
}

/// Whole or not at all, and for this user alone: it holds a token.
async fn write(folder: &Path, path: &Path, message: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder).await?;
    let unfinished = path.with_extension("part");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&unfinished).await?;
    file.write_all(message).await?;
    file.flush().await?;
    fs::rename(&unfinished, path).await
}
