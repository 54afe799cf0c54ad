//! Key derivation per purpose and key rotation (CWE-323, CWE-324, CWE-345, API8:2023).
//!
//! **Attack**: a MAC for one purpose is accepted for another, for example a cursor as a mail token; one leaked key
//! compromises all purposes; a leaked key stays in use, because it cannot be replaced.
//! **Control**: HKDF-SHA256 (RFC 5869) derives an independent key per [`Purpose`] from the master key.
//! No other module reads the master key.
//! A MAC covers a list of parts and their lengths, so `ab|c` and `a|bc` have different MACs.
//! Each MAC is stored with the id of its master key ([`Tag`]). Only the current key signs.
//! Older keys only verify, so that a rotation does not end sessions. `docs/administration.md` describes the rotation.
//! **Limits**: an attacker who knows a master key can derive all keys. So the database contains no master key.
//! **ASVS**: 11.2.1, 11.2.2, 11.2.3, 13.3.1, 13.3.4 · **Test**: `attacks::crypto::key_rotation`

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, Signature};
use aws_lc_rs::{constant_time, hkdf, hmac};
use secrecy::{ExposeSecret, SecretSlice};

use crate::base::hex::hex;
use crate::config::MasterKeys;

/// The minimum length of a master key, in bytes (ASVS 11.2.3).
pub const MASTER_KEY_BYTES: usize = 32;

/// The purpose of a derived key. Each use of a key needs its own variant: a MAC for one use is not valid for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Derives the next refresh token of a session from the current one.
    RefreshSuccessor,
    RefreshCookie,
    MailToken,
    /// Hashes the identifiers that users type, such as mail addresses, for login counters and the log.
    TypedIdentifier,
    Cursor,
    SecurityEvent,
    /// Signs the seals of the hash chain. Each seal covers a batch of security events.
    EventSeal,
    DeviceCookie,
    /// Signs proof-of-work challenges.
    Challenge,
    /// Hashes networks and mail addresses, for mail budgets.
    MailBudget,
}

impl Purpose {
    /// Returns the label for HKDF. Never change a label, because everything that was signed under it would be invalid.
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

#[derive(Debug, thiserror::Error)]
#[error("the master key is not usable: it needs at least {MASTER_KEY_BYTES} bytes")]
pub struct MasterKeyError;

/// The id of a master key. It is derived with a separate HKDF label, so it reveals nothing about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    pub const LENGTH: usize = 4;

    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

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

/// A MAC (HMAC-SHA256) and the id of the key that signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key: KeyId,
    pub mac: [u8; 32],
}

impl Tag {
    pub const LENGTH: usize = KeyId::LENGTH + 32;

    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (key, mac) = bytes.split_at_checked(KeyId::LENGTH)?;
        Some(Self { key: KeyId::from_bytes(key)?, mac: mac.try_into().ok()? })
    }

    /// Returns the bytes of the key id, followed by the bytes of the MAC.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        [self.key.to_bytes().as_slice(), &self.mac].concat()
    }
}

/// All derived keys. The keys of the current master key sign and verify. The keys of older master keys only verify.
#[derive(Clone)]
pub struct Keys {
    current: DerivedKeys,
    older: Vec<DerivedKeys>,
}

impl Keys {
    /// # Errors
    /// [`MasterKeyError`] if the master key is shorter than [`MASTER_KEY_BYTES`]; HKDF itself accepts any length.
    pub fn new(master: &SecretSlice<u8>) -> Result<Self, MasterKeyError> {
        Ok(Self { current: DerivedKeys::new(master)?, older: Vec::new() })
    }

    /// Derives the keys of the current master key and of all older ones.
    pub fn from_settings(keys: &MasterKeys) -> Result<Self, MasterKeyError> {
        keys.older.iter().try_fold(Self::new(&keys.current)?, Self::with_older)
    }

    fn with_older(mut self, master: &SecretSlice<u8>) -> Result<Self, MasterKeyError> {
        self.older.push(DerivedKeys::new(master)?);
        Ok(self)
    }

    /// Returns the id of the current master key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.current.id
    }

    /// Returns a keyed hash of an identifier that a user typed, for login counters and the log.
    ///
    /// Users sometimes type a password into the field for the mail address.
    /// Without a key, an attacker could find this password in the log by hashing guesses.
    ///
    /// The purpose is fixed: for another purpose, the result could be a secret, and the log would contain it.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> [u8; 32] {
        self.sign(Purpose::TypedIdentifier, &[text.as_bytes()]).mac
    }

    /// Signs the parts with the current key. The MAC also covers the length of each part.
    pub(in crate::security) fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> Tag {
        Tag { key: self.current.id, mac: self.current.mac(purpose, parts) }
    }

    /// Returns whether the tag is valid for this purpose and these parts. The comparison takes constant time (CWE-208).
    pub(in crate::security) fn verify(&self, purpose: Purpose, parts: &[&[u8]], tag: &Tag) -> bool {
        self.derive(tag.key, purpose, parts)
            .is_some_and(|mac| constant_time::verify_slices_are_equal(&mac, &tag.mac).is_ok())
    }

    /// Derives a secret with the key of this id, or returns `None` if no such key is configured.
    pub(in crate::security) fn derive(&self, key: KeyId, purpose: Purpose, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.derived().find(|derived| derived.id == key).map(|derived| derived.mac(purpose, parts))
    }

    /// Returns the ids of all configured master keys, beginning with the current one.
    pub(in crate::security) fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.derived().map(|derived| derived.id)
    }

    fn derived(&self) -> impl Iterator<Item = &DerivedKeys> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Signs a chain head of the audit trail with the current Ed25519 key pair.
    pub(in crate::security) fn sign_head(&self, head: &[u8]) -> Signature {
        self.current.event_heads.sign(head)
    }

    /// Returns the public keys that verify chain heads, beginning with the current one.
    pub(in crate::security) fn head_keys(&self) -> impl Iterator<Item = (KeyId, &[u8])> {
        self.derived().map(|derived| (derived.id, derived.event_heads.public_key().as_ref()))
    }
}

#[derive(Clone)]
struct DerivedKeys {
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

impl DerivedKeys {
    fn new(master: &SecretSlice<u8>) -> Result<Self, MasterKeyError> {
        let master = master.expose_secret();
        if master.len() < MASTER_KEY_BYTES {
            return Err(MasterKeyError);
        }
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"strongroom keys v1");
        let root = salt.extract(master);
        let derive = |purpose: Purpose| {
            root.expand(&[purpose.label()], hmac::HMAC_SHA256).map(hmac::Key::from).map_err(|_| MasterKeyError)
        };
        let bytes = |label: &'static [u8]| {
            let mut bytes = [0; 32];
            let filled = root.expand(&[label], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut bytes));
            filled.map(|()| bytes).map_err(|_| MasterKeyError)
        };
        // Chain heads are signed with a key pair, so that an auditor can verify them without any secret.
        let heads = Ed25519KeyPair::from_seed_unchecked(&bytes(b"event-heads")?).map_err(|_| MasterKeyError);
        let id = bytes(b"key-id")?.first_chunk().copied().map(KeyId).ok_or(MasterKeyError)?;
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
