//! `STRONGROOM_LOGIN_…`: how many logins may fail (`security/authentication/login_throttling`).

use std::time::Duration;

use super::Profile;
use super::limits::{Rate, rate};
use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// Limits failed logins of one account from one address, and failed re-authentications in one session.
    pub failures_per_account_and_address: Rate,
    /// Limits failed logins of unknown clients from one address. Above this limit, an attempt needs a solved challenge.
    pub failures_per_address: Rate,
    /// Limits failed logins of one account by unknown clients (brute force).
    /// The failure that reaches this limit locks the account for these clients.
    /// The first lock lasts one minute, and each further failure starts a longer lock.
    pub failures_per_account: Rate,
    /// Limits the accounts with failed logins from one network (password spraying).
    /// Above this limit, an attempt needs a solved challenge.
    pub accounts_per_network: Rate,
    /// Limits consecutive failures of one account by unknown clients.
    /// At this limit, these clients are refused until the password is reset or an administrator unlocks the account.
    pub failures_in_a_row: u32,
    /// How long a device cookie is valid after its login.
    pub device_lifetime: Duration,
}

/// NIST SP 800-63B §3.2.2 allows at most 100 consecutive failures per account.
const MAX_PER_ACCOUNT: u64 = 100;
/// A known device and a signed-in user may each fail ten more times. So the sum is 100, the limit of NIST.
const MAX_IN_A_ROW: u64 = 80;
/// Many people can share an address or a network, but together they do not fail a thousand times an hour.
const MAX_PER_ADDRESS: u64 = 1000;

impl LoginSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let mut failures = |name, most| {
            let rate = rate(reader, name);
            let an_hour = u64::from(rate.count) * 3600 / rate.window.as_secs().max(1);
            if profile == Profile::Production && an_hour.max(rate.count.into()) > most {
                reader.combined_fault(
                    name,
                    format!(
                        "is too high and allows guessing passwords: set it to at most {most} per window and per hour"
                    ),
                );
            }
            rate
        };
        let failures_per_account_and_address =
            failures("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", MAX_PER_ACCOUNT);
        let failures_per_address = failures("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", MAX_PER_ADDRESS);
        let failures_per_account = failures("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", MAX_PER_ACCOUNT);
        let accounts_per_network = failures("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", MAX_PER_ADDRESS);
        if failures_per_account.count < 2 {
            reader.combined_fault(
                "STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT",
                "must be at least 2: a single wrong password is not an attack",
            );
        }
        let failures_in_a_row = reader.number("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", 10, MAX_IN_A_ROW);
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
