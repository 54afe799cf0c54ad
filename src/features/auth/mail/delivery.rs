//! Delivers mail by SMTP. In development without a mail server, writes each mail to a file and logs its link.

use std::path::Path;
#[cfg(feature = "dev")]
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::Url;

use super::texts::MailText;
use crate::config::Settings;
use crate::db::outbox::QueuedMessage;
#[cfg(feature = "dev")]
use crate::dev::mail_files;
use crate::security::crypto::secret_output::expose_text;

/// The messages do not contain the SMTP URL, because the URL contains a password.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    #[error("the sender is not an e-mail address")]
    Sender,
    #[error("the file of the mail server's certificate authority contains no certificate")]
    Authority,
    #[error("the SMTP URL must be smtps://user:password@host or smtp://user:password@host?tls=required")]
    Url,
}

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The log target of the links in mails, by which developers can filter the log.
#[cfg(feature = "dev")]
const DEVELOPMENT_LOG: &str = "development_mail";

pub struct Delivery {
    from: Mailbox,
    transport: Transport,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    #[cfg(feature = "dev")]
    Files(PathBuf),
}

impl Delivery {
    pub fn new(settings: &Settings) -> Result<Self, MailSettingsError> {
        let mail = &settings.mail;
        let from = mail.from.parse().map_err(|_| MailSettingsError::Sender)?;
        let transport = match &mail.smtp_url {
            Some(url) => Transport::Smtp(transport(expose_text(url), mail.smtp_ca.as_deref())?),
            #[cfg(feature = "dev")]
            None => Transport::Files(settings.state_dir.join("mail")),
            #[cfg(not(feature = "dev"))]
            None => return Err(MailSettingsError::Url),
        };
        Ok(Self { from, transport })
    }

    pub(super) async fn deliver(
        &self,
        mail: &QueuedMessage,
        text: &MailText,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let message = self.message(mail, text, now)?;
        match &self.transport {
            Transport::Smtp(transport) => transport.send(message).await.map(drop).map_err(|error| cause(&error)),
            #[cfg(feature = "dev")]
            Transport::Files(folder) => {
                let name = format!("{}-{}-{}.eml", mail.created_at.format("%Y%m%d-%H%M%S"), mail.kind, mail.id);
                let path = folder.join(name);
                mail_files::write(folder, &path, &message.formatted())
                    .await
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let link = text.link.as_ref().map_or("", expose_text);
                // The link contains a token. Production never logs a link, because its settings require a mail server.
                tracing::info!(target: DEVELOPMENT_LOG, kind = mail.kind, file = %path.display(), open = link, "wrote a mail to a file");
                Ok(())
            }
        }
    }

    /// All attempts to deliver one mail have the same message id, so that mail programs can detect duplicates.
    fn message(&self, mail: &QueuedMessage, text: &MailText, now: DateTime<Utc>) -> Result<Message, String> {
        // Header injection: a line break in the address could add headers to the mail. `parse` refuses such an address.
        let to = mail.recipient.parse().map_err(|_| "the recipient is not an e-mail address")?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(text.subject)
            .date(now.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(expose_text(&text.body).to_owned())
            .map_err(|_| "failed to build the mail".to_owned())
    }
}

/// The scheme `smtps://` means TLS from the start, and `smtp://…?tls=required` means STARTTLS.
/// In production, the settings reject all other URLs, so that no mail is sent without encryption.
fn transport(url: &str, authority: Option<&Path>) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailSettingsError> {
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| MailSettingsError::Url)?
        .timeout(Some(RESPONSE_TIMEOUT));
    if let Some(authority) = authority {
        let pem = std::fs::read(authority).map_err(|_| MailSettingsError::Authority)?;
        let authority = Certificate::from_pem(&pem).map_err(|_| MailSettingsError::Authority)?;
        let parameters = TlsParameters::builder(host(url).ok_or(MailSettingsError::Url)?)
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority)
            .build_rustls()
            .map_err(|_| MailSettingsError::Authority)?;
        builder =
            builder.tls(if url.starts_with("smtps:") { Tls::Wrapper(parameters) } else { Tls::Required(parameters) });
    }
    Ok(builder.build())
}

/// Returns the host name that the server's certificate must contain. Removes the brackets of an IPv6 address.
fn host(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.host_str()?.trim_matches(['[', ']']).to_owned())
}

/// Omits the text of an SMTP reply, because it often contains the recipient's address.
fn cause(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server returned {code}"),
        None => format!("the mail server is unavailable: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_of_smtp_url_excludes_password_port_and_brackets() {
        for (url, name) in [
            ("smtps://mail.example", "mail.example"),
            ("smtps://ann:p%40ss@mail.example:465", "mail.example"),
            ("smtp://ann:pass@mail.example:587/?tls=required", "mail.example"),
            ("smtp://mail.example?tls=required", "mail.example"),
            ("smtps://[::1]:465", "::1"),
        ] {
            assert_eq!(host(url).as_deref(), Some(name), "{url}");
        }
    }
}
