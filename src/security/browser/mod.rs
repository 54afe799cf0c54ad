//! Web frontend security (ASVS V3): CORS, CSRF protection and security headers.
//!
//! Attacks: pages of other origins that act for a signed-in visitor, XSS, clickjacking (API8:2023, CWE-352, CWE-942,
//! CWE-1021).

pub mod cors;
pub mod csrf;
pub mod headers;

use actix_web::http::header::{self, HeaderMap};

/// The origins whose pages may call the API from a browser, for example `https://app.example`.
#[derive(Clone, Debug)]
pub struct AllowedOrigins(pub Vec<String>);

impl AllowedOrigins {
    /// Returns whether the request has exactly one `Origin` header, and its value equals a listed origin byte for byte.
    #[must_use]
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN);
        match (origins.next(), origins.next()) {
            (Some(origin), None) => self.0.iter().any(|listed| listed.as_bytes() == origin.as_bytes()),
            _ => false,
        }
    }
}
