//! Which counters an attempt belongs to.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::email::EmailAddress;
use crate::base::hex::hex;
use crate::base::id::{SessionId, UserId};
use crate::http::client_ip::ClientAddr;
use crate::security::device_cookies::Device;
use crate::security::keys::Keys;
use crate::security::proof_of_work;

/// The counters of one attempt, as keyed hashes: people type passwords into the name field.
pub struct Attempt {
    pub(super) account: [u8; 32],
    pub(super) pair: [u8; 32],
    /// `None`: a known device, which no address holds.
    pub(super) stranger: Option<Stranger>,
    /// The challenge that it has solved.
    pub(super) challenge: Option<[u8; 32]>,
    /// Whom a lock is told to, if there is such a user.
    pub(super) email: Option<String>,
    pub(super) user: Option<Uuid>,
}

/// Where an unknown client comes from.
pub(super) struct Stranger {
    pub address: [u8; 32],
    pub network: [u8; 32],
    /// The identifier as this network has tried it: a network that fails with many is spraying.
    pub name: [u8; 32],
}

/// The counter key of whoever signs in under this name, exactly as it was typed apart from its case.
#[must_use]
pub fn account_of(keys: &Keys, typed: &str) -> [u8; 32] {
    keys.fingerprint(&format!("name {}", typed.to_lowercase()))
}

impl Attempt {
    /// An attempt to sign in, by a device if this is one that the account knows.
    #[must_use]
    pub fn sign_in(keys: &Keys, typed: &str, address: ClientAddr, device: Option<Device>) -> Self {
        let typed = typed.to_lowercase();
        let (prefix, network) = (address.prefix(), address.network());
        let pair = match device {
            Some(device) => format!("device {}\n{typed}", device.id()),
            None => format!("address {prefix}\n{typed}"),
        };
        let stranger = Stranger {
            address: keys.fingerprint(&prefix.to_string()),
            network: keys.fingerprint(&network.to_string()),
            name: keys.fingerprint(&format!("{network}\n{typed}")),
        };
        Self {
            account: account_of(keys, &typed),
            pair: keys.fingerprint(&pair),
            stranger: device.is_none().then_some(stranger),
            challenge: None,
            email: typed.parse().ok().map(|email: EmailAddress| email.as_str().to_owned()),
            user: None,
        }
    }

    /// An attempt of somebody who is signed in to prove it again. His session is his place, and the counters are others than
    /// those of signing in: whoever locks an account from outside must not keep its owner, who is inside, from changing the
    /// password.
    #[must_use]
    pub fn prove_again(keys: &Keys, user: UserId, session: SessionId) -> Self {
        Self {
            account: Self::account_inside(keys, user),
            pair: keys.fingerprint(&format!("session {session}")),
            stranger: None,
            challenge: None,
            email: None,
            user: Some(user.uuid()),
        }
    }

    /// The counter key of a user who is signed in and proves it again.
    #[must_use]
    pub fn account_inside(keys: &Keys, user: UserId) -> [u8; 32] {
        keys.fingerprint(&format!("user {user}"))
    }

    /// The same with this challenge solved.
    #[must_use]
    pub fn with_work(self, keys: &Keys, proof: &str, now: DateTime<Utc>) -> Self {
        let challenge = proof_of_work::solved(keys, &self.pair, proof, now);
        Self { challenge, ..self }
    }

    /// A challenge for whoever makes it, where so many names have failed.
    pub(super) fn challenge(&self, keys: &Keys, failed: i64, now: DateTime<Utc>) -> String {
        proof_of_work::challenge(keys, &self.pair, failed, now)
    }

    /// In which queue it stands for a turn of its network.
    pub(super) fn queue(&self) -> &'static str {
        if self.challenge.is_some() { "worked" } else { "trickle" }
    }

    /// What the log calls the identifier.
    #[must_use]
    pub fn subject(&self) -> String {
        hex(&self.account[..8])
    }

    /// Under which name the run of failures stands that has a ceiling.
    pub(super) fn run(&self) -> &'static str {
        if self.stranger.is_some() { "unknown" } else { "known" }
    }

    /// Every counter that is looked at before and after the hash.
    pub(super) fn counters(&self) -> (Vec<String>, Vec<Vec<u8>>) {
        let mut counters = vec![(self.run(), &self.account), ("pair", &self.pair)];
        if let Some(stranger) = &self.stranger {
            counters.extend([
                ("account", &self.account),
                ("address", &stranger.address),
                ("network", &stranger.network),
                (self.queue(), &stranger.network),
            ]);
        }
        counters.extend(self.challenge.as_ref().map(|challenge| ("challenge", challenge)));
        counters.into_iter().map(|(kind, key)| (kind.to_owned(), key.to_vec())).unzip()
    }
}
