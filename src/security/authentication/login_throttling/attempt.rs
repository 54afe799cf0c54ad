//! A login attempt, and its counters.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

use crate::base::clock::Clock;
use crate::base::hex::hex;
use crate::base::id::UserId;
use crate::config::{LoginSettings, Rate};
use crate::http::client_ip::ClientAddr;
use crate::security::authentication::device_cookies::DeviceCookie;
use crate::security::authentication::login_challenge;
use crate::security::crypto::keys::Keys;
use crate::security::sessions::caller::Caller;

/// The number of failures with one device cookie after which the cookie is retired. Its client then counts as unknown.
const MAX_DEVICE_FAILURES: u32 = 10;
/// The maximum number of failures in a row when a signed-in user re-authenticates.
const MAX_REAUTHENTICATION_FAILURES: i64 = 10;
/// How long a used solution is stored, so that it cannot be used again. A challenge is valid for five minutes only; the
/// rest is a margin for clocks that differ.
const USED_SOLUTION: Rate = Rate { count: 1, window: Duration::from_secs(3600) };

/// Counts failed attempts and decides which attempts may proceed.
#[derive(Clone)]
pub struct LoginThrottle {
    pub pool: PgPool,
    pub settings: LoginSettings,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// The kind of the mail that notifies an owner of a lock, as the outbox names it.
    pub lock_mail_kind: &'static str,
}

/// A counter of failures, and its limit in a window that begins with the first failure.
#[derive(Clone, Copy)]
pub(super) struct Counter {
    pub kind: &'static str,
    pub key: [u8; 32],
    pub limit: Rate,
}

/// A login attempt or a re-authentication. Its keys are keyed hashes, because people type passwords into the name
/// field.
pub struct LoginAttempt {
    pub(super) account: [u8; 32],
    pub(super) max_in_a_row: i64,
    /// The counter of account and address. For a re-authentication, the counter of account and session.
    pub(super) account_and_address: Counter,
    /// The counters of an unknown client: address, account in network, and network.
    unknown_client: Vec<Counter>,
    pub(super) device: Option<Counter>,
    pub(super) solution: Option<Counter>,
}

/// Returns the counter key of an account by its typed name, ignoring case. The account need not exist.
#[must_use]
pub fn account_key(keys: &Keys, typed: &str) -> [u8; 32] {
    keys.fingerprint(&format!("name {}", typed.to_lowercase()))
}

/// Returns the counter key of a user's re-authentications. It differs from [`account_key`]: failed logins of others
/// must not prevent a signed-in owner from changing the password.
#[must_use]
pub fn reauthentication_key(keys: &Keys, user: UserId) -> [u8; 32] {
    keys.fingerprint(&format!("user {user}"))
}

impl LoginThrottle {
    /// Returns a login attempt of a known device or an unknown client. An invalid solution is ignored.
    #[must_use]
    pub fn sign_in(
        &self,
        typed: &str,
        client: ClientAddr,
        device: Option<DeviceCookie>,
        solution: Option<&str>,
    ) -> LoginAttempt {
        let (typed, settings) = (typed.to_lowercase(), &self.settings);
        let (address, network) = (client.prefix(), client.network());
        let counter = |kind, text: String, limit| Counter { kind, key: self.keys.fingerprint(&text), limit };
        let accounts = settings.accounts_per_network;
        let of_device = Rate { count: MAX_DEVICE_FAILURES, window: settings.device_lifetime };
        let account_and_address = counter(
            "account_and_address",
            format!("address {address}\n{typed}"),
            settings.failures_per_account_and_address,
        );
        let verify = |payload| login_challenge::verify(&self.keys, &account_and_address.key, payload, self.clock.now());
        LoginAttempt {
            account: account_key(&self.keys, &typed),
            max_in_a_row: settings.failures_in_a_row.into(),
            account_and_address,
            unknown_client: vec![
                counter("address", address.to_string(), settings.failures_per_address),
                counter("account_in_network", format!("{network}\n{typed}"), Rate { count: u32::MAX, ..accounts }),
                counter("network", network.to_string(), accounts),
            ],
            device: device.map(|device| counter("device", format!("device {}", device.id()), of_device)),
            solution: solution.and_then(verify).map(|key| Counter { kind: "challenge", key, limit: USED_SOLUTION }),
        }
    }

    /// Returns an attempt of a signed-in user to re-authenticate.
    #[must_use]
    pub fn reauthenticate(&self, caller: &Caller) -> LoginAttempt {
        let key = self.keys.fingerprint(&format!("session {}", caller.session()));
        let limit = self.settings.failures_per_account_and_address;
        LoginAttempt {
            account: reauthentication_key(&self.keys, caller.user()),
            max_in_a_row: MAX_REAUTHENTICATION_FAILURES,
            account_and_address: Counter { kind: "account_and_address", key, limit },
            unknown_client: Vec::new(),
            device: None,
            solution: None,
        }
    }
}

impl LoginAttempt {
    /// Returns the account's name in the log.
    #[must_use]
    pub fn subject(&self) -> String {
        hex(&self.account[..8])
    }

    /// Returns the counters of the attempt, in the order in which rows are locked. The counter of the account is not
    /// among them: it is counted separately. A known device has only its own counter. A solved challenge lifts the
    /// limits of address and network.
    pub(super) fn counters(&self) -> Vec<Counter> {
        let limit = |counter: &Counter| match self.solution {
            Some(_) => Counter { limit: Rate { count: u32::MAX, ..counter.limit }, ..*counter },
            None => *counter,
        };
        let of_unknown_client = self.unknown_client.iter().map(limit);
        match self.device {
            Some(device) => vec![device],
            None => [self.account_and_address].into_iter().chain(of_unknown_client).chain(self.solution).collect(),
        }
    }
}
