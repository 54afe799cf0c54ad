//! Secrets that we hand out: 256 random bits, of which the database keeps a hash alone.
//!
//! **Attack**: guessing a token; reading the database (a dump, a backup, an injection) and using the tokens found there.
//! **Control**: 256 bits from the operating system, or from a keyed derivation of the same strength; stored as SHA-256, which is enough
//! for a value that cannot be guessed. An id is never a token (a UUID holds 122 bits at best, and is shown around).
//! A token is looked up *by its hash*, so no code compares two secrets, and there is nothing whose time could tell how much of a
//! guess is right: the index compares hashes, of which a guesser controls no prefix.
//! **Limits**: a token stolen on its way; that is for short lives, single use and TLS.
//! **ASVS**: 6.4.1, 7.2.3, 11.4.3, 11.5.1 · **Test**: `attacks::authentication::registration`

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use uuid::Uuid;

use crate::security::crypto::keys::{KeyId, Keys, Purpose};

/// Length on the wire: 256 bits in base64url without padding.
pub const WIRE_LENGTH: usize = 43;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("no random bytes from the operating system")]
pub struct NoRandomness;

/// A token in memory: wiped when dropped, never shown by `Debug`, without `PartialEq` on purpose (see the head).
pub struct SecretToken(SecretBox<[u8; 32]>);

impl SecretToken {
    /// A new token that depends on nothing.
    ///
    /// # Errors
    /// [`NoRandomness`]; there is no weaker source to fall back to.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut token = SecretBox::new(Box::new([0; 32]));
        rand::fill(token.expose_secret_mut()).map_err(|_| NoRandomness)?;
        Ok(Self(token))
    }

    /// Reads what a client sent. One spelling only: 43 characters of base64url, no padding, no spare bits set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != WIRE_LENGTH {
            return None;
        }
        let mut token = SecretBox::new(Box::new([0; 32]));
        let written = URL_SAFE_NO_PAD.decode_slice(text, token.expose_secret_mut()).ok()?;
        (written == 32).then_some(Self(token))
    }

    /// The same of a field that was typed in.
    #[must_use]
    pub fn typed(text: &SecretString) -> Option<Self> {
        Self::parse(text.expose_secret())
    }

    /// The token in a mail, derived from the row that it opens. The outbox row and the worker's memory of it never hold the
    /// secret: whoever reads the outbox table, where mail may wait for days, can open nothing. The worker derives the token when
    /// it sends; the row that it opens keeps its [`hash`](Self::hash). `kind` is the outbox's, so that a token for one row is
    /// none for a row of another kind.
    #[must_use]
    pub fn for_mail(keys: &Keys, kind: &str, row: Uuid) -> Self {
        Self::derive(keys, Purpose::MailToken, &[kind.as_bytes(), row.as_bytes()])
    }

    /// Derives the token of a queued mail with the key that its outbox row names: the master key may have been exchanged since.
    /// `None`: that key is no longer configured.
    #[must_use]
    pub fn for_queued_mail(keys: &Keys, key: KeyId, kind: &str, row: Uuid) -> Option<Self> {
        Self::derive_with(keys, key, Purpose::MailToken, &[kind.as_bytes(), row.as_bytes()])
    }

    /// Derives a token from the current key. Only for `security/`: the parts must never repeat within a purpose.
    pub(in crate::security) fn derive(keys: &Keys, purpose: Purpose, parts: &[&[u8]]) -> Self {
        Self(SecretBox::new(Box::new(keys.sign(purpose, parts).mac)))
    }

    /// Derives the token that this key made of these parts. `None`: no key here has this id.
    pub(in crate::security) fn derive_with(keys: &Keys, key: KeyId, purpose: Purpose, parts: &[&[u8]]) -> Option<Self> {
        keys.derive(key, purpose, parts).map(|token| Self(SecretBox::new(Box::new(token))))
    }

    /// What the database keeps: SHA-256 of the 32 bytes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut out = [0; 32];
        let hash = digest::digest(&digest::SHA256, self.bytes());
        for (to, from) in out.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        out
    }

    /// The 43 characters that the holder gets.
    #[must_use]
    pub fn to_wire(&self) -> SecretString {
        URL_SAFE_NO_PAD.encode(self.bytes()).into()
    }

    pub(in crate::security) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keys() -> Keys {
        Keys::new(&vec![3; 32].into()).unwrap()
    }

    #[test]
    fn a_token_comes_back_from_the_wire_with_the_same_hash() {
        let token = SecretToken::random().unwrap();
        let wire = token.to_wire();
        assert_eq!(wire.expose_secret().len(), WIRE_LENGTH);
        assert_eq!(SecretToken::parse(wire.expose_secret()).unwrap().hash(), token.hash());
        assert_ne!(&token.hash()[..], token.bytes(), "the database keeps a hash");
    }

    #[test]
    fn a_token_has_one_spelling() {
        let wire = SecretToken::for_mail(&keys(), "reset_password", Uuid::nil()).to_wire();
        let wire = wire.expose_secret();
        // Of the last character only four bits count; a decoder that ignores the other two reads four spellings of one token.
        let last = wire.chars().last().unwrap();
        let twins = ('0'..='z').filter(|c| *c != last).map(|c| format!("{}{c}", &wire[..42]));
        let accepted = twins.filter_map(|twin| SecretToken::parse(&twin));
        let original = SecretToken::parse(wire).unwrap().hash();
        assert!(accepted.into_iter().all(|twin| twin.hash() != original));
        for bad in [
            String::new(),
            format!("{wire}="),
            format!("{wire}A"),
            format!(" {}", &wire[1..]),
            format!("+{}", &wire[1..]),
            format!("/{}", &wire[1..]),
            format!("é{}", &wire[2..]),
            wire[1..].to_owned(),
            "A".repeat(100_000),
        ] {
            assert!(SecretToken::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ten_thousand_tokens_made_on_four_threads_are_all_different() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| (0..2_500).map(|_| SecretToken::random().unwrap().hash()).collect::<Vec<_>>())
            })
            .collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 10_000);
    }

    #[test]
    fn a_mail_token_is_made_again_by_the_worker_and_by_nobody_without_the_key() {
        let row = Uuid::new_v4();
        let token = |keys: &Keys, kind, row| SecretToken::for_mail(keys, kind, row).hash();
        let ours = token(&keys(), "reset_password", row);
        assert_eq!(ours, token(&keys(), "reset_password", row));
        assert_ne!(ours, token(&keys(), "confirm_registration", row));
        assert_ne!(ours, token(&keys(), "reset_password", Uuid::new_v4()));
        assert_ne!(ours, token(&Keys::new(&vec![4; 32].into()).unwrap(), "reset_password", row));
        let queued = |keys: &Keys| SecretToken::for_queued_mail(keys, self::keys().id(), "reset_password", row);
        assert_eq!(queued(&keys()).unwrap().hash(), ours);
        assert!(queued(&Keys::new(&vec![4; 32].into()).unwrap()).is_none(), "made with a key that is not here");
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", SecretToken::random().unwrap()), "SecretToken([redacted])");
    }
}
