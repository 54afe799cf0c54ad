//! `STRONGROOM_ALERTS_…`: the receivers of alerts (Slack, a webhook, mail).

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::Profile;
use super::origin::is_loopback;
use super::reader::Reader;
use super::tls::pem_file;
use crate::base::email::EmailAddress;

const REPOSITORY_RUNBOOKS: &str = "docs/runbooks";

/// The receivers of alerts (sinks). All are optional, because the log also contains every alert.
#[derive(Clone, Debug)]
pub struct AlertSettings {
    pub slack: Option<OutboundUrl>,
    /// The URL, and the key that signs messages to it.
    pub webhook: Option<(OutboundUrl, SecretString)>,
    /// The PEM file of the private certificate authority that signed the certificates of the sinks.
    pub ca: Option<PathBuf>,
    pub mail_to: Option<EmailAddress>,
    /// The base URL of the runbooks, without a trailing slash.
    pub runbooks: String,
    /// The names of the sinks whose messages may contain the email address of a user.
    show_addresses: Vec<String>,
}

impl AlertSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let slack = webhook(reader, "STRONGROOM_ALERTS_SLACK_URL", profile);
        let url = webhook(reader, "STRONGROOM_ALERTS_WEBHOOK_URL", profile);
        let name = "STRONGROOM_ALERTS_WEBHOOK_KEY";
        let key = match url {
            Some(_) => reader.strong_secret(name),
            None if reader.has_secret(name) && !reader.has_secret("STRONGROOM_ALERTS_WEBHOOK_URL") => {
                reader.fault(name, "is not used: set STRONGROOM_ALERTS_WEBHOOK_URL too, or remove it");
                None
            }
            None => None,
        };
        let mail_to = reader.optional("STRONGROOM_ALERTS_MAIL_TO").and_then(|address| {
            let address = address.parse().ok();
            if address.is_none() {
                reader.fault("STRONGROOM_ALERTS_MAIL_TO", "is not one address such as security@api.example");
            }
            address
        });
        let runbooks = reader.text("STRONGROOM_ALERTS_RUNBOOKS");
        if runbooks != REPOSITORY_RUNBOOKS && !is_base_url(&runbooks) {
            reader.fault(
                "STRONGROOM_ALERTS_RUNBOOKS",
                "must be a URL such as https://wiki.example/runbooks, without a trailing slash",
            );
        }
        let has_sink = slack.is_some() || url.is_some() || mail_to.is_some();
        if profile == Profile::Production && has_sink && runbooks == REPOSITORY_RUNBOOKS {
            let problem = "is missing: set the base URL of your runbooks, such as https://wiki.example/runbooks, so that people can open the links in alerts";
            reader.combined_fault("STRONGROOM_ALERTS_RUNBOOKS", problem);
        }
        let name = "STRONGROOM_ALERTS_SHOW_ADDRESSES";
        let show_addresses: Vec<String> = reader.list(name).into_iter().map(|(_, sink)| sink).collect();
        if show_addresses.iter().any(|sink| !["slack", "webhook", "mail"].contains(&sink.as_str())) {
            reader.fault(name, "allows only slack, webhook and mail (the log never shows an address)");
        }
        let ca = pem_file(reader, "STRONGROOM_ALERTS_CA_FILE", "-----BEGIN CERTIFICATE-----");
        Self { slack, webhook: url.zip(key), ca, mail_to, runbooks, show_addresses }
    }

    #[must_use]
    pub fn shows_addresses_to(&self, sink: &str) -> bool {
        self.show_addresses.iter().any(|name| name == sink)
    }

    #[must_use]
    pub fn webhooks(&self) -> Vec<OutboundUrl> {
        self.slack.iter().chain(self.webhook.iter().map(|(url, _)| url)).cloned().collect()
    }
}

fn webhook(reader: &mut Reader<'_>, name: &str, profile: Profile) -> Option<OutboundUrl> {
    let text = reader.secret(name)?;
    outbound_url(reader, name, text.expose_secret(), profile)
}

/// Parses the URL in a setting. The fault does not contain the URL, because the URL of a webhook is a secret.
pub(super) fn outbound_url(reader: &mut Reader<'_>, name: &str, text: &str, profile: Profile) -> Option<OutboundUrl> {
    let url = OutboundUrl::parse(text, profile);
    if url.is_none() {
        let problem = "is not a URL such as https://host.example/path: in lower case, without :443, user or fragment, and with a public host name, not an address (localhost only in development)";
        reader.fault(name, problem);
    }
    url
}

fn is_base_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.as_str() == text && !text.ends_with('/'))
}

/// A URL in the settings to which the service sends requests, in canonical spelling (prevents SSRF).
/// `security/communication/outbound` checks the IP address of its host at each connection.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundUrl(Url);

impl OutboundUrl {
    /// Parses a URL in canonical spelling, or returns `None`.
    /// URL parsers disagree about backslashes, tabs, `@`, numbers and trailing dots.
    /// So in another spelling, the service could check one host and connect to another one.
    #[must_use]
    pub fn parse(text: &str, profile: Profile) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_canonical = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let is_valid = url.scheme() == "https" && is_canonical && bare && url.port() != Some(0);
        let host = match url.host()? {
            Host::Domain(name) => is_public_name(name),
            Host::Ipv4(_) | Host::Ipv6(_) => false,
        };
        let in_development = profile == Profile::Development && is_loopback(url.host_str()?);
        (is_valid && (host || in_development)).then_some(Self(url))
    }

    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// Prints no URL, because everyone who knows the webhook URL of a chat can post there.
impl fmt::Debug for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutboundUrl([redacted])")
    }
}

/// Returns whether a host name can be public: at least two labels, and no local name such as `localhost`.
fn is_public_name(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let label = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let last = labels.last().copied().unwrap_or_default();
    let is_local = ["localhost", "local", "internal", "localdomain"].contains(&last);
    labels.len() > 1 && labels.iter().all(label) && !is_local && last.chars().any(|c| c.is_ascii_alphabetic())
}
