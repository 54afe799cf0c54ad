use super::*;

fn keys(byte: u8) -> Keys {
    Keys::new(&vec![byte; 32].into()).unwrap()
}

#[test]
fn each_purpose_has_its_own_key() {
    let all = [
        Purpose::RefreshSuccessor,
        Purpose::RefreshCookie,
        Purpose::MailToken,
        Purpose::TypedIdentifier,
        Purpose::Cursor,
        Purpose::SecurityEvent,
        Purpose::EventSeal,
        Purpose::DeviceCookie,
        Purpose::Challenge,
        Purpose::MailBudget,
    ];
    let mut macs = all.map(|purpose| keys(1).sign(purpose, &[b"same"]).mac).to_vec();
    macs.sort_unstable();
    macs.dedup();
    assert_eq!(macs.len(), all.len());
}

#[test]
fn keys_depend_on_master_key_only() {
    assert_eq!(keys(1).fingerprint("a@b.test"), keys(1).fingerprint("a@b.test"));
    assert_ne!(keys(1).fingerprint("a@b.test"), keys(2).fingerprint("a@b.test"));
    assert_ne!(keys(1).fingerprint("a@b.test"), keys(1).fingerprint("a@b.tesT"));
}

#[test]
fn mac_covers_part_boundaries() {
    let keys = keys(1);
    let mac = |parts: &[&[u8]]| keys.sign(Purpose::Cursor, parts).mac;
    assert_ne!(mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]));
    assert_ne!(mac(&[b"abc"]), mac(&[b"abc", b""]));
}

#[test]
fn older_key_verifies_but_does_not_sign() {
    let (old, new) = (keys(1), keys(2));
    let both = new.clone().with_older(&vec![1; 32].into()).unwrap();
    let parts: [&[u8]; 2] = [b"some", b"parts"];
    let before = old.sign(Purpose::Cursor, &parts);
    assert!(both.verify(Purpose::Cursor, &parts, &before));
    assert!(!new.verify(Purpose::Cursor, &parts, &before), "the older key was removed");
    let after = both.sign(Purpose::Cursor, &parts);
    assert!(both.verify(Purpose::Cursor, &parts, &after) && new.verify(Purpose::Cursor, &parts, &after));
    assert!(!old.verify(Purpose::Cursor, &parts, &after), "signed with the older key");
    assert_eq!((after.key, both.fingerprint("a")), (new.id(), new.fingerprint("a")));
}

#[test]
fn altered_tag_is_rejected() {
    let both = keys(2).with_older(&vec![1; 32].into()).unwrap();
    let tag = both.sign(Purpose::Cursor, &[b"part"]).to_bytes();
    for place in 0..Tag::LENGTH {
        let mut changed = tag.clone();
        changed[place] ^= 1;
        assert!(!both.verify(Purpose::Cursor, &[b"part"], &Tag::from_bytes(&changed).unwrap()), "{place}");
    }
    let relabelled = Tag { key: keys(1).id(), ..both.sign(Purpose::Cursor, &[b"part"]) };
    assert!(!both.verify(Purpose::Cursor, &[b"part"], &relabelled));
}

#[test]
fn short_master_key_is_rejected() {
    for length in [0, 1, 31] {
        assert!(Keys::new(&vec![7; length].into()).is_err(), "{length}");
        assert!(keys(1).with_older(&vec![7; length].into()).is_err(), "{length}");
    }
}

#[test]
fn keys_debug_output_is_redacted() {
    assert_eq!(format!("{:?}", keys(1)), "Keys([redacted])");
}
