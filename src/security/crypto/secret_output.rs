//! Secrets leave the service in two ways only: a response body and a mail (CWE-200, CWE-532, API3:2023).
//!
//! **Attack**: a secret leaks through `Debug` output, a response field or a queue.
//! **Control**: secrets have types of the crate `secrecy`. Values of these types cannot be printed or serialized.
//! A view that returns a secret to its owner uses the type [`SecretOutput`].
//! A queued mail contains no token: [`insert_token`] adds the token when the mail is sent.
//! After the mail is sent, its text in memory is overwritten with zeros.
//! **Limits**: an attacker who can read the recipient's mailbox gets the token.
//! **ASVS**: 11.7.1, 14.2.1, 16.2.5 · **Test**: `attacks::audit::logs`

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

pub const TOKEN_PLACEHOLDER: &str = "{token}";

/// A secret in a response body. Use it only in a response to the owner of the secret.
pub struct SecretOutput(SecretString);

impl From<SecretString> for SecretOutput {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl Serialize for SecretOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

#[must_use]
pub fn insert_token(text: &str, token: &SecretString) -> SecretString {
    text.replace(TOKEN_PLACEHOLDER, token.expose_secret()).into()
}

#[must_use]
pub fn expose_text(text: &SecretString) -> &str {
    text.expose_secret()
}
