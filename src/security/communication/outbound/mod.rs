//! The one door by which the service calls others over HTTP.
//!
//! **Attack**: an address that leads inside (cloud metadata, the database, a neighbour's admin port), by its spelling, by what
//! its name resolves to, or by a redirect; a receiver that never answers, answers without end, or lies.
//! **Control**: an address
//! comes from the configuration, spelt in one way ([`WebhookUrl`]), and only those are taken. Its name is resolved by
//! [`Guard`], which refuses the whole answer if one address of it is not public, and what it lets through is what is dialled:
//! there is no second look-up that could say something else. No redirect is followed, no proxy of the environment used, no
//! cookie kept, no connection kept open. Connecting has 2 seconds, all of it 5; of the reply 4 KiB are read and dropped, and its
//! status is all that anybody learns. Only the breach service's reply is read ([`Door::get`]): within 2 seconds, up to 256 KiB.
//! **Limits**: a configured receiver that tells others what it is told. It is told ids and counts.
//! **ASVS**: 1.3.6, 12.3.1, 12.3.2, 13.2.4, 13.2.6, 15.3.2 · **Test**: `attacks::communication::outbound`

mod public_addresses;

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use public_addresses::is_public;

use crate::config::{Profile, WebhookUrl};

/// The longest that a whole delivery takes.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a read takes: a user waits for it.
const GET_TIMEOUT: Duration = Duration::from_secs(2);

/// The largest reply that is read whole, in bytes.
const MAX_REPLY: usize = 262_144;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How much of a reply is read, in bytes.
const READ_AT_MOST: usize = 4_096;

/// The door cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BadDoor {
    #[error("the file of the receivers' authority holds no certificate")]
    Authority,
    #[error("no TLS client can be made: {0}")]
    Client(String),
}

/// Why something was not delivered. In our own words: what a receiver says is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    #[error("the address is not one of the configured ones")]
    NotConfigured,
    #[error("the name leads to an address that is not public")]
    NotPublic,
    #[error("no answer in time")]
    TooSlow,
    #[error("the receiver cannot be reached")]
    Unreachable,
    #[error("the receiver answered {0}")]
    Status(u16),
    #[error("the answer broke off")]
    BrokenOff,
    #[error("the reply is larger than expected")]
    TooLarge,
}

/// How names become addresses. The system's way, [`SystemLookup`], or a test's that lies.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of this host.
    fn addresses(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// As the operating system resolves.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.map(|address| address.ip()).collect()) },
        )
    }
}

/// The door.
pub struct Door {
    client: reqwest::Client,
    configured: Vec<WebhookUrl>,
}

impl Door {
    /// Leads to these and nowhere else. `authority`: PEM of a private one, in place of the public ones.
    ///
    /// # Errors
    /// See [`BadDoor`].
    pub fn new(
        configured: Vec<WebhookUrl>,
        authority: Option<&Path>,
        profile: Profile,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, BadDoor> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(authority)?)
            .https_only(true)
            .dns_resolver(Guard { lookup, loopback_too: profile == Profile::Development })
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(PATIENCE)
            .user_agent("strongroom")
            .build()
            .map_err(|error| BadDoor::Client(error.to_string()))?;
        Ok(Self { client, configured })
    }

    /// Hands this JSON over.
    ///
    /// # Errors
    /// See [`Undelivered`]. Anything but a whole reply with a 2xx is one.
    pub async fn post(
        &self,
        to: &WebhookUrl,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<(), Undelivered> {
        let mut request = self.client.post(to.url().clone()).header(CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut reply = self.send(to, request).await?;
        let mut read = 0;
        while let Some(part) = reply.chunk().await.map_err(|error| why(&error, Undelivered::BrokenOff))? {
            read += part.len();
            if read >= READ_AT_MOST {
                break;
            }
        }
        Ok(())
    }

    /// Reads the resource at these path segments below a configured address.
    ///
    /// # Errors
    /// See [`Undelivered`]. The reply must be whole, a 2xx and at most 256 KiB.
    pub async fn get(
        &self,
        base: &WebhookUrl,
        segments: [&str; 2],
        (name, value): (&'static str, &'static str),
    ) -> Result<Vec<u8>, Undelivered> {
        let mut url = base.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self.client.get(url).timeout(GET_TIMEOUT).header(name, value);
        let mut reply = self.send(base, request).await?;
        let mut body = Vec::new();
        while let Some(part) = reply.chunk().await.map_err(|error| why(&error, Undelivered::BrokenOff))? {
            if body.len() + part.len() > MAX_REPLY {
                return Err(Undelivered::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    async fn send(&self, to: &WebhookUrl, request: RequestBuilder) -> Result<Response, Undelivered> {
        if !self.configured.contains(to) {
            return Err(Undelivered::NotConfigured);
        }
        let reply = request.send().await.map_err(|error| why(&error, Undelivered::Unreachable))?;
        if reply.status().is_success() { Ok(reply) } else { Err(Undelivered::Status(reply.status().as_u16())) }
    }
}

/// The address never gets into the log: a chat's webhook is opened by whoever knows it.
fn why(error: &reqwest::Error, otherwise: Undelivered) -> Undelivered {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return Undelivered::NotPublic;
        }
        cause = inner.source();
    }
    if error.is_timeout() { Undelivered::TooSlow } else { otherwise }
}

fn tls(authority: Option<&Path>) -> Result<rustls::ClientConfig, BadDoor> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(file) => {
            let pem = fs::read(file).map_err(|_| BadDoor::Authority)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| BadDoor::Authority)?;
                roots.add(certificate).map_err(|_| BadDoor::Authority)?;
            }
            if roots.is_empty() {
                return Err(BadDoor::Authority);
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BadDoor::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Some address of the answer is not public.
#[derive(Debug, thiserror::Error)]
#[error("not a public address")]
struct NotPublic;

/// Looks up, and lets through what may be dialled.
struct Guard {
    lookup: Arc<dyn Lookup>,
    loopback_too: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (asked, loopback_too) = (self.lookup.addresses(name.as_str().to_owned()), self.loopback_too);
        Box::pin(async move {
            let addresses = asked.await?;
            let may_be_dialled = |ip: &IpAddr| is_public(*ip) || (loopback_too && ip.is_loopback());
            if !addresses.iter().all(may_be_dialled) {
                return Err(NotPublic.into());
            }
            // reqwest puts the URL's port in the place of 0.
            let dialled: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(dialled)
        })
    }
}
