//! All faults of a configuration are reported at once, with the names of the settings, but never with their values.

use std::process::Command;

use secrecy::ExposeSecret;
use strongroom::config::{Environment, JwtAlgorithm, LogFormat, Profile, SETTINGS, Settings};

use super::{Base, Folder, OTHER, STRONG};

#[test]
fn valid_production_configuration_loads() {
    let settings = Base::production().with(&[]).unwrap();
    assert_eq!(settings.profile, Profile::Production);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.jwt.issuer, "https://api.example");
    assert_eq!(settings.jwt.algorithm, JwtAlgorithm::Hs256);
    assert_eq!(settings.cors.allowed_origins, ["https://api.example"]);
    assert_eq!(settings.secrets.master_keys.current.expose_secret(), STRONG.as_bytes());
    assert!(settings.tls.files.is_some() && settings.http.trusted_proxies.is_empty());
}

#[test]
fn production_without_settings_lists_all_missing_ones() {
    let faults = Settings::load(&Environment::from_pairs([("STRONGROOM_PROFILE", "production")])).unwrap_err();
    let named: Vec<&str> = faults.0.iter().map(|fault| fault.setting.as_str()).collect();
    let missing = [
        "STRONGROOM_HTTP_PUBLIC_URL",
        "STRONGROOM_TLS_CERT_FILE",
        "DATABASE_URL",
        "STRONGROOM_SECRETS_MASTER_KEY",
        "STRONGROOM_JWT_KEY",
        "STRONGROOM_MAIL_SMTP_URL",
        "STRONGROOM_MAIL_FROM",
        "STRONGROOM_DOCUMENTS_FOLDER",
    ];
    assert_eq!(named, missing);
    let shown = faults.to_string();
    assert_eq!(shown.lines().count(), 1 + missing.len(), "one fault per line:\n{shown}");
    assert!(missing.iter().all(|name| shown.contains(&format!("\n  {name} is missing"))), "{shown}");
}

/// The event is only a log line, because the service may have no database.
#[test]
fn refused_start_is_a_security_event() {
    let folder = Folder::new();
    let started = |changed: &[(&str, &str)]| {
        let mut service = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        service.env_clear().env("STRONGROOM_DEV_STATE_DIR", folder.path("state")).envs(changed.iter().copied());
        let ended = service.output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let (log, message) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
        (log.lines().filter(|line| line.contains("sys_config_fault")).map(str::to_owned).collect::<Vec<_>>(), message)
    };
    let (events, message) = started(&[("STRONGROOM_HTTP_BIND", "0.0.0.0:0")]);
    let [event] = events.as_slice() else { panic!("one: {events:?}, {message}") };
    assert!(event.contains("settings") && message.contains("STRONGROOM_HTTP_BIND"), "{event}, {message}");
    // The configuration is valid, but its database does not exist.
    let unreachable = "postgres://strongroom_app@127.0.0.1:1/none";
    let (events, message) = started(&[("DATABASE_URL", unreachable), ("STRONGROOM_HTTP_BIND", "127.0.0.1:0")]);
    let [event] = events.as_slice() else { panic!("one: {events:?}, {message}") };
    assert!(event.contains("database"), "{event}, {message}");
}

#[test]
fn all_faults_are_listed_at_once() {
    let weak = [
        ("STRONGROOM_HTTP_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("STRONGROOM_CORS_ALLOWED_ORIGINS", "*,null,http://app.example"),
        ("STRONGROOM_JWT_KEY", "changeme"),
        ("STRONGROOM_JWT_TTL_SECONDS", "86400"),
        ("STRONGROOM_PASSWORD_MIN_LENGTH", "8"),
        ("STRONGROOM_PASSWORD_MEMORY_KIB", "4096"),
        ("STRONGROOM_LIMITS_WRITE", "0/1m"),
        ("DATABASE_URL", concat!("postgres://strongroom_app:", "kT4vq9Lw2z@db.internal/strongroom")),
        ("STRONGROOM_JTW_KEY", "a typo"),
    ];
    let mut named = Base::production().faults(&weak);
    named.sort_unstable();
    let mut expected: Vec<&str> = weak.iter().map(|(name, _)| *name).collect();
    expected.extend(["STRONGROOM_CORS_ALLOWED_ORIGINS"; 2]);
    expected.sort_unstable();
    assert_eq!(named, expected);
}

#[test]
fn unknown_profile_is_a_fault() {
    for other in ["staging", "Production", "prod", "dev", "test", "production "] {
        let faults = Base::production().faults(&[("STRONGROOM_PROFILE", other)]);
        assert_eq!(faults, ["STRONGROOM_PROFILE"], "{other}");
    }
    // An unknown profile must not fall back to development.
    let faults = Base::development().faults(&[("STRONGROOM_PROFILE", "staging")]);
    assert!(faults.contains(&"STRONGROOM_JWT_KEY".to_owned()), "{faults:?}");
}

#[test]
fn empty_setting_is_a_fault() {
    let none = ["STRONGROOM_PROFILE", "STRONGROOM_JWT_KEY", "STRONGROOM_JWT_KEY_FILE", "DATABASE_URL", "PG_BIN"];
    for name in none {
        let base = Base::development();
        let state = base.folder.path("state");
        let pairs = [("STRONGROOM_DEV_STATE_DIR", state.as_str()), (name, "")];
        let faults = Settings::load(&Environment::from_pairs(pairs)).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{faults}");
        assert_eq!(faults.0[0].setting, name);
    }
}

#[test]
fn unknown_setting_is_a_fault_unless_kubernetes_set_it() {
    let base = Base::production();
    for name in ["STRONGROOM_JWT_TTL", "STRONGROOM_JWT_ISSUER_FILE", "STRONGROOM_X_PORT", "STRONGROOM_"] {
        assert_eq!(base.faults(&[(name, "600")]), [name]);
    }
    assert_eq!(base.faults(&[("STRONGROOM_X\n  ALL IS WELL", "1")]), ["STRONGROOM_X\\n  ALL IS WELL"]);
    let kubernetes = [
        ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
        ("STRONGROOM_SERVICE_PORT_HTTPS", "8443"),
        ("STRONGROOM_PORT", "tcp://10.0.0.1:8443"),
        ("STRONGROOM_PORT_8443_TCP_ADDR", "10.0.0.1"),
        ("STRONGROOM_API_SERVICE_HOST", "10.0.0.2"),
        ("STRONGROOM_API_PORT", "tcp://10.0.0.2:8443"),
        ("UNRELATED", ""),
    ];
    assert_eq!(base.faults(&kubernetes), [""; 0]);
}

#[test]
fn faults_never_show_the_value_of_a_setting() {
    let canary = "postgres://c4nary:c4nary@c4nary\n/?c4nary=c4nary";
    let base = Base::production();
    for setting in SETTINGS {
        for name in [setting.name.to_owned(), format!("{}_FILE", setting.name)] {
            if let Err(faults) = base.with(&[(&name, canary)]) {
                assert!(!format!("{faults} {faults:?}").contains("c4nary"), "{faults}");
                assert_eq!(faults.to_string().lines().count(), 1 + faults.0.len(), "{faults}");
            }
        }
    }
    let owner = concat!("postgres://strongroom_owner:", "jR8nWq3Zt@localhost/strongroom");
    let settings = base.with(&[("STRONGROOM_DATABASE_OWNER_URL", owner)]).unwrap();
    for secret in [STRONG, OTHER, "kT4vq9Lw2z", "jR8nWq3Zt", "p4VxR7"] {
        assert!(!format!("{settings:?}").contains(secret), "{secret}");
    }
}
