//! `STRONGROOM_CORS_…`: the origins of web pages that may call the API.

use super::origin::{EXPECTED, is_origin};
use super::reader::Reader;
use super::{HttpSettings, Profile, TlsSettings};

/// The allowed origins, including the public URL and, in development, the addresses of the listeners.
#[derive(Clone, Debug)]
pub struct CorsSettings {
    pub allowed_origins: Vec<String>,
}

impl CorsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, http: &HttpSettings, tls: &TlsSettings) -> Self {
        let name = "STRONGROOM_CORS_ALLOWED_ORIGINS";
        let mut allowed_origins = vec![http.public_url.clone()];
        // The page /docs calls the API. A developer can open the page at each of these addresses.
        let listeners = [("http", http.bind), ("https", tls.bind)];
        for (scheme, at) in listeners.into_iter().filter(|(_, at)| profile == Profile::Development && at.port() != 0) {
            allowed_origins.extend([format!("{scheme}://{at}"), format!("{scheme}://localhost:{}", at.port())]);
        }
        for (place, origin) in reader.list(name) {
            if !is_origin(&origin, profile) {
                reader.fault(name, format!("has an entry (number {place}) that is not an origin such as {EXPECTED}"));
            } else if !allowed_origins.contains(&origin) {
                allowed_origins.push(origin);
            }
        }
        Self { allowed_origins }
    }
}
