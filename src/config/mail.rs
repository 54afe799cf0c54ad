//! `STRONGROOM_MAIL_…`: the mail server, and the sender of mails.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Profile;
use super::origin::is_loopback;
use super::reader::Reader;
use super::tls::pem_file;

#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The URL of the mail server. Without it, the service writes mails to files in the development folder.
    pub smtp_url: Option<SecretString>,
    /// The PEM file of a private certificate authority. Without it, the public authorities are trusted.
    pub smtp_ca: Option<PathBuf>,
    pub from: String,
}

impl MailSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let name = "STRONGROOM_MAIL_SMTP_URL";
        let smtp_url = match profile {
            Profile::Production => {
                reader.required_secret(name, "registration and password reset need a mail server (smtps://…)")
            }
            Profile::Development => reader.secret(name),
        };
        if smtp_url.as_ref().is_some_and(|url| !is_encrypted(url.expose_secret(), profile)) {
            let problem = "is not smtps://host or smtp://host?tls=required: mails contain links that give access to accounts (plain smtp://localhost only in development)";
            reader.fault(name, problem);
        }
        let from = reader.text("STRONGROOM_MAIL_FROM");
        if profile == Profile::Production && reader.optional("STRONGROOM_MAIL_FROM").is_none() {
            reader.fault("STRONGROOM_MAIL_FROM", "is missing: set the sender (Name <address@host>)");
        } else if from.parse::<lettre::message::Mailbox>().is_err() {
            reader.fault("STRONGROOM_MAIL_FROM", "is not a sender: Name <address@host>");
        }
        let smtp_ca = pem_file(reader, "STRONGROOM_MAIL_SMTP_CA_FILE", "-----BEGIN CERTIFICATE-----");
        Self { smtp_url, smtp_ca, from }
    }
}

/// Returns whether the connection to the mail server requires TLS: the query of an `smtp` URL must be `tls=required`.
/// With `tls=opportunistic`, an attacker on the network could remove STARTTLS.
/// lettre reads only the first `tls` parameter, so a second one is refused.
fn is_encrypted(url: &str, profile: Profile) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return false };
    match (url.scheme(), url.query()) {
        ("smtps", None) | ("smtp", Some("tls=required")) => true,
        ("smtp", None) => profile == Profile::Development && is_loopback(host),
        _ => false,
    }
}
