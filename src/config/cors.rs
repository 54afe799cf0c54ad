//! `STRONGROOM_CORS_…`: whose web pages may call.

use super::Profile;
use super::origin::{EXPECTED, is_origin};
use super::reader::Reader;

/// The listed origins; our own is among them.
#[derive(Clone, Debug)]
pub struct CorsSettings {
    pub allowed_origins: Vec<String>,
}

impl CorsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, public_url: &str) -> Self {
        let name = "STRONGROOM_CORS_ALLOWED_ORIGINS";
        let mut allowed_origins = vec![public_url.to_owned()];
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
