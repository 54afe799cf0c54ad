//! `STRONGROOM_PASSWORD_…`: how long passwords are and how dear a hash is.

use std::time::Duration;

use super::environment::Reader;

/// The rules for passwords.
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    /// Characters.
    pub min_chars: usize,
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
    /// Hashes at once; each keeps `memory_kib` for itself.
    pub hash_slots: usize,
    pub max_wait: Duration,
}

/// argon2id rows of equal strength, memory in KiB and passes (OWASP Password Storage Cheat Sheet; ASVS 5.0 Appendix C).
const FLOOR: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

impl PasswordSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let memory_kib = small(reader, "STRONGROOM_PASSWORD_MEMORY_KIB", 1, 1_048_576);
        let iterations = small(reader, "STRONGROOM_PASSWORD_ITERATIONS", 1, 20);
        if !FLOOR.iter().any(|(memory, passes)| memory_kib >= *memory && iterations >= *passes) {
            let problem =
                "is below OWASP's floor for this number of passes (19456 KiB with 2, 47104 with 1, 12288 with 3)";
            reader.fault("STRONGROOM_PASSWORD_MEMORY_KIB", problem);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let hash_slots = match reader.given("STRONGROOM_PASSWORD_HASH_SLOTS") {
            Some(_) => usize::try_from(reader.number("STRONGROOM_PASSWORD_HASH_SLOTS", 1, 64)).unwrap_or(cores),
            None => cores,
        };
        Self {
            min_chars: usize::try_from(reader.number("STRONGROOM_PASSWORD_MIN_LENGTH", 12, 20)).unwrap_or(12),
            memory_kib,
            iterations,
            parallelism: small(reader, "STRONGROOM_PASSWORD_PARALLELISM", 1, 8),
            hash_slots,
            max_wait: Duration::from_secs(reader.number("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", 1, 10)),
        }
    }
}

fn small(reader: &mut Reader<'_>, name: &str, least: u32, most: u32) -> u32 {
    u32::try_from(reader.number(name, least.into(), most.into())).unwrap_or(most)
}
