//! The two doors by which a secret leaves the service: the body of a reply and the text of a mail.
//!
//! **Attack**: a secret that slips out beside its one reader: printed by `Debug`, echoed by a view, kept in a queue.
//! **Control**:
//! secrets are `secrecy` types, which neither print nor serialise. A view that must hand one over says so by its type
//! ([`HandedSecret`]); a mail's text gets its token ([`fill`]) at the moment of sending and is wiped afterwards.
//! **Limits**: whoever reads the recipient's mailbox.
//! **ASVS**: 11.7.1, 14.2.1, 16.2.5 · **Test**: `attacks::audit::logs`

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// Where a mail's text wants its token.
pub const TOKEN_PLACE: &str = "{token}";

/// A secret that its owner is given in the body of one reply.
pub struct HandedSecret(SecretString);

impl From<SecretString> for HandedSecret {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl Serialize for HandedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

/// The text with the token in its place.
#[must_use]
pub fn fill(text: &str, token: &SecretString) -> SecretString {
    text.replace(TOKEN_PLACE, token.expose_secret()).into()
}

/// The finished text, for the mail that carries it away.
#[must_use]
pub fn text_to_send(text: &SecretString) -> &str {
    text.expose_secret()
}
