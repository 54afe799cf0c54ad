//! `STRONGROOM_TRACES_…`: the collector that receives traces.

use std::path::PathBuf;

use super::Profile;
use super::origin::is_origin;
use super::reader::Reader;
use super::tls::pem_file;

#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The origin of the collector, or `None` to send no traces.
    pub collector: Option<String>,
    /// The PEM file of a private certificate authority. Without it, the public authorities are trusted.
    pub authority: Option<PathBuf>,
}

impl TraceSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let name = "STRONGROOM_TRACES_OTLP_ENDPOINT";
        let collector = reader.optional(name);
        // `Profile::Development` allows plain HTTP on loopback. Production needs this too,
        // because the collector is often an agent on the same machine.
        if collector.as_ref().is_some_and(|url| !is_origin(url, Profile::Development)) {
            let problem = "is not a URL such as https://collector.example:4318, without a path, user or password (plain http only on loopback)";
            reader.fault(name, problem);
        }
        let authority = pem_file(reader, "STRONGROOM_TRACES_OTLP_CA_FILE", "-----BEGIN CERTIFICATE-----");
        Self { collector, authority }
    }
}
