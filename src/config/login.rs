//! `STRONGROOM_LOGIN_…`: how many sign-ins may fail, and what then (`security/authentication/login_throttling`).

use std::time::Duration;

use super::Profile;
use super::limits::{Rate, rate};
use super::reader::Reader;

/// How many failures are allowed.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// Of one account from one address, and of a signed-in user in one session.
    pub failures_per_account_and_address: Rate,
    /// Of unknown clients at one address, before they need a challenge.
    pub failures_per_address: Rate,
    /// Of one account by unknown clients, before it waits. The window begins anew with each failure.
    pub failures_per_account: Rate,
    /// Accounts that fail from one network, before its clients need a challenge.
    pub accounts_per_network: Rate,
    /// Of one account in a row by unknown clients, before only a reset helps.
    pub failures_in_a_row: u32,
    /// How long a device is known after a sign-in.
    pub device_lifetime: Duration,
}

/// NIST SP 800-63B §3.2.2: no more than 100 failures of one account. Here: in an hour, and in one go.
const MOST_OF_ONE_ACCOUNT: u64 = 100;
/// Ten of a known device and ten of a signed-in user make a hundred.
const MOST_IN_A_ROW: u64 = 80;
/// Many people may share an address, and none of them needs to guess a thousand times an hour.
const MOST_OF_ONE_ADDRESS: u64 = 1000;

impl LoginSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let mut failures = |name, most| {
            let rate = rate(reader, name);
            let an_hour = u64::from(rate.count) * 3600 / rate.window.as_secs().max(1);
            if profile == Profile::Production && an_hour.max(rate.count.into()) > most {
                reader.combined_fault(
                    name,
                    format!("lets passwords be guessed: at most {most} in one go and in an hour"),
                );
            }
            rate
        };
        let failures_per_account_and_address =
            failures("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", MOST_OF_ONE_ACCOUNT);
        let failures_per_address = failures("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", MOST_OF_ONE_ADDRESS);
        let failures_per_account = failures("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", MOST_OF_ONE_ACCOUNT);
        let accounts_per_network = failures("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", MOST_OF_ONE_ADDRESS);
        if failures_per_account.count < 2 {
            reader.combined_fault("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "must be at least 2: one slip is no attack");
        }
        let failures_in_a_row = reader.number("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", 10, MOST_IN_A_ROW);
        let device_lifetime = reader.number("STRONGROOM_LOGIN_DEVICE_SECONDS", 3600, 400 * 86_400);
        Self {
            failures_per_account_and_address,
            failures_per_address,
            failures_per_account,
            accounts_per_network,
            failures_in_a_row: u32::try_from(failures_in_a_row).unwrap_or(u32::MAX),
            device_lifetime: Duration::from_secs(device_lifetime),
        }
    }
}
