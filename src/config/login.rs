//! `STRONGROOM_LOGIN_…`: how many logins may fail (`security/authentication/login_throttling`).

use std::time::Duration;

use super::Profile;
use super::limits::{Rate, rate};
use super::reader::Reader;

/// How many logins may fail.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// How many logins of one account from one address may fail.
    /// The same limit applies to failed re-authentications in one session.
    pub failures_per_account_and_address: Rate,
    /// How many logins of unknown clients from one address may fail.
    /// Above this limit, each attempt needs a solved challenge.
    pub failures_per_address: Rate,
    /// How many failed logins of one account by unknown clients lock the account for these clients (brute force).
    /// The first lock lasts one minute. Each further failure starts a longer lock. Each failure restarts the window.
    pub failures_per_account: Rate,
    /// How many accounts may have failed logins from one network (password spraying).
    /// Above this limit, each attempt needs a solved challenge.
    pub accounts_per_network: Rate,
    /// How many logins of one account by unknown clients may fail in a row.
    /// Above this limit, unknown clients are refused until the password is reset, or an administrator unlocks the
    /// account.
    pub failures_in_a_row: u32,
    /// How long a device cookie is valid after the login that has set it.
    pub device_lifetime: Duration,
}

/// The highest limit per account that production accepts. NIST SP 800-63B §3.2.2 allows at most 100 consecutive
/// failures.
const MAX_PER_ACCOUNT: u64 = 100;
/// The highest limit of consecutive failures by unknown clients.
/// A known device may fail ten more times, and so may a signed-in user. The sum is 100, which NIST allows.
const MAX_IN_A_ROW: u64 = 80;
/// The highest limit per address and per network that production accepts.
/// Many people can share an address, but together they do not fail a thousand times an hour.
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
