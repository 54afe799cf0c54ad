//! A login attempt with the counters that limit it.

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

/// The number of failures after which a device cookie is no longer accepted. The client is then treated as unknown.
const MAX_DEVICE_FAILURES: u32 = 10;
/// How many times in a row a signed-in user may fail to re-authenticate, in all sessions together.
const MAX_REAUTHENTICATION_FAILURES: i64 = 10;
/// How long a used solution is stored. A challenge is only valid for five minutes, but the clocks of replicas differ.
const USED_SOLUTION: Rate = Rate { count: 1, window: Duration::from_secs(3600) };

#[derive(Clone)]
pub struct LoginThrottle {
    pub pool: PgPool,
    pub settings: LoginSettings,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// The kind of the outbox mail that tells an owner that the account was locked.
    pub lock_mail_kind: &'static str,
}

/// A counter of failures and its limit. The window of the limit begins with the first failure.
#[derive(Clone, Copy)]
pub(super) struct Counter {
    pub kind: &'static str,
    pub key: [u8; 32],
    pub limit: Rate,
}

/// A login attempt or a re-authentication. The keys of its counters are keyed hashes, because people sometimes type
/// passwords into the field for the mail address.
pub struct LoginAttempt {
    pub(super) account: [u8; 32],
    pub(super) max_in_a_row: i64,
    /// The counter of account and address. For a re-authentication, it is the counter of the session.
    pub(super) account_and_address: Counter,
    /// The counters of an unknown client: one by address, one by account and network, and one by network.
    unknown_client: Vec<Counter>,
    pub(super) device: Option<Counter>,
    pub(super) solution: Option<Counter>,
}

/// Returns the counter key of an account. `typed` is the mail address that the client sent, even if no account has it.
#[must_use]
pub fn account_key(keys: &Keys, typed: &str) -> [u8; 32] {
    keys.fingerprint(&format!("name {}", typed.to_lowercase()))
}

/// Returns the counter key for the re-authentications of a user. The key differs from [`account_key`].
/// Otherwise an attacker's failed logins could prevent a signed-in owner from changing the password.
#[must_use]
pub fn reauthentication_key(keys: &Keys, user: UserId) -> [u8; 32] {
    keys.fingerprint(&format!("user {user}"))
}

impl LoginThrottle {
    /// Creates a login attempt of a known device, or of an unknown client if `device` is `None`.
    /// An invalid solution of a challenge is ignored.
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
    /// Returns the id by which the log names the account: the beginning of its keyed hash.
    #[must_use]
    pub fn subject(&self) -> String {
        hex(&self.account[..8])
    }

    /// Returns the counters of the attempt in the order in which their rows are locked, without the account's counter.
    /// A known device has only its own counter. A solved challenge lifts the limits of address and network.
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
