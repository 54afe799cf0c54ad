//! The texts of mails. They contain no input of clients, so an attacker cannot send spam through the service.
//!
//! The token is in the fragment of the link, because browsers do not send fragments to servers.
//! A mail scanner can open the link without using the token, because only a POST request uses the token.

use secrecy::SecretString;

use crate::db::outbox::QueuedMessage;
use crate::security::crypto::keys::{KeyId, Keys};
use crate::security::crypto::secret_output::{TOKEN_PLACEHOLDER, insert_token};
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::detection::alerts::{Message, Runbooks};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    ConfirmRegistration,
    AlreadyRegistered,
    ResetPassword,
    PasswordChanged,
    SessionStolen,
    AccountDeleted,
    AccountLocked,
}

impl MailKind {
    pub const ALL: [Self; 7] = [
        Self::ConfirmRegistration,
        Self::AlreadyRegistered,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::SessionStolen,
        Self::AccountDeleted,
        Self::AccountLocked,
    ];

    /// Do not rename a kind: tokens are derived from its name, so the tokens of queued mails would become invalid.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfirmRegistration => "confirm_registration",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::SessionStolen => "session_stolen",
            Self::AccountDeleted => "account_deleted",
            Self::AccountLocked => "account_locked",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The host in a mail's link is a setting, and does not come from the `Host` header of a request (CWE-640).
/// Otherwise an attacker could send their own host in this header, and would receive the victim's token.
#[derive(Clone, Debug)]
pub struct Links {
    /// Without a trailing slash.
    pub public_url: String,
    pub include_curl: bool,
}

pub struct MailText {
    pub subject: &'static str,
    pub body: SecretString,
    #[cfg_attr(not(feature = "dev"), expect(dead_code, reason = "the log shows it in development"))]
    pub link: Option<SecretString>,
}

struct Template {
    subject: &'static str,
    body: &'static str,
    /// The page of the link, the endpoint that the page calls, and the JSON fields of the call besides the token.
    link: Option<(&'static str, &'static str, &'static str)>,
}

const LINK_PLACEHOLDER: &str = "{link}";

fn template(kind: MailKind) -> Template {
    let (subject, body, link) = match kind {
        MailKind::ConfirmRegistration => (
            "Confirm your address",
            "We received a request to open an account at Strongroom with this address.\n\n\
             To open it and choose your password, follow this link within 24 hours:\n\n{link}\n\n\
             If this was not you, ignore this mail: no account is opened.\n",
            Some(("confirm", "confirm", ",\"password\":\"...\",\"display_name\":\"...\"")),
        ),
        MailKind::AlreadyRegistered => (
            "You already have an account",
            "We received a request to open an account at Strongroom with this address. You already have one.\n\n\
             If this was you, sign in. If you have forgotten your password, request a new one.\n\
             If this was not you, ignore this mail: nothing has changed.\n",
            None,
        ),
        MailKind::ResetPassword => (
            "Choose a new password",
            "We received a request for a new password for your account at Strongroom.\n\n\
             To choose one, follow this link within 30 minutes. It works once:\n\n{link}\n\n\
             If this was not you, ignore this mail: your password does not change.\n",
            Some(("reset", "password-reset/confirm", ",\"new_password\":\"...\"")),
        ),
        MailKind::PasswordChanged => (
            "Your password was changed",
            "The password of your account at Strongroom was changed, and all your earlier sessions were ended.\n\n\
             If this was not you, request a new password immediately: this ends every session.\n",
            None,
        ),
        MailKind::SessionStolen => (
            "We ended one of your sessions",
            "One of your sessions at Strongroom was used in two places, which may mean that it was stolen. We have ended it.\n\n\
             Sign in again. If you cannot explain this, change your password.\n",
            None,
        ),
        MailKind::AccountDeleted => (
            "Your account was deleted",
            "Your account at Strongroom and all its data were deleted. The request contained your password.\n",
            None,
        ),
        MailKind::AccountLocked => (
            "Attempts to guess your password",
            "Many attempts to sign in to your account at Strongroom had a wrong password. New devices are now locked out for \
             some time.\n\n\
             On devices where you have signed in before, you can still sign in. On a new device, request a new password: this \
             unlocks your account immediately.\n\
             If others could know or guess your password, change it.\n",
            None,
        ),
    };
    Template { subject, body, link }
}

pub fn write(mail: &QueuedMessage, keys: &Keys, links: &Links) -> Result<MailText, String> {
    let kind = MailKind::named(&mail.kind).ok_or("unknown kind of mail")?;
    let template = template(kind);
    let Some((page, endpoint, more)) = template.link else {
        return Ok(MailText { subject: template.subject, body: template.body.into(), link: None });
    };
    let base = &links.public_url;
    let link = format!("{base}/{page}#token={TOKEN_PLACEHOLDER}");
    let mut body = template.body.replace(LINK_PLACEHOLDER, &link);
    if links.include_curl {
        body.push_str(&format!(
            "\nWithout a page:\n\ncurl -i {base}/api/v1/auth/{endpoint} -H 'Content-Type: application/json' \\\n  \
             -d '{{\"token\":\"{TOKEN_PLACEHOLDER}\"{more}}}'\n"
        ));
    }
    let key = mail.key_id.as_deref().and_then(KeyId::from_bytes).ok_or("the row names no master key")?;
    let subject = mail.subject_id.ok_or("the row names no subject")?;
    let token = SecretToken::for_queued_mail(keys, key, kind.name(), subject)
        .ok_or_else(|| format!("master key {key} is not configured"))?
        .to_wire();
    Ok(MailText {
        subject: template.subject,
        body: insert_token(&body, &token),
        link: Some(insert_token(&link, &token)),
    })
}

pub fn alert(message: &Message, runbooks: &Runbooks) -> MailText {
    MailText { subject: "Strongroom alert", body: format!("{}\n", message.text(runbooks)).into(), link: None }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;

    fn written(kind: &str, include_curl: bool) -> (String, String) {
        let keys = Keys::new(&vec![7; 32].into()).unwrap();
        let links = Links { public_url: "https://rooms.example".into(), include_curl };
        let subject_id = Uuid::new_v4();
        let mail = QueuedMessage {
            id: Uuid::new_v4(),
            kind: kind.into(),
            recipient: "ann@example.com".into(),
            subject_id: Some(subject_id),
            key_id: Some(keys.id().to_bytes().to_vec()),
            alert_id: None,
            created_at: DateTime::UNIX_EPOCH,
            attempts: 1,
        };
        let token = SecretToken::for_mail(&keys, kind, subject_id).to_wire();
        let text = write(&mail, &keys, &links).unwrap();
        (text.body.expose_secret().to_owned(), token.expose_secret().to_owned())
    }

    #[test]
    fn link_has_configured_host_and_token_in_fragment() {
        let (body, token) = written("reset_password", false);
        assert!(body.contains(&format!("https://rooms.example/reset#token={token}\n")), "{body}");
        assert!(!body.contains("curl"));
        let (body, token) = written("confirm_registration", true);
        assert!(body.contains(&format!("{{\"token\":\"{token}\",\"password\":\"...\",")), "{body}");
    }

    #[test]
    fn every_mail_is_plain_text_without_placeholders() {
        for kind in MailKind::ALL {
            let (body, _) = written(kind.name(), false);
            assert!(body.is_ascii() && !body.contains('{') && body.ends_with('\n'), "{kind:?}: {body}");
        }
    }

    #[test]
    fn notification_mails_contain_no_token_or_link() {
        for kind in ["already_registered", "password_changed", "session_stolen", "account_deleted", "account_locked"] {
            let (body, token) = written(kind, true);
            assert!(!body.contains(&token) && !body.contains("http"), "{kind}");
        }
    }
}
