//! `STRONGROOM_LOGIN_…`: how many sign-ins may fail (`security/login_guard`).

use super::Profile;
use super::limits::{Rate, rate};
use super::reader::Reader;

/// Failures allowed in a window.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// Of one identifier from one address.
    pub failures_per_pair: Rate,
    pub failures_per_address: Rate,
    /// Of one identifier from anywhere.
    pub failures_per_account: Rate,
}

/// NIST SP 800-63B §3.2.2: no more than 100 failures of one account. Here: in an hour, and in one go.
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
        Self {
            failures_per_pair: failures("STRONGROOM_LOGIN_FAILURES_PER_PAIR", MOST_OF_ONE_ACCOUNT),
            failures_per_address: failures("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", MOST_OF_ONE_ADDRESS),
            failures_per_account: failures("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", MOST_OF_ONE_ACCOUNT),
        }
    }
}
