//! One master key, one derived key per purpose; the master key can be exchanged (key rotation).
//!
//! **Attack**: a value that was made for one purpose is replayed where another is expected (a cursor as a mail token; CWE-345); one
//! leaked key opens everything (CWE-323); a key that cannot be exchanged is never exchanged (CWE-324).
//! **Control**: HKDF-SHA256 (RFC 5869) derives an independent key per [`Purpose`] from the master key; nothing else sees the master.
//! A MAC covers a list of parts with their lengths, so that `ab|c` and `a|bc` differ. Each MAC carries the id of its key: the
//! current key signs, older keys only verify. `docs/administration.md` describes the exchange.
//! **Limits**: an attacker with a master key, while it is configured. It lives outside the database for that reason.
//! **ASVS**: 11.2.1, 11.2.2, 11.2.3, 13.3.1, 13.3.4 · **Test**: `attacks::crypto::key_rotation`

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, Signature};
use aws_lc_rs::{constant_time, hkdf, hmac};
use secrecy::{ExposeSecret, SecretSlice};

use crate::base::hex::hex;
use crate::config::MasterKeys;

/// The shortest master key, in bytes: the strength of everything derived from it (ASVS 11.2.3).
pub const MASTER_KEY_BYTES: usize = 32;

/// What a derived key is for. A new purpose is a new variant, never a second use of an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The refresh token that follows another.
    RefreshSuccessor,
    /// The refresh cookie.
    RefreshCookie,
    /// The secret in a mail.
    MailToken,
    /// Telling typed-in identifiers apart without keeping them.
    TypedIdentifier,
    /// Cursors of lists.
    Cursor,
    /// The row of a security event.
    SecurityEvent,
    /// A batch of them.
    EventSeal,
    /// Device cookies.
    DeviceCookie,
    /// Challenges that cost work.
    Challenge,
    /// Mail budgets, without keeping networks or addresses.
    MailBudget,
}

impl Purpose {
    /// Fixed for ever: another text is another key, and ends every session and mail link.
    fn label(self) -> &'static [u8] {
        match self {
            Self::RefreshSuccessor => b"refresh-successor",
            Self::RefreshCookie => b"refresh-cookie",
            Self::MailToken => b"mail-token",
            Self::TypedIdentifier => b"typed-identifier",
            Self::Cursor => b"cursor",
            Self::SecurityEvent => b"security-event",
            Self::EventSeal => b"event-seal",
            Self::DeviceCookie => b"device-cookie",
            Self::Challenge => b"challenge",
            Self::MailBudget => b"mail-budget",
        }
    }
}

/// The master key is shorter than [`MASTER_KEY_BYTES`], or could not be expanded.
#[derive(Debug, thiserror::Error)]
#[error("the master key is not usable: it needs at least {MASTER_KEY_BYTES} bytes")]
pub struct BadMasterKey;

/// Names a master key. It is derived from the key under a label of its own, so it may be stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    /// In bytes: enough to tell a handful of keys apart.
    pub const LENGTH: usize = 4;

    /// Reads an id as [`to_bytes`](Self::to_bytes) writes it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the form for the database.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A MAC (HMAC-SHA256) and the id of the key that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key: KeyId,
    pub mac: [u8; 32],
}

impl Tag {
    /// In bytes, as [`to_bytes`](Self::to_bytes) writes it.
    pub const LENGTH: usize = KeyId::LENGTH + 32;

    /// Reads a tag as [`to_bytes`](Self::to_bytes) writes it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (key, mac) = bytes.split_at_checked(KeyId::LENGTH)?;
        Some(Self { key: KeyId::from_bytes(key)?, mac: mac.try_into().ok()? })
    }

    /// Returns the key's id, then the MAC.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        [self.key.to_bytes().as_slice(), &self.mac].concat()
    }
}

/// What is derived from the master keys: the current one, and any number of older ones, which only verify.
#[derive(Clone)]
pub struct Keys {
    current: Derived,
    older: Vec<Derived>,
}

impl Keys {
    /// Derives everything from the current master key.
    ///
    /// # Errors
    /// [`BadMasterKey`], when it is shorter than 256 bits. HKDF would accept an empty key.
    pub fn new(master: &SecretSlice<u8>) -> Result<Self, BadMasterKey> {
        Ok(Self { current: Derived::new(master)?, older: Vec::new() })
    }

    /// Derives everything from the configured keys.
    ///
    /// # Errors
    /// [`BadMasterKey`], as for [`new`](Self::new).
    pub fn configured(keys: &MasterKeys) -> Result<Self, BadMasterKey> {
        keys.older.iter().try_fold(Self::new(&keys.current)?, Self::with_older)
    }

    fn with_older(mut self, master: &SecretSlice<u8>) -> Result<Self, BadMasterKey> {
        self.older.push(Derived::new(master)?);
        Ok(self)
    }

    /// The id of the current key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.current.id
    }

    /// Hashes what a client typed in, with the current key, for login counters and the log: people type passwords into the name
    /// field, and a plain hash of a name or a password can be guessed. The purpose is fixed, so that a secret derived from these
    /// keys can never end up in a log.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> [u8; 32] {
        self.sign(Purpose::TypedIdentifier, &[text.as_bytes()]).mac
    }

    /// Signs the parts with the current key, each part preceded by its length.
    pub(in crate::security) fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> Tag {
        Tag { key: self.current.id, mac: self.current.mac(purpose, parts) }
    }

    /// Whether one of these keys made this tag for this purpose and these parts. Compares in constant time: a comparison that
    /// ends at the first difference tells a forger how much of a MAC is right.
    pub(in crate::security) fn verify(&self, purpose: Purpose, parts: &[&[u8]], tag: &Tag) -> bool {
        self.derive(tag.key, purpose, parts)
            .is_some_and(|mac| constant_time::verify_slices_are_equal(&mac, &tag.mac).is_ok())
    }

    /// Derives a secret from the key of this id, again if need be. `None`: no key here has this id.
    pub(in crate::security) fn derive(&self, key: KeyId, purpose: Purpose, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.derived().find(|derived| derived.id == key).map(|derived| derived.mac(purpose, parts))
    }

    /// The ids of these keys, the current one first.
    pub(in crate::security) fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.derived().map(|derived| derived.id)
    }

    fn derived(&self) -> impl Iterator<Item = &Derived> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Signs a head of the event log with the current key pair (Ed25519).
    pub(in crate::security) fn sign_head(&self, head: &[u8]) -> Signature {
        self.current.event_heads.sign(head)
    }

    /// The public keys that verify heads, the current one first.
    pub(in crate::security) fn head_keys(&self) -> impl Iterator<Item = (KeyId, &[u8])> {
        self.derived().map(|derived| (derived.id, derived.event_heads.public_key().as_ref()))
    }
}

/// What is derived from one master key.
#[derive(Clone)]
struct Derived {
    id: KeyId,
    refresh_successor: hmac::Key,
    refresh_cookie: hmac::Key,
    mail_token: hmac::Key,
    typed_identifier: hmac::Key,
    cursor: hmac::Key,
    security_event: hmac::Key,
    event_seal: hmac::Key,
    event_heads: Arc<Ed25519KeyPair>,
    device_cookie: hmac::Key,
    challenge: hmac::Key,
    mail_budget: hmac::Key,
}

impl Derived {
    fn new(master: &SecretSlice<u8>) -> Result<Self, BadMasterKey> {
        let master = master.expose_secret();
        if master.len() < MASTER_KEY_BYTES {
            return Err(BadMasterKey);
        }
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"strongroom keys v1");
        let root = salt.extract(master);
        let derive = |purpose: Purpose| {
            root.expand(&[purpose.label()], hmac::HMAC_SHA256).map(hmac::Key::from).map_err(|_| BadMasterKey)
        };
        let bytes = |label: &'static [u8]| {
            let mut bytes = [0; 32];
            let filled = root.expand(&[label], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut bytes));
            filled.map(|()| bytes).map_err(|_| BadMasterKey)
        };
        // Heads are signed, so that a log archive can check them without a secret key.
        let heads = Ed25519KeyPair::from_seed_unchecked(&bytes(b"event-heads")?).map_err(|_| BadMasterKey);
        let id = bytes(b"key-id")?.first_chunk().copied().map(KeyId).ok_or(BadMasterKey)?;
        Ok(Self {
            id,
            refresh_successor: derive(Purpose::RefreshSuccessor)?,
            refresh_cookie: derive(Purpose::RefreshCookie)?,
            mail_token: derive(Purpose::MailToken)?,
            typed_identifier: derive(Purpose::TypedIdentifier)?,
            cursor: derive(Purpose::Cursor)?,
            security_event: derive(Purpose::SecurityEvent)?,
            event_seal: derive(Purpose::EventSeal)?,
            event_heads: Arc::new(heads?),
            device_cookie: derive(Purpose::DeviceCookie)?,
            challenge: derive(Purpose::Challenge)?,
            mail_budget: derive(Purpose::MailBudget)?,
        })
    }

    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(self.key(purpose));
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }

    fn key(&self, purpose: Purpose) -> &hmac::Key {
        match purpose {
            Purpose::RefreshSuccessor => &self.refresh_successor,
            Purpose::RefreshCookie => &self.refresh_cookie,
            Purpose::MailToken => &self.mail_token,
            Purpose::TypedIdentifier => &self.typed_identifier,
            Purpose::Cursor => &self.cursor,
            Purpose::SecurityEvent => &self.security_event,
            Purpose::EventSeal => &self.event_seal,
            Purpose::DeviceCookie => &self.device_cookie,
            Purpose::Challenge => &self.challenge,
            Purpose::MailBudget => &self.mail_budget,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

#[cfg(test)]
mod tests;
