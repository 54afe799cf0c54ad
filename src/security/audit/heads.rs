//! Heads of the chain of seals: lines of the log, signed with Ed25519. They show a tail that was cut off.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use crate::base::hex::{hex, unhex};
use crate::security::crypto::keys::{KeyId, Keys, Tag};

/// How a head begins, wherever it stands in a line of the log.
const HEAD: &str = "strongroom-head";

/// What stands at the end of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub batch: i64,
    /// Rows sealed until then.
    pub events: i64,
    pub mac: Tag,
}

/// The public keys that verify heads, one a line: the id of the master key, then the public key in hex.
#[must_use]
pub fn public_keys(keys: &Keys) -> String {
    keys.head_keys().map(|(id, key)| format!("{id} {}", hex(key))).collect::<Vec<_>>().join("\n")
}

/// The heads in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// Signed by one of these keys.
    pub signed: Vec<Head>,
    /// Signed, as they say, by a key that is not here.
    pub unknown: Vec<KeyId>,
    /// How many were signed by no key.
    pub forged: usize,
}

impl Heads {
    /// Reads every head in this text.
    #[must_use]
    pub fn read(text: &str, keys: &Keys) -> Self {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
        let mut heads = Self::default();
        for word in words.filter(|word| word.starts_with(HEAD)) {
            match Head::read(word) {
                Some(head) if keys.ids().all(|id| id != head.mac.key) => heads.unknown.push(head.mac.key),
                Some(head) if head.is_signed(word, keys) => heads.signed.push(head),
                _ => heads.forged += 1,
            }
        }
        heads
    }
}

impl Head {
    /// `strongroom-head.BATCH.EVENTS.MAC.SIGNATURE`: one word, so that it is found in any form of the log. MAC begins with the
    /// id of the master key, also that of the signature.
    #[must_use]
    pub fn line(&self, keys: &Keys) -> String {
        let signed = format!("{HEAD}.{}.{}.{}", self.batch, self.events, hex(&self.mac.to_bytes()));
        format!("{signed}.{}", hex(keys.sign_head(signed.as_bytes()).as_ref()))
    }

    /// Reads what a head says, without its signature.
    fn read(word: &str) -> Option<Self> {
        let mut parts = word.strip_prefix(HEAD)?.strip_prefix('.')?.split('.');
        let (batch, events, mac) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { batch: batch.parse().ok()?, events: events.parse().ok()?, mac: Tag::from_bytes(&unhex(mac)?)? })
    }

    fn is_signed(&self, word: &str, keys: &Keys) -> bool {
        let Some((signed, signature)) = word.rsplit_once('.') else { return false };
        let key = keys.head_keys().find(|(id, _)| *id == self.mac.key);
        key.zip(unhex(signature)).is_some_and(|((_, key), signature)| {
            UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::crypto::keys::Purpose;

    fn keys(byte: u8) -> Keys {
        Keys::new(&vec![byte; 32].into()).unwrap()
    }

    #[test]
    fn head_is_found_in_any_form_of_the_log_and_forged_one_is_counted() {
        let head = Head { batch: 7, events: 40, mac: keys(1).sign(Purpose::EventSeal, &[]) };
        let line = head.line(&keys(1));
        let text = format!("{{\"head\":\"{line}\"}}\n12:00 INFO head=\"{line}\" sealed\n{line}");
        let read = Heads { signed: vec![head.clone(); 3], ..Heads::default() };
        assert_eq!(Heads::read(&text, &keys(1)), read);
        let longer = format!("{line}00");
        for forged in [line.replace(".7.", ".8."), line.replace(".40.", ".41."), longer, HEAD.to_owned()] {
            assert_eq!(Heads::read(&forged, &keys(1)), Heads { forged: 1, ..Heads::default() }, "{forged}");
        }
        // Signed by another key under the name of the first.
        let borrowed = head.line(&keys(2));
        assert_eq!(Heads::read(&borrowed, &keys(1)).forged, 1);
        let unknown = Heads { unknown: vec![keys(1).id()], ..Heads::default() };
        assert_eq!(Heads::read(&line, &keys(2)), unknown);
    }
}
