//! `STRONGROOM_CORS_…`: whose web pages may call.

use super::Profile;
use super::environment::Reader;
use super::http::is_origin;

/// The listed origins; our own is among them.
#[derive(Clone, Debug)]
pub struct CorsSettings {
    pub allowed_origins: Vec<String>,
}

impl CorsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, public_url: &str) -> Self {
        let name = "STRONGROOM_CORS_ALLOWED_ORIGINS";
        let mut allowed_origins = vec![public_url.to_owned()];
        for origin in reader.text(name).split(',').map(str::trim).filter(|text| !text.is_empty()) {
            if !is_origin(origin, profile == Profile::Development) {
                let problem = "holds what is no origin of the form https://app.example (no *, no null, no path, no plain http but for development on loopback)";
                reader.fault(name, problem);
            } else if !allowed_origins.iter().any(|listed| listed == origin) {
                allowed_origins.push(origin.to_owned());
            }
        }
        Self { allowed_origins }
    }
}
