//! The HTTP client of all tests.

use std::net::IpAddr;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::events::SentRequests;
use super::{Reply, TestApp, documented};

#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    sent: SentRequests,
    /// Whether the client compares each refusal with the OpenAPI document.
    is_documented: bool,
}

impl Client {
    /// Creates a client at this loopback address.
    pub fn from_address(base: &str, address: IpAddr) -> Self {
        let http = reqwest::Client::builder()
            // Load no authorities: the client uses plain HTTP, and parsing the authorities of the system takes time.
            .tls_certs_only([])
            .local_address(address)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { base: base.to_owned(), http, sent: SentRequests::default(), is_documented: true }
    }

    /// Creates a TLS client that trusts only this certificate authority (PEM).
    pub fn trusting(base: &str, authority: &[u8]) -> Self {
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(authority).unwrap()])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { base: base.to_owned(), http, sent: SentRequests::default(), is_documented: true }
    }

    /// Records the id of each request in `app`. When `app` stops, the events of these requests must be stored.
    pub fn record_in(self, app: &TestApp) -> Self {
        Self { sent: app.sent.clone(), ..self }
    }

    /// Skips the comparison with the OpenAPI document, which does not describe the management port.
    pub fn undocumented(self) -> Self {
        Self { is_documented: false, ..self }
    }

    /// Returns the status, or `None` if the connection fails.
    pub async fn try_get(&self, path: &str) -> Option<StatusCode> {
        Some(self.http.get(format!("{}{path}", self.base)).send().await.ok()?.status())
    }

    pub fn request(&self, method: Method, path: &str) -> Request {
        let request = self.http.request(method, format!("{}{path}", self.base));
        Request(request, self.sent.clone(), self.is_documented)
    }
}

pub struct Request(reqwest::RequestBuilder, SentRequests, bool);

impl Request {
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value.as_ref()), self.1, self.2)
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body), self.1, self.2)
    }

    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", content_type).body(body), self.1, self.2)
    }

    pub fn raw(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body), self.1, self.2)
    }

    /// Returns the status, or `None` if the test kills the service before it replies.
    pub async fn try_send(self) -> Option<u16> {
        Some(self.0.send().await.ok()?.status().as_u16())
    }

    /// Returns the created resource, or `None` if the service is killed before a complete 201.
    pub async fn try_reply(self) -> Option<Value> {
        let reply = self.0.send().await.ok()?;
        let is_created = reply.status() == StatusCode::CREATED;
        reply.json().await.ok().filter(|_| is_created)
    }

    /// Sends the request, and checks the reply against the rules for all replies.
    pub async fn send(self) -> Reply {
        let (client, request) = self.0.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("a reply");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("a whole body").to_vec();
        let reply = Reply { status, headers, body };
        self.1.record(&reply.request_id());
        reply.check_head();
        if method == Method::HEAD {
            assert!(reply.body.is_empty(), "a reply to HEAD must have no body");
            return reply;
        }
        reply.check_body();
        if self.2 && reply.status.as_u16() >= 400 {
            documented::assert_documented(&method, &path, &reply);
        }
        reply
    }
}
