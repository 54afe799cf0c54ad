//! `STRONGROOM_TRACES_…`: where spans are sent, if anywhere.

use std::path::PathBuf;

use super::Profile;
use super::origin::is_origin;
use super::reader::Reader;
use super::tls::pem_file;

/// The collector of traces.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// Its origin. `None`: no traces are made.
    pub collector: Option<String>,
    /// PEM of a private authority.
    pub authority: Option<PathBuf>,
}

impl TraceSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let name = "STRONGROOM_TRACES_OTLP_ENDPOINT";
        let collector = reader.given(name);
        // Plain HTTP on loopback is right in production too: that is where a collector's agent listens.
        if collector.as_ref().is_some_and(|url| !is_origin(url, Profile::Development)) {
            let problem = "is not of the form https://collector.example:4318: without a path, user or password (plain http on loopback only)";
            reader.fault(name, problem);
        }
        let authority = pem_file(reader, "STRONGROOM_TRACES_OTLP_CA_FILE", "-----BEGIN CERTIFICATE-----");
        Self { collector, authority }
    }
}
