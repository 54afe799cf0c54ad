//! Chain heads: after each batch of events, the service signs the last seal of the hash chain (Ed25519) and logs it.
//! If an attacker truncates the chain in the database, the log still contains the heads of the deleted batches.
//! So `audit verify --heads` detects the truncation.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use crate::base::hex::{hex, unhex};
use crate::security::crypto::keys::{KeyId, Keys, Tag};

const PREFIX: &str = "strongroom-head";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    pub batch: i64,
    /// The number of rows in this batch and all earlier batches.
    pub events: i64,
    pub mac: Tag,
}

/// Returns the public keys that verify chain heads, one per line: the id of the master key and the key in hex.
#[must_use]
pub fn public_keys(keys: &Keys) -> String {
    keys.head_keys().map(|(id, key)| format!("{id} {}", hex(key))).collect::<Vec<_>>().join("\n")
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct ChainHeads {
    pub signed: Vec<ChainHead>,
    /// The key id of each head whose key is not configured.
    pub unknown: Vec<KeyId>,
    /// The number of heads with an invalid signature.
    pub forged: usize,
}

impl ChainHeads {
    /// Finds all chain heads in a text, for example in a log file, and verifies their signatures.
    #[must_use]
    pub fn read(text: &str, keys: &Keys) -> Self {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
        let mut heads = Self::default();
        for word in words.filter(|word| word.starts_with(PREFIX)) {
            match ChainHead::read(word) {
                Some(head) if keys.ids().all(|id| id != head.mac.key) => heads.unknown.push(head.mac.key),
                Some(head) if head.is_signed(word, keys) => heads.signed.push(head),
                _ => heads.forged += 1,
            }
        }
        heads
    }
}

impl ChainHead {
    /// Formats the head as one word that can be found in any log format: `strongroom-head.BATCH.EVENTS.MAC.SIGNATURE`.
    /// The MAC begins with the id of the master key, which selects the public key for the signature.
    #[must_use]
    pub fn line(&self, keys: &Keys) -> String {
        let signed = format!("{PREFIX}.{}.{}.{}", self.batch, self.events, hex(&self.mac.to_bytes()));
        format!("{signed}.{}", hex(keys.sign_head(signed.as_bytes()).as_ref()))
    }

    fn read(word: &str) -> Option<Self> {
        let mut parts = word.strip_prefix(PREFIX)?.strip_prefix('.')?.split('.');
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
    fn head_is_found_in_any_log_format_and_forged_head_is_counted() {
        let head = ChainHead { batch: 7, events: 40, mac: keys(1).sign(Purpose::EventSeal, &[]) };
        let line = head.line(&keys(1));
        let text = format!("{{\"head\":\"{line}\"}}\n12:00 INFO head=\"{line}\" sealed\n{line}");
        let read = ChainHeads { signed: vec![head.clone(); 3], ..ChainHeads::default() };
        assert_eq!(ChainHeads::read(&text, &keys(1)), read);
        let longer = format!("{line}00");
        for forged in [line.replace(".7.", ".8."), line.replace(".40.", ".41."), longer, PREFIX.to_owned()] {
            assert_eq!(
                ChainHeads::read(&forged, &keys(1)),
                ChainHeads { forged: 1, ..ChainHeads::default() },
                "{forged}"
            );
        }
        // The second key signed the head, but the head contains the id of the first key.
        let borrowed = head.line(&keys(2));
        assert_eq!(ChainHeads::read(&borrowed, &keys(1)).forged, 1);
        let unknown = ChainHeads { unknown: vec![keys(1).id()], ..ChainHeads::default() };
        assert_eq!(ChainHeads::read(&line, &keys(2)), unknown);
    }
}
