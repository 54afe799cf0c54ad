//! `STRONGROOM_MAIL_…`: how mail leaves.

use std::fs;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::Profile;
use super::environment::Reader;

/// The mail server and the sender.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `None`: files in development's folder.
    pub smtp_url: Option<SecretString>,
    /// PEM of a private authority.
    pub smtp_ca: Option<PathBuf>,
    pub from: String,
}

impl MailSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let name = "STRONGROOM_MAIL_SMTP_URL";
        let given = reader.has_secret(name);
        let smtp_url = reader.secret(name);
        if !given && profile == Profile::Production {
            reader.fault(name, "is missing: registration and password reset need mail");
        }
        if let Some(url) = &smtp_url {
            let url = url.expose_secret();
            let encrypted =
                url.starts_with("smtps://") || (url.starts_with("smtp://") && url.ends_with("?tls=required"));
            if !encrypted {
                reader.fault(name, "must be smtps://… or smtp://…?tls=required: mails hold links that open accounts");
            }
        }
        let from = reader.text("STRONGROOM_MAIL_FROM");
        if from.parse::<lettre::message::Mailbox>().is_err() {
            reader.fault("STRONGROOM_MAIL_FROM", "is not a sender (Name <address@host>)");
        }
        let smtp_ca = reader.given("STRONGROOM_MAIL_SMTP_CA_FILE").map(PathBuf::from);
        if let Some(Err(error)) = smtp_ca.as_ref().map(fs::File::open) {
            reader
                .fault("STRONGROOM_MAIL_SMTP_CA_FILE", format!("names a file that cannot be read ({})", error.kind()));
        }
        Self { smtp_url, smtp_ca, from }
    }
}
