//! SSRF protection: one outbound HTTP client, configured addresses only, public IP addresses only, no redirects
//! (CWE-918, API7:2023, API10:2023).
//!
//! **Attack**: a URL leads to an internal service (cloud metadata, the database, an admin port): by its spelling, by
//! DNS, by DNS rebinding or by a redirect. Or the called service never answers, or sends an endless response.
//! **Control**: only URLs from the configuration are called, and [`OutboundUrl`] accepts only one spelling of each URL.
//! [`PublicResolver`] refuses a host if one of its addresses is not public.
//! The client connects to the checked addresses. It makes no second DNS lookup, which could return other addresses
//! (DNS rebinding).
//! The client follows no redirects and ignores proxy settings of the environment.
//! It keeps no cookies and no idle connections.
//!
//! A request takes at most 5 seconds, and connecting takes at most 2 of them.
//! [`OutboundClient::post`] returns only whether the delivery succeeded. It discards the response, of which it reads at
//! most 4 KiB.
//! [`OutboundClient::get`], which queries the breach service, takes at most 2 seconds and returns at most 256 KiB.
//! **Limits**: a called service can disclose the data that it receives.
//! Alerts contain ids, IP addresses and counts, and mail addresses only for the sinks that a setting lists
//! (`detection/alerts`). The breach service receives five hex digits of a hash.
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

use crate::config::{OutboundUrl, Profile};

/// The timeout of a whole request, including its response.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout of [`OutboundClient::get`]. It is short, because a user waits for the result.
const GET_TIMEOUT: Duration = Duration::from_secs(2);

const MAX_RESPONSE_BYTES: usize = 262_144;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum number of bytes of a response that [`OutboundClient::post`] reads and discards.
const MAX_DISCARDED_BYTES: usize = 4_096;

#[derive(Debug, thiserror::Error)]
pub enum OutboundClientError {
    #[error("the CA file of the receivers contains no certificate")]
    Authority,
    #[error("failed to build the TLS client: {0}")]
    Client(String),
}

/// The reason why an outbound request failed. It contains no text of the response, which could contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("the address is not configured")]
    NotConfigured,
    #[error("the host resolves to an address that is not public")]
    NotPublic,
    #[error("timed out")]
    Timeout,
    #[error("the receiver is unreachable")]
    Unreachable,
    #[error("the receiver responded with status {0}")]
    Status(u16),
    #[error("the response was interrupted")]
    Interrupted,
    #[error("the response is too large")]
    TooLarge,
}

/// Resolves host names. Tests use another resolver than [`SystemResolver`].
pub trait Resolver: Send + Sync + 'static {
    fn resolve(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.map(|address| address.ip()).collect()) },
        )
    }
}

/// The only HTTP client for requests to other services.
pub struct OutboundClient {
    client: reqwest::Client,
    configured: Vec<OutboundUrl>,
}

impl OutboundClient {
    /// Creates a client for these URLs. It trusts the private CA in the PEM file `authority`, or else the public CAs.
    pub fn new(
        configured: Vec<OutboundUrl>,
        authority: Option<&Path>,
        profile: Profile,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, OutboundClientError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(authority)?)
            .https_only(true)
            .dns_resolver(PublicResolver { resolver, allow_loopback: profile == Profile::Development })
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent("strongroom")
            .build()
            .map_err(|error| OutboundClientError::Client(error.to_string()))?;
        Ok(Self { client, configured })
    }

    /// Sends a POST request with a JSON body to a configured URL.
    ///
    /// # Errors
    /// [`OutboundError`] if the request fails or the status is not 2xx.
    pub async fn post(
        &self,
        to: &OutboundUrl,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<(), OutboundError> {
        let mut request = self.client.post(to.url().clone()).header(CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut reply = self.send(to, request).await?;
        let mut read = 0;
        while let Some(part) = reply.chunk().await.map_err(|error| classify(&error, OutboundError::Interrupted))? {
            read += part.len();
            if read >= MAX_DISCARDED_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// Sends a GET request to a path below a configured URL, and returns the response body.
    /// `segments` are the last two segments of the path.
    ///
    /// # Errors
    /// [`OutboundError`] if the request fails, the status is not 2xx, or the response is incomplete or too large.
    pub async fn get(
        &self,
        base: &OutboundUrl,
        segments: [&str; 2],
        (name, value): (&'static str, &'static str),
    ) -> Result<Vec<u8>, OutboundError> {
        let mut url = base.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self.client.get(url).timeout(GET_TIMEOUT).header(name, value);
        let mut reply = self.send(base, request).await?;
        let mut body = Vec::new();
        while let Some(part) = reply.chunk().await.map_err(|error| classify(&error, OutboundError::Interrupted))? {
            if body.len() + part.len() > MAX_RESPONSE_BYTES {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    async fn send(&self, to: &OutboundUrl, request: RequestBuilder) -> Result<Response, OutboundError> {
        if !self.configured.contains(to) {
            return Err(OutboundError::NotConfigured);
        }
        let reply = request.send().await.map_err(|error| classify(&error, OutboundError::Unreachable))?;
        if reply.status().is_success() { Ok(reply) } else { Err(OutboundError::Status(reply.status().as_u16())) }
    }
}

/// Classifies an error of reqwest. The result does not contain the URL, because the URL of a chat webhook is a secret.
fn classify(error: &reqwest::Error, otherwise: OutboundError) -> OutboundError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return OutboundError::NotPublic;
        }
        cause = inner.source();
    }
    if error.is_timeout() { OutboundError::Timeout } else { otherwise }
}

fn tls(authority: Option<&Path>) -> Result<rustls::ClientConfig, OutboundClientError> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(file) => {
            let pem = fs::read(file).map_err(|_| OutboundClientError::Authority)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| OutboundClientError::Authority)?;
                roots.add(certificate).map_err(|_| OutboundClientError::Authority)?;
            }
            if roots.is_empty() {
                return Err(OutboundClientError::Authority);
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OutboundClientError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[derive(Debug, thiserror::Error)]
#[error("not a public address")]
struct NotPublic;

/// Resolves a host, and fails if one of its addresses is not public.
struct PublicResolver {
    resolver: Arc<dyn Resolver>,
    allow_loopback: bool,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, allow_loopback) = (self.resolver.resolve(name.as_str().to_owned()), self.allow_loopback);
        Box::pin(async move {
            let addresses = lookup.await?;
            let is_allowed = |ip: &IpAddr| is_public(*ip) || (allow_loopback && ip.is_loopback());
            if !addresses.iter().all(is_allowed) {
                return Err(NotPublic.into());
            }
            // The resolver does not know the port. reqwest replaces port 0 with the port of the URL.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
