//! One master key, one derived key per purpose.
//!
//! **Abuse**: a value that was made for one purpose is played where another is expected (a cursor as a mail token), or one leaked
//! key opens everything. **How**: HKDF-SHA256 (RFC 5869) derives an independent key per [`Purpose`] from the master key; nothing
//! else ever sees the master. What is MACed is a list of parts with their lengths, so that `ab|c` and `a|bc` differ.
//! **Not stopped**: whoever has the master key has all of them; it lives outside the database for that reason.
//! **ASVS** 11.2.1, 11.2.3, 13.3.1 · **Attack** `attacks::registration`

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::{hkdf, hmac};
use secrecy::{ExposeSecret, SecretSlice};

/// The shortest master key, in bytes: the strength of everything derived from it (ASVS 11.2.3).
pub const MASTER_KEY_BYTES: usize = 32;

/// What a derived key is for. A new purpose is a new variant, never a second use of an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The refresh token that follows another.
    RefreshSuccessor,
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
    /// Devices that have signed in before.
    KnownDevice,
    /// Challenges that cost work.
    Challenge,
}

impl Purpose {
    /// Fixed for ever: another text is another key, and ends every session and mail link.
    fn label(self) -> &'static [u8] {
        match self {
            Self::RefreshSuccessor => b"refresh-successor",
            Self::MailToken => b"mail-token",
            Self::TypedIdentifier => b"typed-identifier",
            Self::Cursor => b"cursor",
            Self::SecurityEvent => b"security-event",
            Self::EventSeal => b"event-seal",
            Self::KnownDevice => b"known-device",
            Self::Challenge => b"challenge",
        }
    }
}

/// The master key is shorter than [`MASTER_KEY_BYTES`], or could not be expanded.
#[derive(Debug, thiserror::Error)]
#[error("the master key is not usable: it needs at least {MASTER_KEY_BYTES} bytes")]
pub struct BadMasterKey;

/// The derived keys.
#[derive(Clone)]
pub struct Keys {
    refresh_successor: hmac::Key,
    mail_token: hmac::Key,
    typed_identifier: hmac::Key,
    cursor: hmac::Key,
    security_event: hmac::Key,
    event_seal: hmac::Key,
    event_heads: Arc<Ed25519KeyPair>,
    known_device: hmac::Key,
    challenge: hmac::Key,
}

impl Keys {
    /// Derives every key.
    ///
    /// # Errors
    /// [`BadMasterKey`], when it is shorter than 256 bits. HKDF would take an empty one without a word.
    pub fn new(master: &SecretSlice<u8>) -> Result<Self, BadMasterKey> {
        let master = master.expose_secret();
        if master.len() < MASTER_KEY_BYTES {
            return Err(BadMasterKey);
        }
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"strongroom keys v1");
        let root = salt.extract(master);
        let derive = |purpose: Purpose| {
            root.expand(&[purpose.label()], hmac::HMAC_SHA256).map(hmac::Key::from).map_err(|_| BadMasterKey)
        };
        // Heads are signed, so that whoever keeps them can check them without any key of ours.
        let mut seed = [0; 32];
        root.expand(&[b"event-heads"], hkdf::HKDF_SHA256)
            .and_then(|seed_of| seed_of.fill(&mut seed))
            .map_err(|_| BadMasterKey)?;
        let heads = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| BadMasterKey);
        Ok(Self {
            refresh_successor: derive(Purpose::RefreshSuccessor)?,
            mail_token: derive(Purpose::MailToken)?,
            typed_identifier: derive(Purpose::TypedIdentifier)?,
            cursor: derive(Purpose::Cursor)?,
            security_event: derive(Purpose::SecurityEvent)?,
            event_seal: derive(Purpose::EventSeal)?,
            event_heads: Arc::new(heads?),
            known_device: derive(Purpose::KnownDevice)?,
            challenge: derive(Purpose::Challenge)?,
        })
    }

    /// The keyed hash under which the login counters and the log know what somebody typed in: people type passwords into the
    /// name field, and a plain hash of a name or a password can be guessed. It has its own purpose and no way to choose another,
    /// so that a secret derived from these keys can never end up in a log.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> [u8; 32] {
        self.mac(Purpose::TypedIdentifier, &[text.as_bytes()])
    }

    /// HMAC-SHA256 over the parts, each preceded by its length. Not public: its results are secrets of their purpose's file.
    pub(super) fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
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

    /// The key pair that signs the heads of the event log.
    pub(super) fn event_heads(&self) -> &Ed25519KeyPair {
        &self.event_heads
    }

    fn key(&self, purpose: Purpose) -> &hmac::Key {
        match purpose {
            Purpose::RefreshSuccessor => &self.refresh_successor,
            Purpose::MailToken => &self.mail_token,
            Purpose::TypedIdentifier => &self.typed_identifier,
            Purpose::Cursor => &self.cursor,
            Purpose::SecurityEvent => &self.security_event,
            Purpose::EventSeal => &self.event_seal,
            Purpose::KnownDevice => &self.known_device,
            Purpose::Challenge => &self.challenge,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> Keys {
        Keys::new(&vec![byte; 32].into()).unwrap()
    }

    #[test]
    fn a_key_for_one_purpose_is_not_the_key_for_another() {
        let all = [
            Purpose::RefreshSuccessor,
            Purpose::MailToken,
            Purpose::TypedIdentifier,
            Purpose::Cursor,
            Purpose::SecurityEvent,
            Purpose::EventSeal,
            Purpose::KnownDevice,
            Purpose::Challenge,
        ];
        let mut macs = all.map(|purpose| keys(1).mac(purpose, &[b"same"])).to_vec();
        macs.sort_unstable();
        macs.dedup();
        assert_eq!(macs.len(), all.len());
    }

    #[test]
    fn the_same_master_gives_the_same_keys_on_every_replica_and_another_gives_others() {
        assert_eq!(keys(1).fingerprint("a@b.test"), keys(1).fingerprint("a@b.test"));
        assert_ne!(keys(1).fingerprint("a@b.test"), keys(2).fingerprint("a@b.test"));
        assert_ne!(keys(1).fingerprint("a@b.test"), keys(1).fingerprint("a@b.tesT"));
    }

    #[test]
    fn parts_cannot_be_moved_over_their_border() {
        let keys = keys(1);
        let mac = |parts: &[&[u8]]| keys.mac(Purpose::Cursor, parts);
        assert_ne!(mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]));
        assert_ne!(mac(&[b"abc"]), mac(&[b"abc", b""]));
    }

    #[test]
    fn a_short_master_key_is_refused() {
        for length in [0, 1, 31] {
            assert!(Keys::new(&vec![7; length].into()).is_err(), "{length}");
        }
    }

    #[test]
    fn keys_do_not_show_themselves() {
        assert_eq!(format!("{:?}", keys(1)), "Keys([redacted])");
    }
}
