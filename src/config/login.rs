//! `STRONGROOM_LOGIN_…`: how many sign-ins may fail, and what then (`security/login_guard`).

use std::time::Duration;

use super::Profile;
use super::limits::{Rate, rate};
use super::reader::Reader;

/// What may fail in a window, and what follows.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// Of one identifier from one address, or from one known device.
    pub failures_per_pair: Rate,
    /// Of unknown clients at one address; then they have the trickle.
    pub failures_per_address: Rate,
    /// Of one identifier, from unknown clients anywhere; then they wait. The window begins anew with each failure.
    pub failures_per_account: Rate,
    /// Identifiers that fail from one network; then each of its addresses has one failure before the trickle.
    pub names_per_network: Rate,
    /// Attempts that a network has once an address of it is full, evenly spread.
    pub trickle: Rate,
    /// The first wait of an account; each next one is twice as long.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// Failures of one account in a row, of all clients together, before only a reset helps.
    pub ceiling: u32,
    /// How long a device is known after a good sign-in.
    pub device_life: Duration,
}

/// NIST SP 800-63B §3.2.2: no more than 100 failures of one account. Here: in an hour, in one go, and in a row.
const MOST_OF_ONE_ACCOUNT: u64 = 100;
/// Many people may share an address, and none of them needs to guess a thousand times an hour.
const MOST_OF_ONE_ADDRESS: u64 = 1000;

impl LoginSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let mut failures = |name, most| {
            let rate = rate(reader, name);
            let an_hour = u64::from(rate.count) * 3600 / rate.window.as_secs().max(1);
            if profile == Profile::Production && an_hour.max(rate.count.into()) > most {
                reader.fault_together(
                    name,
                    format!("lets passwords be guessed: at most {most} in one go and in an hour"),
                );
            }
            rate
        };
        let failures_per_pair = failures("STRONGROOM_LOGIN_FAILURES_PER_PAIR", MOST_OF_ONE_ACCOUNT);
        let failures_per_address = failures("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", MOST_OF_ONE_ADDRESS);
        let failures_per_account = failures("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", MOST_OF_ONE_ACCOUNT);
        let names_per_network = failures("STRONGROOM_LOGIN_NAMES_PER_NETWORK", MOST_OF_ONE_ADDRESS);
        let trickle = failures("STRONGROOM_LOGIN_TRICKLE", MOST_OF_ONE_ADDRESS);
        let first_wait = reader.number("STRONGROOM_LOGIN_FIRST_WAIT_SECONDS", 1, 3600);
        let longest_wait = reader.number("STRONGROOM_LOGIN_LONGEST_WAIT_SECONDS", 1, 86_400);
        if longest_wait < first_wait {
            reader.fault_together(
                "STRONGROOM_LOGIN_LONGEST_WAIT_SECONDS",
                "is shorter than STRONGROOM_LOGIN_FIRST_WAIT_SECONDS: make it longer, or that one shorter",
            );
        }
        if profile == Profile::Production && longest_wait < 60 {
            reader.fault_together(
                "STRONGROOM_LOGIN_LONGEST_WAIT_SECONDS",
                "lets passwords be guessed: at least 60 in production",
            );
        }
        let ceiling = reader.number("STRONGROOM_LOGIN_CEILING", 10, MOST_OF_ONE_ACCOUNT);
        let device_life = reader.number("STRONGROOM_LOGIN_DEVICE_SECONDS", 3600, 400 * 86_400);
        Self {
            failures_per_pair,
            failures_per_address,
            failures_per_account,
            names_per_network,
            trickle,
            first_wait: Duration::from_secs(first_wait),
            longest_wait: Duration::from_secs(longest_wait),
            ceiling: u32::try_from(ceiling).unwrap_or(u32::MAX),
            device_life: Duration::from_secs(device_life),
        }
    }
}
