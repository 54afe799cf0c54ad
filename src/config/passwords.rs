//! `STRONGROOM_PASSWORD_…`: the length of passwords, the parameters of their hashes, and the breach service.

use std::path::PathBuf;
use std::time::Duration;

use super::Profile;
use super::alerts::{OutboundUrl, outbound_url};
use super::reader::Reader;
use super::tls::pem_file;

/// The maximum parameters of argon2id. The service refuses to verify a stored hash with higher parameters.
/// The service cannot have created such a hash, and its verification could exhaust the memory or the CPU.
pub const MAX_MEMORY_KIB: u32 = 1_048_576;
pub const MAX_PASSES: u32 = 20;

#[derive(Clone, Debug)]
pub struct PasswordSettings {
    /// The minimum length of a password, in characters.
    pub min_chars: usize,
    /// The memory of one argon2id hash, in KiB.
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
    /// The maximum number of concurrent hashes. Each of them uses `memory_kib`.
    pub hash_slots: usize,
    /// How long a login may wait for a free slot, before it is refused with 503.
    pub max_wait: Duration,
}

/// The minimums of OWASP, as pairs of memory in KiB and iterations. All pairs are equally strong
/// (Password Storage Cheat Sheet; ASVS 5.0 Appendix C).
const OWASP_MINIMUM: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
/// The maximum memory of all concurrent hashes, so that a wrong setting cannot use up the memory of the machine.
const MAX_TOTAL_MEMORY_KIB: u64 = 4 * 1_048_576;

impl PasswordSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let memory_kib = number(reader, "STRONGROOM_PASSWORD_MEMORY_KIB", 1, MAX_MEMORY_KIB);
        let iterations = number(reader, "STRONGROOM_PASSWORD_ITERATIONS", 1, MAX_PASSES);
        if !OWASP_MINIMUM.iter().any(|(memory, passes)| memory_kib >= *memory && iterations >= *passes) {
            let problem = "is below the OWASP minimum for the number of iterations: 47104 with 1, 19456 with 2, 12288 with 3, 9216 with 4, 7168 with 5";
            reader.combined_fault("STRONGROOM_PASSWORD_MEMORY_KIB", problem);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let hash_slots = reader.number_or("STRONGROOM_PASSWORD_HASH_SLOTS", 1, 64, cores);
        if u64::from(memory_kib) * hash_slots as u64 > MAX_TOTAL_MEMORY_KIB {
            let problem = "times STRONGROOM_PASSWORD_HASH_SLOTS exceeds 4 GiB: use fewer slots or less memory";
            reader.combined_fault("STRONGROOM_PASSWORD_MEMORY_KIB", problem);
        }
        Self {
            min_chars: usize::try_from(reader.number("STRONGROOM_PASSWORD_MIN_LENGTH", 12, 20)).unwrap_or(12),
            memory_kib,
            iterations,
            parallelism: number(reader, "STRONGROOM_PASSWORD_PARALLELISM", 1, 8),
            hash_slots,
            max_wait: Duration::from_secs(reader.number("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", 1, 10)),
        }
    }
}

/// The breach service, which knows the passwords that were published in data breaches.
#[derive(Clone, Debug)]
pub struct BreachSettings {
    /// The base URL of requests to `/range/PREFIX`, where PREFIX is the beginning of a password's hash.
    pub url: OutboundUrl,
    /// The PEM file of a private certificate authority. Without it, the public authorities are trusted.
    pub ca: Option<PathBuf>,
}

impl BreachSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Option<Self> {
        let ca = pem_file(reader, "STRONGROOM_PASSWORD_BREACH_CA_FILE", "-----BEGIN CERTIFICATE-----");
        let name = "STRONGROOM_PASSWORD_BREACH_URL";
        let text = reader.optional(name)?;
        outbound_url(reader, name, &text, profile).map(|url| Self { url, ca })
    }
}

fn number(reader: &mut Reader<'_>, name: &str, min: u32, max: u32) -> u32 {
    u32::try_from(reader.number(name, min.into(), max.into())).unwrap_or(max)
}
