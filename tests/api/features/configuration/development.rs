//! The development profile generates secrets and reads the file `.env`.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use strongroom::config::{BadEnvironment, Environment, Profile, Settings};

use super::{Base, OTHER};

#[test]
fn development_secrets_are_created_once_and_are_private() {
    let base = Base::development();
    let first = base.with(&[]).unwrap();
    let second = base.with(&[]).unwrap();
    assert_eq!(first.profile, Profile::Development);
    assert!(first.secrets.master_keys.current.expose_secret().len() >= 32);
    assert_eq!(first.secrets.master_keys.current.expose_secret(), second.secrets.master_keys.current.expose_secret());
    assert_eq!(first.jwt.key.expose_secret(), second.jwt.key.expose_secret());
    assert_ne!(first.jwt.key.expose_secret().as_bytes(), first.secrets.master_keys.current.expose_secret());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let secrets = first.state_dir.join("secrets");
    let files: Vec<PathBuf> = fs::read_dir(&secrets).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 5, "two keys, and the passwords of three demo users: {files:?}");
    assert_eq!((mode(&secrets), files.iter().all(|path| mode(path) == 0o600)), (0o700, true));
    // If the test runs as root, PostgreSQL runs as another user, who must be able to traverse the folder.
    assert_eq!(mode(&first.state_dir) & 0o011, 0o011);

    let given = base.with(&[("STRONGROOM_JWT_KEY", OTHER)]).unwrap();
    assert_eq!(given.jwt.key.expose_secret(), OTHER);
    let eddsa = base.with(&[("STRONGROOM_JWT_ALGORITHM", "EdDSA")]).unwrap();
    assert!(eddsa.jwt.key.expose_secret().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn log_hides_chain_heads_in_development_only() {
    let shows_heads = |base: Base, filter: &[(&str, &str)]| {
        base.with(filter).unwrap().log.filter.would_enable("security_head", &tracing::Level::INFO)
    };
    assert!(!shows_heads(Base::development(), &[]));
    assert!(shows_heads(Base::development(), &[("STRONGROOM_LOG_FILTER", "info")]));
    assert!(shows_heads(Base::production(), &[]));
}

#[test]
fn concurrent_first_starts_agree_on_one_key() {
    for _ in 0..20 {
        let base = Base::development();
        let keys: BTreeSet<String> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..8).map(|_| scope.spawn(|| base.with(&[]).unwrap().jwt.key.expose_secret().to_owned())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(keys.len(), 1);
    }
}

#[test]
fn damaged_or_readable_secret_file_is_a_fault() {
    let base = Base::development();
    let key = base.with(&[]).unwrap().state_dir.join("secrets/master_key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(base.faults(&[]), ["STRONGROOM_DEV_STATE_DIR"]);
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(base.faults(&[]), [""; 0]);
    fs::write(&key, "").unwrap();
    assert_eq!(base.faults(&[]), ["STRONGROOM_DEV_STATE_DIR"]);
}

#[test]
fn dot_env_file_adds_variables_and_errors_never_quote_it() {
    let process = || Environment::from_pairs([("STRONGROOM_JWT_AUDIENCE", "process")]);
    let base = Base::development();
    let state = base.folder.path("state");
    let text = format!(
        "\u{feff}# mine\nSTRONGROOM_JWT_AUDIENCE=file\nSTRONGROOM_DEV_STATE_DIR='{state}'\nSTRONGROOM_JWT_TTL_SECONDS=900\n"
    );
    let settings = Settings::load(&process().with_dot_env(&text).unwrap()).unwrap();
    assert_eq!((settings.jwt.audience.as_str(), settings.jwt.ttl.as_secs()), ("process", 900));

    let refused = |text: &str| process().with_dot_env(text).err().unwrap();
    assert_eq!(refused("A=1\nA=2\n"), BadEnvironment::Twice("A".to_owned()));
    assert_eq!(refused("STRONGROOM_PROFILE=production\n"), BadEnvironment::Profile);
    let malformed = refused("A=1\nSTRONGROOM_JWT_KEY=c4nary c4nary 'c4nary\n");
    assert!(!format!("{malformed} {malformed:?}").contains("c4nary"), "{malformed}");
    assert!(malformed.to_string().contains("after A"), "{malformed}");
}

#[test]
fn default_public_url_follows_the_http_address() {
    let base = Base::development();
    for (bind, url) in [
        ("127.0.0.1:8080", "http://localhost:8080"),
        ("127.0.0.1:9000", "http://localhost:9000"),
        ("[::1]:9000", "http://localhost:9000"),
        ("127.0.0.1:80", "http://localhost"),
        ("127.0.0.7:9000", "http://127.0.0.7:9000"),
        ("127.0.0.1:0", "http://localhost:8080"),
    ] {
        let settings = base.with(&[("STRONGROOM_HTTP_BIND", bind)]).unwrap();
        assert_eq!(settings.http.public_url, url, "{bind}");
        assert!(settings.cors.allowed_origins.contains(&url.to_owned()));
    }
    let given = [("STRONGROOM_HTTP_BIND", "127.0.0.1:9000"), ("STRONGROOM_HTTP_PUBLIC_URL", "http://localhost:3000")];
    assert_eq!(base.with(&given).unwrap().http.public_url, "http://localhost:3000");
}
