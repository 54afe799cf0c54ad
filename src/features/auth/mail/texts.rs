//! What mails say. Constants and our own addresses only: no text that somebody typed in is ever mailed, or the service would
//! carry other people's messages (a display name is enough for "your parcel waits at …").
//!
//! The token stands in the fragment of the link: a browser does not send it to a server, and a mail scanner that opens the
//! link uses nothing up, since only a POST does.

use secrecy::SecretString;

use super::store::Queued;
use crate::security::crypto::keys::{KeyId, Keys};
use crate::security::crypto::secret_output::{TOKEN_PLACE, fill};
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::detection::alerts::{Message, Runbooks};

/// Every mail that we send.
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

    /// Its name in the outbox, which its token is derived from too.
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

/// Where links lead. From the configuration, never from a request's Host header.
#[derive(Clone, Debug)]
pub struct Links {
    /// Without a slash at its end.
    pub public_url: String,
    /// Whether mails say how to answer without a page, for developers.
    pub say_how_by_hand: bool,
}

/// A mail, written.
pub struct Text {
    pub subject: &'static str,
    pub body: SecretString,
    /// What to open, for the development log.
    pub link: Option<SecretString>,
}

struct Template {
    subject: &'static str,
    body: &'static str,
    /// The page that a link leads to, the endpoint behind it, and the rest of the body that it takes.
    link: Option<(&'static str, &'static str, &'static str)>,
}

const PLACE_OF_LINK: &str = "{link}";

fn template(kind: MailKind) -> Template {
    let (subject, body, link) = match kind {
        MailKind::ConfirmRegistration => (
            "Confirm your address",
            "Somebody, we hope you, asked to open an account at Strongroom with this address.\n\n\
             To open it and choose your password, follow this link within 24 hours:\n\n{link}\n\n\
             If it was not you, do nothing: no account is opened.\n",
            Some(("confirm", "confirm", ",\"password\":\"...\",\"display_name\":\"...\"")),
        ),
        MailKind::AlreadyRegistered => (
            "You have an account already",
            "Somebody, perhaps you, asked to open an account at Strongroom with this address. There is one already.\n\n\
             If it was you, sign in; if you do not know your password, ask for a new one.\n\
             If it was not you, do nothing: nothing has changed.\n",
            None,
        ),
        MailKind::ResetPassword => (
            "Choose a new password",
            "Somebody, we hope you, asked for a new password for your account at Strongroom.\n\n\
             To choose one, follow this link within 30 minutes. It works once:\n\n{link}\n\n\
             If it was not you, do nothing: your password stays as it is.\n",
            Some(("reset", "password-reset/confirm", ",\"new_password\":\"...\"")),
        ),
        MailKind::PasswordChanged => (
            "Your password was changed",
            "The password of your account at Strongroom was changed, and all your earlier sessions were ended.\n\n\
             If it was not you, ask for a new password at once: that ends every session.\n",
            None,
        ),
        MailKind::SessionStolen => (
            "We ended one of your sessions",
            "A sign-in of yours at Strongroom was used in two places at once, as after a theft. We have ended it in both.\n\n\
             Sign in again. If you do not know why this could happen, change your password.\n",
            None,
        ),
        MailKind::AccountDeleted => (
            "Your account was deleted",
            "Your account at Strongroom was deleted with everything in it, as was asked for with your password.\n",
            None,
        ),
        MailKind::AccountLocked => (
            "Somebody tries to guess your password",
            "The password of your account at Strongroom was wrong many times. Devices that we do not know must now wait before \
             they can try again.\n\n\
             Where you have signed in before you still get in. Elsewhere ask for a new password: that opens your account at \
             once.\n\
             If your password is one that others could know or guess, change it.\n",
            None,
        ),
    };
    Template { subject, body, link }
}

/// Writes a queued mail. The token comes into being here and lives as long as the text.
pub fn write(mail: &Queued, keys: &Keys, links: &Links) -> Result<Text, String> {
    let kind = MailKind::named(&mail.kind).ok_or("an unknown kind of mail")?;
    let template = template(kind);
    let Some((page, endpoint, more)) = template.link else {
        return Ok(Text { subject: template.subject, body: template.body.into(), link: None });
    };
    let base = &links.public_url;
    let link = format!("{base}/{page}#token={TOKEN_PLACE}");
    let mut body = template.body.replace(PLACE_OF_LINK, &link);
    if links.say_how_by_hand {
        body.push_str(&format!(
            "\nWithout a page:\n\ncurl -i {base}/api/v1/auth/{endpoint} -H 'Content-Type: application/json' \\\n  \
             -d '{{\"token\":\"{TOKEN_PLACE}\"{more}}}'\n"
        ));
    }
    let key = mail.key_id.as_deref().and_then(KeyId::from_bytes).ok_or("no master key is named for its link")?;
    let token = SecretToken::for_queued_mail(keys, key, kind.name(), mail.subject_id)
        .ok_or_else(|| format!("its link was made with master key {key}, which is not configured"))?
        .to_wire();
    Ok(Text { subject: template.subject, body: fill(&body, &token), link: Some(fill(&link, &token)) })
}

/// Tells an administrator of an alert: ids, counts and our own words, and no token.
pub fn alert(message: &Message, runbooks: &Runbooks) -> Text {
    Text { subject: "Strongroom alert", body: format!("{}\n", message.text(runbooks)).into(), link: None }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;

    fn written(kind: &str, by_hand: bool) -> (String, String) {
        let keys = Keys::new(&vec![7; 32].into()).unwrap();
        let links = Links { public_url: "https://rooms.example".into(), say_how_by_hand: by_hand };
        let subject_id = Uuid::new_v4();
        let mail = Queued {
            id: Uuid::new_v4(),
            kind: kind.into(),
            recipient: "ann@example.com".into(),
            subject_id,
            key_id: Some(keys.id().to_bytes().to_vec()),
            created_at: DateTime::UNIX_EPOCH,
            attempts: 1,
        };
        let token = SecretToken::for_mail(&keys, kind, subject_id).to_wire();
        let text = write(&mail, &keys, &links).unwrap();
        (text.body.expose_secret().to_owned(), token.expose_secret().to_owned())
    }

    #[test]
    fn the_token_stands_in_the_fragment_of_a_link_to_the_configured_address() {
        let (body, token) = written("reset_password", false);
        assert!(body.contains(&format!("https://rooms.example/reset#token={token}\n")), "{body}");
        assert!(!body.contains("curl"));
        let (body, token) = written("confirm_registration", true);
        assert!(body.contains(&format!("{{\"token\":\"{token}\",\"password\":\"...\",")), "{body}");
    }

    #[test]
    fn every_kind_is_plain_text_without_a_gap() {
        for kind in MailKind::ALL {
            let (body, _) = written(kind.name(), false);
            assert!(body.is_ascii() && !body.contains('{') && body.ends_with('\n'), "{kind:?}: {body}");
        }
    }

    #[test]
    fn a_kind_that_needs_no_token_has_none() {
        for kind in ["already_registered", "password_changed", "session_stolen", "account_deleted", "account_locked"] {
            let (body, token) = written(kind, true);
            assert!(!body.contains(&token) && !body.contains("http"), "{kind}");
        }
    }
}
