//! The list of common and breached passwords (`list.bin`). The script `make_list.py` creates it and states its sources.
//!
//! Each entry is the SHA-256 of a lower-case password, truncated to eight bytes. The entries are sorted for a binary
//! search. With n entries, a hash collision rejects an unlisted password with a probability of n in 2^64.

use aws_lc_rs::digest::{SHA256, digest};

const ENTRY: usize = 8;
static LIST: &[u8] = include_bytes!("list.bin");

/// Returns whether the list contains this password. `folded` must be in lower case.
pub fn contains(folded: &str) -> bool {
    let hash = digest(&SHA256, folded.as_bytes());
    let key = hash.as_ref().get(..ENTRY).unwrap_or_default();
    let (entries, _) = LIST.as_chunks::<ENTRY>();
    entries.binary_search_by(|entry| entry.as_slice().cmp(key)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_sorted_complete_and_large_enough() {
        let (entries, rest) = LIST.as_chunks::<ENTRY>();
        assert!(rest.is_empty());
        assert!(entries.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(entries.len() >= 3_000, "ASVS 6.2.4 asks for 3,000: {}", entries.len());
    }

    #[test]
    fn common_passwords_are_listed() {
        for known in ["unbelievable", "1q2w3e4r5t6y", "administrator", "123qweasdzxc"] {
            assert!(contains(known), "{known}");
        }
        assert!(!contains("correct horse battery 9"));
    }
}
