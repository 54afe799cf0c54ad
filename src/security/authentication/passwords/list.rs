//! The list of common and breached passwords: `list.bin`, made by `make_list.py` (which says from what).
//!
//! Sorted SHA-256 of the password in lower case, cut to eight bytes each. With n entries a password that is not in the list is
//! taken for one that is with a chance of n in 2^64.

use aws_lc_rs::digest::{SHA256, digest};

const ENTRY: usize = 8;
static LIST: &[u8] = include_bytes!("list.bin");

/// Whether this password, in lower case, is listed.
pub fn contains(folded: &str) -> bool {
    let hash = digest(&SHA256, folded.as_bytes());
    let wanted = hash.as_ref().get(..ENTRY).unwrap_or_default();
    let (entries, _) = LIST.as_chunks::<ENTRY>();
    entries.binary_search_by(|entry| entry.as_slice().cmp(wanted)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_whole_and_large_enough() {
        let (entries, rest) = LIST.as_chunks::<ENTRY>();
        assert!(rest.is_empty());
        assert!(entries.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(entries.len() >= 3_000, "ASVS 6.2.4 asks for 3,000: {}", entries.len());
    }

    #[test]
    fn what_everybody_uses_is_listed() {
        for known in ["unbelievable", "1q2w3e4r5t6y", "administrator", "123qweasdzxc"] {
            assert!(contains(known), "{known}");
        }
        assert!(!contains("correct horse battery 9"));
    }
}
