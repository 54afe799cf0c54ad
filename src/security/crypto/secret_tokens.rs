//! Secret tokens: 256 random bits, stored as a hash (CWE-208, CWE-312, CWE-330, API2:2023).
//!
//! **Attack**: an attacker guesses a token, or uses tokens that they read from the database (dump, backup, SQL
//! injection). Timing attack: an attacker measures how long the comparison of a token takes.
//! **Control**: a token has 256 bits, from the operating system's random generator or from a keyed derivation.
//! The database stores the SHA-256 of the token. A slow hash is not necessary, because a random value cannot be
//! guessed. Ids are never used as tokens: a UUID has at most 122 random bits and is not secret.
//! Tokens are looked up *by their hash*, so no code compares secrets.
//! The duration of the look-up reveals nothing, because an attacker cannot choose the first bytes of a hash.
//! **Limits**: an attacker who steals a token in transit can use it.
//! Short lifetimes, single use and TLS reduce the risk.
//! **ASVS**: 6.4.1, 7.2.3, 11.4.3, 11.5.1 · **Test**: `attacks::authentication::registration`

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use uuid::Uuid;

use crate::security::crypto::keys::{KeyId, Keys, Purpose};

/// The length of an encoded token: 256 bits are 43 characters of base64url without padding.
pub const WIRE_LENGTH: usize = 43;

#[derive(Debug, thiserror::Error)]
#[error("the operating system returned no random bytes")]
pub struct RandomnessError;

/// A secret token in memory. Dropping it overwrites its bytes with zeros. `Debug` does not print it.
/// The type has no `PartialEq`, because code must compare hashes of tokens and not the tokens.
pub struct SecretToken(SecretBox<[u8; 32]>);

impl SecretToken {
    /// # Errors
    /// [`RandomnessError`] if the operating system fails. There is no fallback to a weaker source of random bytes.
    pub fn random() -> Result<Self, RandomnessError> {
        let mut token = SecretBox::new(Box::new([0; 32]));
        rand::fill(token.expose_secret_mut()).map_err(|_| RandomnessError)?;
        Ok(Self(token))
    }

    /// Parses a token that a client sent. Accepts only one encoding per token: the unused last bits must be zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != WIRE_LENGTH {
            return None;
        }
        let mut token = SecretBox::new(Box::new([0; 32]));
        let written = URL_SAFE_NO_PAD.decode_slice(text, token.expose_secret_mut()).ok()?;
        (written == 32).then_some(Self(token))
    }

    #[must_use]
    pub fn parse_secret(text: &SecretString) -> Option<Self> {
        Self::parse(text.expose_secret())
    }

    /// Derives the token for a mail from the id of a database row, for example of a pending registration.
    /// A mail may stay in the outbox for days, so the outbox does not contain the token.
    /// The worker derives the token again when it sends the mail.
    /// A token for one `kind` of mail is not valid for another kind.
    #[must_use]
    pub fn for_mail(keys: &Keys, kind: &str, row: Uuid) -> Self {
        Self::derive(keys, Purpose::MailToken, &[kind.as_bytes(), row.as_bytes()])
    }

    /// Derives the token of a queued mail. The outbox stores the id of the key, because the key may be rotated before
    /// the mail is sent. Returns `None` if this key is no longer configured.
    #[must_use]
    pub fn for_queued_mail(keys: &Keys, key: KeyId, kind: &str, row: Uuid) -> Option<Self> {
        Self::derive_with(keys, key, Purpose::MailToken, &[kind.as_bytes(), row.as_bytes()])
    }

    /// Derives a token with the current key. Equal `parts` give equal tokens.
    pub(in crate::security) fn derive(keys: &Keys, purpose: Purpose, parts: &[&[u8]]) -> Self {
        Self(SecretBox::new(Box::new(keys.sign(purpose, parts).mac)))
    }

    /// Derives a token with the key of this id, or returns `None` if no such key is configured.
    pub(in crate::security) fn derive_with(keys: &Keys, key: KeyId, purpose: Purpose, parts: &[&[u8]]) -> Option<Self> {
        keys.derive(key, purpose, parts).map(|token| Self(SecretBox::new(Box::new(token))))
    }

    /// Returns the SHA-256 of the token. The database stores this hash instead of the token.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut out = [0; 32];
        let hash = digest::digest(&digest::SHA256, self.bytes());
        for (to, from) in out.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        out
    }

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
    fn token_has_same_hash_after_wire_round_trip() {
        let token = SecretToken::random().unwrap();
        let wire = token.to_wire();
        assert_eq!(wire.expose_secret().len(), WIRE_LENGTH);
        assert_eq!(SecretToken::parse(wire.expose_secret()).unwrap().hash(), token.hash());
        assert_ne!(&token.hash()[..], token.bytes(), "the database keeps a hash");
    }

    #[test]
    fn token_has_one_encoding() {
        let wire = SecretToken::for_mail(&keys(), "reset_password", Uuid::nil()).to_wire();
        let wire = wire.expose_secret();
        // Only four bits of the last character are significant. A lenient decoder would accept four forms of one token.
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
    fn tokens_created_in_parallel_are_unique() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| (0..2_500).map(|_| SecretToken::random().unwrap().hash()).collect::<Vec<_>>())
            })
            .collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 10_000);
    }

    #[test]
    fn mail_token_is_derived_again_only_with_same_key() {
        let row = Uuid::new_v4();
        let token = |keys: &Keys, kind, row| SecretToken::for_mail(keys, kind, row).hash();
        let ours = token(&keys(), "reset_password", row);
        assert_eq!(ours, token(&keys(), "reset_password", row));
        assert_ne!(ours, token(&keys(), "confirm_registration", row));
        assert_ne!(ours, token(&keys(), "reset_password", Uuid::new_v4()));
        assert_ne!(ours, token(&Keys::new(&vec![4; 32].into()).unwrap(), "reset_password", row));
        let queued = |keys: &Keys| SecretToken::for_queued_mail(keys, self::keys().id(), "reset_password", row);
        assert_eq!(queued(&keys()).unwrap().hash(), ours);
        assert!(
            queued(&Keys::new(&vec![4; 32].into()).unwrap()).is_none(),
            "the key of the outbox row is not configured"
        );
    }

    #[test]
    fn token_debug_output_is_redacted() {
        assert_eq!(format!("{:?}", SecretToken::random().unwrap()), "SecretToken([redacted])");
    }
}
