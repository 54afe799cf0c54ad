//! How a mail leaves: by SMTP, or in development as a file and one line in the log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::store::Queued;
use super::texts::Text;
use crate::config::MailSettings;
use crate::security::crypto::secret_output::text_to_send;

/// The configuration of mail cannot be used. Its text holds no part of the URL, which holds a password.
#[derive(Debug, thiserror::Error)]
pub enum BadMailSettings {
    #[error("the sender's address is none")]
    Sender,
    #[error("the file of the mail server's authority holds no certificate")]
    Authority,
    #[error("the SMTP URL is not one of smtps://user:password@host or smtp://user:password@host?tls=required")]
    Url,
}

/// The longest that the mail server may take for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The log target of the line that shows a mail's link in development.
const DEVELOPMENT_LOG: &str = "development_mail";

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
    /// As the settings say; into `folder` where they name no server.
    ///
    /// # Errors
    /// See [`BadMailSettings`].
    pub fn new(settings: &MailSettings, folder: PathBuf) -> Result<Self, BadMailSettings> {
        let from = settings.from.parse().map_err(|_| BadMailSettings::Sender)?;
        let way = match &settings.smtp_url {
            Some(url) => Way::Smtp(transport(text_to_send(url), settings.smtp_ca.as_deref())?),
            None => Way::Files(folder),
        };
        Ok(Self { from, way })
    }

    pub(super) async fn deliver(&self, mail: &Queued, text: &Text, now: DateTime<Utc>) -> Result<(), String> {
        let message = self.message(mail, text, now)?;
        match &self.way {
            Way::Smtp(transport) => transport.send(message).await.map(drop).map_err(|error| cause(&error)),
            Way::Files(folder) => {
                let name = format!("{}-{}-{}.eml", mail.created_at.format("%Y%m%d-%H%M%S"), mail.kind, mail.id);
                let path = folder.join(name);
                write(folder, &path, &message.formatted())
                    .await
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let open = text.link.as_ref().map_or("", text_to_send);
                // The one secret that is ever logged, and only where mail cannot leave: the configuration refuses files in
                // production. By a target of its own, so that it can be turned off.
                tracing::info!(target: DEVELOPMENT_LOG, kind = mail.kind, file = %path.display(), open, "mail kept as a file");
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

/// `smtps://` is TLS from the first byte; `smtp://…?tls=required` is STARTTLS and no mail without it. The configuration refuses
/// every other.
fn transport(url: &str, authority: Option<&Path>) -> Result<AsyncSmtpTransport<Tokio1Executor>, BadMailSettings> {
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| BadMailSettings::Url)?
        .timeout(Some(ANSWER_WITHIN));
    if let Some(authority) = authority {
        let pem = std::fs::read(authority).map_err(|_| BadMailSettings::Authority)?;
        let authority = Certificate::from_pem(&pem).map_err(|_| BadMailSettings::Authority)?;
        let parameters = TlsParameters::builder(host(url).ok_or(BadMailSettings::Url)?.to_owned())
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority)
            .build_rustls()
            .map_err(|_| BadMailSettings::Authority)?;
        builder =
            builder.tls(if url.starts_with("smtps:") { Tls::Wrapper(parameters) } else { Tls::Required(parameters) });
    }
    Ok(builder.build())
}

/// The host of a URL that lettre has read.
fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => place.split(':').next(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_found_behind_its_password() {
        for (url, name) in [
            ("smtps://mail.example", "mail.example"),
            ("smtps://ann:p%40ss@mail.example:465", "mail.example"),
            ("smtp://ann:pass@mail.example:587/?tls=required", "mail.example"),
            ("smtp://mail.example?tls=required", "mail.example"),
            ("smtps://[::1]:465", "::1"),
        ] {
            assert_eq!(host(url), Some(name), "{url}");
        }
    }
}
