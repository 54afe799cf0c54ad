//! Settings with keys. Each key must be strong and have only one purpose.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use strongroom::config::{AuditSettings, Environment, OwnerSettings};

use super::{Base, DATABASE, OTHER, PEM, STRONG, THIRD};

#[test]
fn weak_keys_are_refused() {
    let weak = [
        "x",
        "secret",
        "changeme",
        "a31ABytesLongKeyIsOneTooShort9z",
        "your-256-bit-secret-your-256-bit",
        "please-change-me-7f3kq9Lw2zRt5vB8",
        "MySecretKey-7f3kq9Lw2zRt5vB8xYp4",
        "Passw0rdPASSWORDpassw0rdPASSWORD",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababababababababababab",
        "0123456789abcdef0123456789abcdef",
        "zyxwvutsrqponmlkjihgfedcba987654",
        "q7Xm2Kv9Tz4Lq7Xm2Kv9Tz4Lq7Xm2Kv9Tz4L",
        "5f4dcc3b5aa765d61d8327deb882cf99", // 32 hex digits could be an MD5 hash, or have only 128 bits
        "                                        ",
        PEM,
    ];
    for name in [
        "STRONGROOM_JWT_KEY",
        "STRONGROOM_JWT_PREVIOUS_KEY",
        "STRONGROOM_SECRETS_MASTER_KEY",
        "STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY",
    ] {
        Base::production().refuses(name, &weak);
        Base::development().refuses(name, &weak);
    }
}

/// There are no default accounts (ASVS 6.3.2): demo data need a setting with "insecure" in its name.
#[test]
fn production_demo_data_requires_a_strong_password() {
    let name = "STRONGROOM_INSECURE_DEMO_PASSWORD";
    let production = Base::production();
    assert!(production.with(&[]).unwrap().secrets.demo_passwords.is_none());
    production.refuses(name, &["true", "demo", "correct horse battery 9", "changeme-changeme-changeme-changeme"]);
    let one = production.with(&[(name, THIRD)]).unwrap().secrets.demo_passwords.unwrap();
    assert!(one.iter().all(|password| password.expose_secret() == THIRD));
    let made = Base::development().with(&[]).unwrap().secrets.demo_passwords.unwrap();
    assert_ne!(made[0].expose_secret(), made[1].expose_secret());
}

#[test]
fn random_keys_in_common_encodings_are_accepted() {
    for _ in 0..500 {
        let mut bytes = [0_u8; 48];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        let hex: String = bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
        let base = Base::production();
        base.accepts("STRONGROOM_JWT_KEY", &[&hex, &STANDARD.encode(&bytes[..32]), &STANDARD.encode(bytes)]);
    }
}

#[test]
fn reused_key_is_a_fault() {
    let base = Base::production();
    base.refuses("STRONGROOM_JWT_KEY", &[STRONG]);
    base.refuses("STRONGROOM_JWT_PREVIOUS_KEY", &[OTHER, STRONG]);
    base.refuses("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", &[STRONG]);
    base.accepts("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", &[THIRD]);
    base.refuses("STRONGROOM_MANAGEMENT_TOKEN", &[STRONG, OTHER]);
    // If two settings have the same key, the fault names the last setting.
    assert_eq!(base.faults(&[("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", OTHER)]), ["STRONGROOM_JWT_KEY"]);
}

#[test]
fn eddsa_key_must_be_a_private_key_in_pem() {
    let base = Base::production();
    let with = |key| base.faults(&[("STRONGROOM_JWT_ALGORITHM", "EdDSA"), ("STRONGROOM_JWT_KEY", key)]);
    assert_eq!(with(PEM), [""; 0]);
    for key in ["7f3kq9Lw2zRt5vB8xYp4", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----", ""] {
        assert_eq!(with(key), ["STRONGROOM_JWT_KEY"], "{key}");
    }
    base.refuses("STRONGROOM_JWT_ALGORITHM", &["none", "RS256", "hs256", "HS512"]);
}

#[test]
fn migrate_requires_only_the_owner_url() {
    let load = |pairs: &[(&str, &str)]| OwnerSettings::load(&Environment::from_pairs(pairs.iter().copied()));
    let production = ("STRONGROOM_PROFILE", "production");
    let owner =
        ("STRONGROOM_DATABASE_OWNER_URL", concat!("postgres://strongroom_owner:", "kT4vq9Lw2z@localhost/strongroom"));
    let owner_url = load(&[production, owner]).unwrap().database.owner_url.unwrap();
    assert_eq!(owner_url.get_username(), "strongroom_owner");
    assert!(load(&[]).unwrap().database.owner_url.is_none());
    // `admin create` sets a password, so the `admin` commands read the rules for passwords.
    let weak = load(&[production, owner, ("STRONGROOM_PASSWORD_MIN_LENGTH", "8")]);
    assert_eq!(weak.unwrap_err().0[0].setting, "STRONGROOM_PASSWORD_MIN_LENGTH");
    for lacking in [&[production][..], &[("DATABASE_URL", DATABASE)]] {
        assert_eq!(load(lacking).unwrap_err().0[0].setting, owner.0);
    }
}

#[test]
fn admin_and_audit_require_the_master_key() {
    let load = |pairs: &[(&str, &str)]| AuditSettings::load(&Environment::from_pairs(pairs.iter().copied()));
    let owner =
        ("STRONGROOM_DATABASE_OWNER_URL", concat!("postgres://strongroom_owner:", "kT4vq9Lw2z@localhost/strongroom"));
    let production = [("STRONGROOM_PROFILE", "production"), owner];
    let key = "STRONGROOM_SECRETS_MASTER_KEY";
    assert_eq!(load(&production).unwrap_err().0[0].setting, key);
    let weak = load(&[&production[..], &[(key, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]].concat());
    assert_eq!(weak.unwrap_err().0[0].setting, key);
    let strong = [&production[..], &[(key, "c2VhbHMgYXJlIG1hZGUgd2l0aCB0aGlzIG9uZSwgaW4gdGVzdHM")]].concat();
    assert!(load(&strong).is_ok());
}

#[test]
fn secret_from_a_file_is_accepted_unless_it_is_set_twice() {
    let base = Base::production();
    let name = "STRONGROOM_JWT_KEY";
    for text in [OTHER.to_owned(), format!("{OTHER}\n"), format!("{OTHER}\r\n")] {
        let file = base.folder.file("jwt", &text);
        let settings = base.with(&[(name, ""), ("STRONGROOM_JWT_KEY_FILE", &file)]).unwrap();
        assert_eq!(settings.jwt.key.expose_secret(), OTHER);
    }
    let file = base.folder.path("jwt");
    assert_eq!(base.faults(&[("STRONGROOM_JWT_KEY_FILE", &file)]), [name]);
    let empty = base.folder.file("empty", "\n");
    assert_eq!(base.faults(&[(name, ""), ("STRONGROOM_JWT_KEY_FILE", &empty)]), [name]);
    for unusable in ["/nowhere", "/dev/zero", &base.folder.path("")] {
        let faults = base.faults(&[(name, ""), ("STRONGROOM_JWT_KEY_FILE", unusable)]);
        assert_eq!(faults, ["STRONGROOM_JWT_KEY_FILE"], "{unusable}");
    }
    let database = base.folder.file("url", &format!("{DATABASE}\n"));
    assert_eq!(base.faults(&[("DATABASE_URL", ""), ("DATABASE_URL_FILE", &database)]), [""; 0]);
}
