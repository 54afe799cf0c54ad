//! One attempt to prove a password, and the counters that it adds to.

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

/// Failures of one device cookie in all its life. They retire it: its client is an unknown one from then on.
const MAX_DEVICE_FAILURES: u32 = 10;
/// Failures in a row of a signed-in user who enters the password again.
const MAX_REAUTHENTICATION_FAILURES: i64 = 10;
/// A used solution is kept for longer than it is valid, so that clocks that differ do not let it count twice.
const USED_SOLUTION: Rate = Rate { count: 1, window: Duration::from_secs(3600) };

/// Counts failures and decides on attempts.
#[derive(Clone)]
pub struct LoginThrottle {
    pub pool: PgPool,
    pub settings: LoginSettings,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// What the outbox calls the mail that tells an owner of a lock.
    pub lock_mail_kind: &'static str,
}

/// A counter, and how many failures it may have in a window that begins with the first.
#[derive(Clone, Copy)]
pub(super) struct Counter {
    pub kind: &'static str,
    pub key: [u8; 32],
    pub limit: Rate,
}

/// An attempt. Its keys are keyed hashes: people type passwords into the name field.
pub struct LoginAttempt {
    pub(super) account: [u8; 32],
    pub(super) max_in_a_row: i64,
    /// Account and address, or account and session.
    pub(super) pair: Counter,
    /// Of an unknown client: address and network.
    place: Vec<Counter>,
    pub(super) device: Option<Counter>,
    pub(super) solution: Option<Counter>,
}

/// The key of the account with this name, as typed apart from its case, whether it exists or not.
#[must_use]
pub fn account_key(keys: &Keys, typed: &str) -> [u8; 32] {
    keys.fingerprint(&format!("name {}", typed.to_lowercase()))
}

/// The key of a signed-in user's own counters: failed sign-ins must not keep the owner, who is inside, from a new password.
#[must_use]
pub fn reauthentication_key(keys: &Keys, user: UserId) -> [u8; 32] {
    keys.fingerprint(&format!("user {user}"))
}

impl LoginThrottle {
    /// An attempt to sign in, by a known device or an unknown client, which may bring the solution of a challenge.
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
        let pair = counter("pair", format!("address {address}\n{typed}"), settings.failures_per_account_and_address);
        let solution =
            solution.and_then(|payload| login_challenge::verify(&self.keys, &pair.key, payload, self.clock.now()));
        LoginAttempt {
            account: account_key(&self.keys, &typed),
            max_in_a_row: settings.failures_in_a_row.into(),
            pair,
            place: vec![
                counter("address", address.to_string(), settings.failures_per_address),
                counter("account_in_network", format!("{network}\n{typed}"), Rate { count: u32::MAX, ..accounts }),
                counter("network", network.to_string(), accounts),
            ],
            device: device.map(|device| counter("device", format!("device {}", device.id()), of_device)),
            solution: solution.map(|key| Counter { kind: "challenge", key, limit: USED_SOLUTION }),
        }
    }

    /// Re-authentication: a signed-in user enters the password again.
    #[must_use]
    pub fn reauthenticate(&self, caller: &Caller) -> LoginAttempt {
        let key = self.keys.fingerprint(&format!("session {}", caller.session()));
        LoginAttempt {
            account: reauthentication_key(&self.keys, caller.user()),
            max_in_a_row: MAX_REAUTHENTICATION_FAILURES,
            pair: Counter { kind: "pair", key, limit: self.settings.failures_per_account_and_address },
            place: Vec::new(),
            device: None,
            solution: None,
        }
    }
}

impl LoginAttempt {
    /// What the log calls the account.
    #[must_use]
    pub fn subject(&self) -> String {
        hex(&self.account[..8])
    }

    /// What the attempt counts for, in the order in which rows are locked. A known device counts for itself alone; a solved
    /// challenge lifts the limits of address and network.
    pub(super) fn counters(&self) -> Vec<Counter> {
        let limit = |counter: &Counter| match self.solution {
            Some(_) => Counter { limit: Rate { count: u32::MAX, ..counter.limit }, ..*counter },
            None => *counter,
        };
        match self.device {
            Some(device) => vec![device],
            None => [self.pair].into_iter().chain(self.place.iter().map(limit)).chain(self.solution).collect(),
        }
    }
}
