//! A reply of the service, and the rules for every reply: the allowed headers, and the format of an error.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;
use strongroom::security::browser::headers::{IMMUTABLE, PAGE_POLICY, SECURITY_HEADERS};

use super::logs;

const EXPECTED_HEADERS: &[&str] = &[
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "allow",
    "cache-control",
    "clear-site-data",
    "connection",
    "content-disposition",
    "content-length",
    "content-range",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "location",
    "retry-after",
    "sec-websocket-version",
    "set-cookie",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
];

const SESSION_LOOK_UP: &str = "from sessions where id = $1";

/// A reply that has passed the checks.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Returns the kinds of security events for this refusal. The request must record an event of one of these kinds.
/// If the list is empty, the request need not record an event.
fn kinds_of(status: u16, code: &str) -> &'static [&'static str] {
    match (status, code) {
        (401, "invalid_credentials") => &["authn_login_fail/", "authn_password_change_fail/"],
        (401, _) => &["authn_token_"],
        (403, "origin_not_allowed") => &["malicious_cors/"],
        (403, "https_required") => &["plain_http_refused/"],
        (403..=405, _) => &["authz_fail/"],
        (409 | 422, _) => &["sequence_fail/"],
        (429, _) => &["excess_rate_limit_exceeded/", "authn_login_fail_max/"],
        (408 | 412 | 428 | 503, _) => &[],
        (500, _) => &["sys_error/"],
        _ => &["input_validation_fail/"],
    }
}

impl Reply {
    pub(super) fn check_head(&self) {
        let is_page = self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        // The console's files are the same for all users, so browsers may cache them.
        let is_immutable = self.header("cache-control") == Some(IMMUTABLE)
            && self
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("text/css") || kind.starts_with("text/javascript"));
        for (name, value) in SECURITY_HEADERS {
            let value = match name {
                "content-security-policy" if is_page => PAGE_POLICY,
                "cache-control" if is_immutable => IMMUTABLE,
                _ => value,
            };
            assert_eq!(self.header(name), Some(value), "{name} of {self:?}");
        }
        let listed = SECURITY_HEADERS.iter().map(|(name, _)| *name).chain(EXPECTED_HEADERS.iter().copied());
        let listed: Vec<&str> = listed.collect();
        for name in self.headers.keys() {
            assert!(listed.contains(&name.as_str()), "unexpected header {name}");
        }
        assert_eq!(uuid::Uuid::parse_str(&self.request_id()).unwrap().get_version_num(), 4);
        // The only allowed redirect is that of `/.well-known/change-password`, which password managers open.
        let is_allowed = self.status == StatusCode::SEE_OTHER && self.header("location") == Some("/reset");
        assert!(
            !self.status.is_redirection() || self.status == StatusCode::NOT_MODIFIED || is_allowed,
            "unexpected redirect"
        );
    }

    pub(super) fn check_body(&self) {
        if let Some(length) = self.header("content-length") {
            assert_eq!(length, self.body.len().to_string());
        }
        if self.status.as_u16() >= 400 {
            self.check_problem(&self.request_id());
        }
    }

    fn check_problem(&self, id: &str) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["request_id"], id);
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(problem["type"].as_str().unwrap().ends_with(&format!("/problems#{code}")));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let known = ["type", "title", "status", "code", "request_id", "errors"];
        for member in problem.as_object().unwrap().keys() {
            let is_allowed = known.contains(&member.as_str()) || (member == "challenge" && self.status.as_u16() == 429);
            assert!(is_allowed, "unknown member {member}");
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn request_id(&self) -> String {
        self.header("x-request-id").expect("a request id").to_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The security events of the request, as `kind/reason`.
    pub fn events(&self) -> Vec<String> {
        logs::events(&self.request_id())
    }

    /// The SQL statements of the request, except the one that reads the session.
    pub fn statements(&self) -> Vec<String> {
        let mut statements = logs::statements(&self.request_id());
        statements.retain(|statement| !statement.ends_with(SESSION_LOOK_UP));
        statements
    }

    /// How often the request read its session from the database: at the session's first use, and when the cache is
    /// stale.
    pub fn session_look_ups(&self) -> usize {
        let statements = logs::statements(&self.request_id());
        statements.iter().filter(|statement| statement.ends_with(SESSION_LOOK_UP)).count()
    }

    /// Asserts status and code, and that the request recorded a security event for them.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status.as_u16(), self.json()["code"].as_str().unwrap()), (status, code), "{}", self.text());
        let (kinds, events) = (kinds_of(status, code), self.events());
        let fits = events.iter().any(|event| kinds.iter().any(|kind| event.starts_with(kind)));
        assert!(fits || kinds.is_empty(), "{status} {code} recorded {events:?}");
        self
    }

    #[track_caller]
    pub fn assert_invalid_field(&self, pointer: &str) -> &Self {
        self.assert_refused(400, "invalid_input");
        let errors = self.json()["errors"].clone();
        assert!(
            errors.as_array().is_some_and(|errors| errors.iter().any(|error| error["pointer"] == pointer)),
            "no fault at {pointer}: {errors}"
        );
        self
    }

    /// Asserts that the request recorded exactly these security events.
    #[track_caller]
    pub fn assert_events(&self, events: &[&str]) -> &Self {
        assert_eq!(self.events(), events);
        self
    }

    #[track_caller]
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Returns status, headers and body without the request id and the date, to compare replies.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        (self.status.as_u16(), headers, self.text().replace(&self.request_id(), "ID"))
    }
}
