//! `STRONGROOM_CORS_…`: whose web pages may call.

use super::origin::{EXPECTED, is_origin};
use super::reader::Reader;
use super::{HttpSettings, Profile, TlsSettings};

/// The listed origins; our own is among them, and in development each spelling of it.
#[derive(Clone, Debug)]
pub struct CorsSettings {
    pub allowed_origins: Vec<String>,
}

impl CorsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, http: &HttpSettings, tls: &TlsSettings) -> Self {
        let name = "STRONGROOM_CORS_ALLOWED_ORIGINS";
        let mut allowed_origins = vec![http.public_url.clone()];
        // Where the page of the API can be opened in development.
        let listeners = [("http", http.bind), ("https", tls.bind)];
        for (scheme, at) in listeners.into_iter().filter(|(_, at)| profile == Profile::Development && at.port() != 0) {
            allowed_origins.extend([format!("{scheme}://{at}"), format!("{scheme}://localhost:{}", at.port())]);
        }
        for (place, origin) in reader.list(name) {
            if !is_origin(&origin, profile) {
                reader.fault(name, format!("has an entry (number {place}) that is no origin of the form {EXPECTED}"));
            } else if !allowed_origins.contains(&origin) {
                allowed_origins.push(origin);
            }
        }
        Self { allowed_origins }
    }
}
