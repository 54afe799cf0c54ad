//! The configuration starts when it holds, and says everything that does not (S8, S58, S59, SECURITY F13).

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use strongroom::config::{BadEnvironment, Environment, Faults, JwtAlgorithm, LogFormat, Network, Profile, Rate};
use strongroom::config::{OwnerSettings, SETTINGS, Settings};

const STRONG: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";
const OTHER: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
// In two parts, here and below: what looks for secrets in sources should not cry wolf.
const DATABASE: &str = concat!("postgres://strongroom_app:", "kT4vq9Lw2z@db.internal/strongroom?sslmode=verify-full");

/// A folder of its own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("strongroom-config-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Settings of a base, with some changed. An empty change takes the setting out.
struct Base {
    folder: Folder,
    pairs: Vec<(String, String)>,
}

impl Base {
    fn production() -> Self {
        let folder = Folder::new();
        let certificate = folder.file("cert.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
        let key = folder.file("key.pem", PEM);
        let pairs = [
            ("STRONGROOM_PROFILE", "production"),
            ("STRONGROOM_HTTP_PUBLIC_URL", "https://api.example"),
            ("STRONGROOM_TLS_BIND", "0.0.0.0:8443"),
            ("STRONGROOM_TLS_CERT_FILE", &certificate),
            ("STRONGROOM_TLS_KEY_FILE", &key),
            ("DATABASE_URL", DATABASE),
            ("STRONGROOM_SECRETS_MASTER_KEY", STRONG),
            ("STRONGROOM_JWT_KEY", OTHER),
            ("STRONGROOM_MAIL_SMTP_URL", "smtps://mailer:p4VxR7@mail.internal"),
            ("STRONGROOM_MAIL_FROM", "Strongroom <no-reply@api.example>"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder, pairs }
    }

    fn development() -> Self {
        let folder = Folder::new();
        let state = folder.path("state");
        Self { folder, pairs: vec![("STRONGROOM_DEV_STATE_DIR".to_owned(), state)] }
    }

    fn with(&self, changed: &[(&str, &str)]) -> Result<Settings, Faults> {
        let kept = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let changed = changed.iter().copied().filter(|(_, value)| !value.is_empty());
        Settings::load(&Environment::from_pairs(kept.chain(changed)))
    }

    fn faults(&self, changed: &[(&str, &str)]) -> Vec<String> {
        match self.with(changed) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.0.into_iter().map(|fault| fault.setting).collect(),
        }
    }

    /// Each value is refused, by exactly one fault, which names the setting.
    fn refuses(&self, setting: &str, values: &[&str]) {
        for value in values {
            assert_eq!(self.faults(&[(setting, value)]), [setting], "{setting}={value}");
        }
    }

    fn accepts(&self, setting: &str, values: &[&str]) {
        for value in values {
            assert_eq!(self.faults(&[(setting, value)]), [""; 0], "{setting}={value}");
        }
    }
}

#[test]
fn a_good_production_configuration_starts() {
    let settings = Base::production().with(&[]).unwrap();
    assert_eq!(settings.profile, Profile::Production);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.jwt.issuer, "https://api.example");
    assert_eq!(settings.jwt.algorithm, JwtAlgorithm::Hs256);
    assert_eq!(settings.cors.allowed_origins, ["https://api.example"]);
    assert_eq!(settings.secrets.master_key.expose_secret(), STRONG.as_bytes());
    assert!(settings.tls.files.is_some() && settings.http.trusted_proxies.is_empty());
}

#[test]
fn production_with_nothing_configured_lists_everything_that_is_missing() {
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
    ];
    assert_eq!(named, missing);
    let shown = faults.to_string();
    assert_eq!(shown.lines().count(), 1 + missing.len(), "one fault a line:\n{shown}");
    assert!(missing.iter().all(|name| shown.contains(&format!("\n  {name} is missing"))), "{shown}");
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
fn there_are_two_profiles_and_no_third() {
    for other in ["staging", "Production", "prod", "dev", "test", "production "] {
        let faults = Base::production().faults(&[("STRONGROOM_PROFILE", other)]);
        assert_eq!(faults, ["STRONGROOM_PROFILE"], "{other}");
    }
    // Whoever means something else must not get the lenient profile by mistake.
    let faults = Base::development().faults(&[("STRONGROOM_PROFILE", "staging")]);
    assert!(faults.contains(&"STRONGROOM_JWT_KEY".to_owned()), "{faults:?}");
}

#[test]
fn a_setting_that_is_set_to_nothing_is_a_fault_and_no_default() {
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
        "5f4dcc3b5aa765d61d8327deb882cf99", // 32 digits: a hash, or 128 bits
        "                                        ",
        PEM,
    ];
    for name in ["STRONGROOM_JWT_KEY", "STRONGROOM_JWT_PREVIOUS_KEY", "STRONGROOM_SECRETS_MASTER_KEY"] {
        Base::production().refuses(name, &weak);
        Base::development().refuses(name, &weak);
    }
}

#[test]
fn random_keys_of_every_usual_form_are_accepted() {
    for _ in 0..500 {
        let mut bytes = [0_u8; 48];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        let hex: String = bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
        let base = Base::production();
        base.accepts("STRONGROOM_JWT_KEY", &[&hex, &STANDARD.encode(&bytes[..32]), &STANDARD.encode(bytes)]);
    }
}

#[test]
fn one_key_is_not_used_twice() {
    let base = Base::production();
    base.refuses("STRONGROOM_JWT_KEY", &[STRONG]);
    base.refuses("STRONGROOM_JWT_PREVIOUS_KEY", &[OTHER]);
}

#[test]
fn an_eddsa_key_is_a_private_key_in_pem() {
    let base = Base::production();
    let with = |key| base.faults(&[("STRONGROOM_JWT_ALGORITHM", "EdDSA"), ("STRONGROOM_JWT_KEY", key)]);
    assert_eq!(with(PEM), [""; 0]);
    for key in ["7f3kq9Lw2zRt5vB8xYp4", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----", ""] {
        assert_eq!(with(key), ["STRONGROOM_JWT_KEY"], "{key}");
    }
    base.refuses("STRONGROOM_JWT_ALGORITHM", &["none", "RS256", "hs256", "HS512"]);
}

#[test]
fn the_database_is_reached_by_verified_tls_or_not_at_all() {
    let base = Base::production();
    let login = "postgres://strongroom_app:kT4vq9Lw2z";
    let url = |rest: &str| format!("{login}@{rest}");
    let weak = [
        url("db.internal/strongroom"),
        url("db.internal/strongroom?sslmode=disable"),
        url("db.internal/strongroom?sslmode=prefer"),
        url("db.internal/strongroom?sslmode=require"),
        url("db.internal/strongroom?sslmode=verify-ca"),
        // What stands later wins.
        url("db.internal/strongroom?sslmode=verify-full&sslmode=disable"),
        url("db.internal/strongroom?sslmode=verify-full&ssl-mode=allow"),
        url("localhost/strongroom?host=db.internal"),
        url("localhost/strongroom?hostaddr=203.0.113.7"),
        // Not this machine, whatever it looks like.
        url("localhost.evil.example/strongroom"),
        url("127.0.0.1.evil.example/strongroom"),
        url("localhost@evil.example/strongroom"),
        url("128.0.0.1/strongroom"),
        url("[2001:db8::1]/strongroom"),
        // Not understood, so not in force.
        url("localhost/strongroom?sslmod=verify-full"),
        url("db.internal/strongroom?SSLMODE=verify-full"),
        concat!("mysql://strongroom_app:", "kT4vq9Lw2z@localhost/strongroom").to_owned(),
        "db.internal".to_owned(),
        // Everybody's passwords, and roles that row-level security does not bind.
        concat!("postgres://strongroom_app:", "changeme@localhost/strongroom").to_owned(),
        concat!("postgres://strongroom_app:", "Strongroom_App@localhost/strongroom").to_owned(),
        "postgres://strongroom_app@localhost/strongroom?password=postgres".to_owned(),
        concat!("postgres://postgres:", "kT4vq9Lw2z@localhost/strongroom").to_owned(),
    ];
    base.refuses("DATABASE_URL", &weak.each_ref().map(String::as_str));
    let strong = [
        url("db.internal/strongroom?sslmode=verify-full"),
        url("localhost/strongroom"),
        url("127.0.0.1:5433/strongroom"),
        url("[::1]/strongroom"),
        url("localhost/strongroom?host=/run/postgresql"),
        url("%2Frun%2Fpostgresql/strongroom"),
        "postgresql:///strongroom?host=/run/postgresql&user=strongroom_app".to_owned(),
    ];
    base.accepts("DATABASE_URL", &strong.each_ref().map(String::as_str));
    base.refuses(
        "STRONGROOM_DATABASE_OWNER_URL",
        &[concat!("postgres://strongroom_owner:", "kT4vq9Lw2z@db.internal/strongroom")],
    );
    // The same role for both would take two walls away.
    assert_eq!(base.faults(&[("STRONGROOM_DATABASE_OWNER_URL", DATABASE)]), ["DATABASE_URL"]);
}

#[test]
fn migrate_asks_for_the_owners_way_in_and_for_no_other_secret() {
    let load = |pairs: &[(&str, &str)]| OwnerSettings::load(&Environment::from_pairs(pairs.iter().copied()));
    let production = ("STRONGROOM_PROFILE", "production");
    let owner =
        ("STRONGROOM_DATABASE_OWNER_URL", concat!("postgres://strongroom_owner:", "kT4vq9Lw2z@localhost/strongroom"));
    let way_in = load(&[production, owner]).unwrap().database.owner_url.unwrap();
    assert_eq!(way_in.get_username(), "strongroom_owner");
    assert!(load(&[]).unwrap().database.owner_url.is_none());
    // These commands cannot check passwords more weakly than the service.
    let weak = load(&[production, owner, ("STRONGROOM_PASSWORD_MIN_LENGTH", "8")]);
    assert_eq!(weak.unwrap_err().0[0].setting, "STRONGROOM_PASSWORD_MIN_LENGTH");
    for lacking in [&[production][..], &[("DATABASE_URL", DATABASE)]] {
        assert_eq!(load(lacking).unwrap_err().0[0].setting, owner.0);
    }
}

#[test]
fn production_has_tls_or_a_declared_proxy() {
    let base = Base::production();
    let (certificate, key) = ("STRONGROOM_TLS_CERT_FILE", "STRONGROOM_TLS_KEY_FILE");
    let (by_proxy, proxies) = ("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "STRONGROOM_HTTP_TRUSTED_PROXIES");
    let none = [(certificate, ""), (key, "")];
    assert_eq!(base.faults(&none), [certificate]);
    assert_eq!(base.faults(&[none[0], none[1], (by_proxy, "true"), (proxies, "10.0.0.7")]), [""; 0]);
    assert_eq!(base.faults(&[none[0], none[1], (proxies, "10.0.0.7")]), [certificate]);
    assert_eq!(base.faults(&[(by_proxy, "true")]), [by_proxy]);
    assert_eq!(base.faults(&[none[0]]), [certificate]);
    assert_eq!(base.faults(&[none[1]]), [key]);
    base.refuses(by_proxy, &["yes", "1", "TRUE"]);
    let folder = base.folder.path("");
    let swapped = base.folder.path("key.pem");
    base.refuses(certificate, &["/nowhere/cert.pem", &folder, &swapped]);
    base.refuses(key, &["/nowhere/key.pem", &base.folder.path("cert.pem")]);
}

#[test]
fn nobody_trusts_half_the_world_as_a_proxy() {
    let wide = [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0/7",
        "2000::/15",
        "::ffff:0.0.0.0/96",
        "::ffff:10.0.0.0/24",
        "10.0.0.1, 0.0.0.0/0",
    ];
    let malformed = [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.0/",
        "10.0.0",
        "proxy.internal",
        "fd00::1/64",
        "10.0.0.0/8/8",
    ];
    let base = Base::production();
    base.refuses("STRONGROOM_HTTP_TRUSTED_PROXIES", &wide);
    base.refuses("STRONGROOM_HTTP_TRUSTED_PROXIES", &malformed);
    let good = "10.0.0.0/8, 192.0.2.7 ,fd00::/16,::ffff:198.51.100.0/120";
    let proxies = base.with(&[("STRONGROOM_HTTP_TRUSTED_PROXIES", good)]).unwrap().http.trusted_proxies;
    let trusted = |address: &str| proxies.iter().any(|network| network.contains(address.parse().unwrap()));
    for inside in ["10.255.255.255", "::ffff:10.0.0.1", "192.0.2.7", "fd00:ffff::1", "198.51.100.200"] {
        assert!(trusted(inside), "{inside}");
    }
    for outside in ["11.0.0.0", "9.255.255.255", "192.0.2.6", "192.0.2.8", "fd01::1", "198.51.101.0", "::10.0.0.1"] {
        assert!(!trusted(outside), "{outside}");
    }
    let one: Network = "2001:db8::1".parse().unwrap();
    assert!(one.contains("2001:db8::1".parse().unwrap()) && !one.contains("2001:db8::2".parse().unwrap()));
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    let wrong = [
        "*",
        "null",
        "https://*",
        "https://*.example/",
        "http://app.example",
        "http://localhost:3000",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://app.example#x",
        "https://user@app.example",
        "https://user:password@app.example",
        "https://APP.example",
        "HTTPS://app.example",
        "https://app.example:443",
        "https://app.example:+443",
        "https://app.example:0443",
        "https://app.example:",
        "https://",
        "https:///app.example",
        "https:app.example",
        "https://\u{e4}pp.example",
        "https://app.example.:99999",
        "https://127.1",
        "https://[0::1]",
        "ftp://app.example",
        "file:///",
        "data:text/html;x",
        "ws://app.example",
        "https://app.example https://evil.example",
        "https://app.example\\@evil.example",
    ];
    let base = Base::production();
    base.refuses("STRONGROOM_CORS_ALLOWED_ORIGINS", &wrong);
    base.refuses("STRONGROOM_HTTP_PUBLIC_URL", &wrong);
    let right = ["https://app.example", "https://app.example:8443", "https://xn--pp-1ia.example", "https://[::1]:8443"];
    base.accepts("STRONGROOM_CORS_ALLOWED_ORIGINS", &right);
    base.accepts("STRONGROOM_HTTP_PUBLIC_URL", &right);
    let both = base.with(&[("STRONGROOM_CORS_ALLOWED_ORIGINS", "https://app.example, https://api.example")]).unwrap();
    assert_eq!(both.cors.allowed_origins, ["https://api.example", "https://app.example"]);

    let development = Base::development();
    let own = ["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000", "https://app.example"];
    development.accepts("STRONGROOM_CORS_ALLOWED_ORIGINS", &own);
    let others = ["http://app.example", "http://localhost.evil.example", "http://192.168.0.7", "http://localhost:80"];
    development.refuses("STRONGROOM_CORS_ALLOWED_ORIGINS", &others);
}

#[test]
fn mail_leaves_encrypted() {
    let name = "STRONGROOM_MAIL_SMTP_URL";
    let plain = [
        "smtp://mail.internal",
        "smtp://mail.internal?tls=opportunistic",
        "smtp://mail.internal?tls=opportunistic&x=?tls=required",
        "smtp://mail.internal?tls=opportunistic&tls=required",
        "smtp://mail.internal#?tls=required",
        "smtps://",
        "https://mail.internal",
        "mail.internal:465",
    ];
    let production = Base::production();
    production.refuses(name, &plain);
    production.refuses(name, &["smtp://localhost:1025"]);
    production.accepts(name, &["smtps://mail.internal:465", "smtp://u:p@mail.internal:587?tls=required"]);
    production.refuses("STRONGROOM_MAIL_FROM", &["nobody", "a@b\nBcc: c@d.example", "@api.example"]);
    production.refuses("STRONGROOM_MAIL_SMTP_CA_FILE", &["/nowhere/ca.pem", &production.folder.path("key.pem")]);
    let development = Base::development();
    development.refuses(name, &plain);
    development.accepts(name, &["smtp://localhost:1025", "smtp://127.0.0.1:1025"]);
}

#[test]
fn hashes_are_not_cheaper_than_owasps_floor_nor_dearer_than_the_machine() {
    let base = Base::production();
    let faults = |memory: &str, passes: &str| {
        base.faults(&[("STRONGROOM_PASSWORD_MEMORY_KIB", memory), ("STRONGROOM_PASSWORD_ITERATIONS", passes)])
    };
    for (memory, passes) in [("47104", "1"), ("19456", "2"), ("12288", "3"), ("9216", "4"), ("7168", "5")] {
        assert_eq!(faults(memory, passes), [""; 0], "{memory} {passes}");
        let less = (memory.parse::<u32>().unwrap() - 1).to_string();
        assert_eq!(faults(&less, passes), ["STRONGROOM_PASSWORD_MEMORY_KIB"], "{less} {passes}");
    }
    base.refuses("STRONGROOM_PASSWORD_MEMORY_KIB", &["4194304", "-1", "19 MiB"]);
    base.refuses("STRONGROOM_PASSWORD_ITERATIONS", &["1000", "21"]);
    base.refuses("STRONGROOM_PASSWORD_PARALLELISM", &["0", "9"]);
    base.refuses("STRONGROOM_PASSWORD_HASH_SLOTS", &["0", "65"]);
    let too_much = [("STRONGROOM_PASSWORD_MEMORY_KIB", "1048576"), ("STRONGROOM_PASSWORD_HASH_SLOTS", "5")];
    assert_eq!(base.faults(&too_much), ["STRONGROOM_PASSWORD_MEMORY_KIB"]);
    base.refuses("STRONGROOM_PASSWORD_MIN_LENGTH", &["0", "8", "11", "21", "64"]);
    base.accepts("STRONGROOM_PASSWORD_MIN_LENGTH", &["12", "15", "20"]);
}

#[test]
fn lives_and_limits_are_bounded() {
    let base = Base::production();
    base.refuses("STRONGROOM_JWT_TTL_SECONDS", &["0", "59", "3601", "600.5", "10m"]);
    base.refuses("STRONGROOM_SESSION_IDLE_SECONDS", &["0", "99999999"]);
    base.refuses("STRONGROOM_SESSION_ABSOLUTE_SECONDS", &["99999999", "604799", "x"]);
    base.refuses("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", &["31", "-1"]);
    base.accepts("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", &["0", "30"]);
    base.refuses("STRONGROOM_DATABASE_ACQUIRE_SECONDS", &["0", "60"]);
    base.refuses(
        "STRONGROOM_LIMITS_STANDARD",
        &["0/15m", "200/0m", "200", "200/", "/15m", "200/15", "200/15w", "200/25h", "200/m", "-1/1m", "1/\u{e4}"],
    );
    base.accepts("STRONGROOM_LIMITS_STANDARD", &["200/15m", "30/60s", "5/1h"]);
    assert_eq!("30/60s".parse(), Ok(Rate { count: 30, window: std::time::Duration::from_secs(60) }));
    // NIST SP 800-63B: a hundred guesses at one account, and no more.
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", &["101/1h", "26/15m", "101/24h", "1/30s"]);
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_PAIR", &["1000/1h", "5"]);
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", &["1001/1h"]);
    base.accepts("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", &["100/1h", "25/15m"]);
}

#[test]
fn production_does_not_log_what_libraries_read() {
    let base = Base::production();
    base.refuses(
        "STRONGROOM_LOG_FILTER",
        &["trace", "info,sqlx=trace", "5", "info,rustls", "info,x[y]=trace", "a=b=c"],
    );
    base.accepts("STRONGROOM_LOG_FILTER", &["info", "warn,strongroom=debug"]);
    base.refuses("STRONGROOM_LOG_FORMAT", &["xml"]);
    Base::development().accepts("STRONGROOM_LOG_FILTER", &["trace"]);
}

#[test]
fn development_listens_on_loopback_only() {
    let base = Base::development();
    for name in ["STRONGROOM_HTTP_BIND", "STRONGROOM_TLS_BIND"] {
        base.refuses(
            name,
            &["0.0.0.0:8080", "[::]:8080", "192.168.0.7:8080", "203.0.113.7:80", "localhost", "8080", ":8080"],
        );
        base.accepts(name, &["127.0.0.1:0", "[::1]:8080", "127.0.0.53:8080"]);
    }
    Base::production().accepts("STRONGROOM_HTTP_BIND", &["0.0.0.0:8080"]);
}

#[test]
fn a_misspelt_setting_is_a_fault_and_kubernetes_variables_are_none() {
    let base = Base::production();
    for name in ["STRONGROOM_JWT_TTL", "STRONGROOM_JWT_ISSUER_FILE", "STRONGROOM_X_PORT", "STRONGROOM_"] {
        assert_eq!(base.faults(&[(name, "600")]), [name]);
    }
    assert_eq!(base.faults(&[("STRONGROOM_X\n  ALL IS WELL", "1")]), ["STRONGROOM_X\\n  ALL IS WELL"]);
    let of_kubernetes = [
        ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
        ("STRONGROOM_SERVICE_PORT_HTTPS", "8443"),
        ("STRONGROOM_PORT", "tcp://10.0.0.1:8443"),
        ("STRONGROOM_PORT_8443_TCP_ADDR", "10.0.0.1"),
        ("STRONGROOM_API_SERVICE_HOST", "10.0.0.2"),
        ("STRONGROOM_API_PORT", "tcp://10.0.0.2:8443"),
        ("UNRELATED", ""),
    ];
    assert_eq!(base.faults(&of_kubernetes), [""; 0]);
}

#[test]
fn a_secret_may_come_from_a_file_but_not_twice() {
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

#[test]
fn no_value_is_ever_shown() {
    let canary = "postgres://c4nary:c4nary@c4nary\n/?c4nary=c4nary";
    let base = Base::production();
    for setting in &SETTINGS {
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

#[test]
fn development_makes_its_secrets_once_and_keeps_them_for_itself() {
    let base = Base::development();
    let first = base.with(&[]).unwrap();
    let second = base.with(&[]).unwrap();
    assert_eq!(first.profile, Profile::Development);
    assert!(first.secrets.master_key.expose_secret().len() >= 32);
    assert_eq!(first.secrets.master_key.expose_secret(), second.secrets.master_key.expose_secret());
    assert_eq!(first.jwt.key.expose_secret(), second.jwt.key.expose_secret());
    assert_ne!(first.jwt.key.expose_secret().as_bytes(), first.secrets.master_key.expose_secret());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let secrets = first.state_dir.join("secrets");
    let kept: Vec<PathBuf> = fs::read_dir(&secrets).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 4, "the two keys, and the two demo users' passwords: {kept:?}");
    assert_eq!((mode(&secrets), kept.iter().all(|path| mode(path) == 0o600)), (0o700, true));
    // PostgreSQL runs as a user of its own where we are root, and must get through to its data.
    assert_eq!(mode(&first.state_dir) & 0o011, 0o011);

    let given = base.with(&[("STRONGROOM_JWT_KEY", OTHER)]).unwrap();
    assert_eq!(given.jwt.key.expose_secret(), OTHER);
    let eddsa = base.with(&[("STRONGROOM_JWT_ALGORITHM", "EdDSA")]).unwrap();
    assert!(eddsa.jwt.key.expose_secret().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn two_first_starts_at_once_end_with_one_key() {
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
fn a_kept_secret_that_is_damaged_or_readable_by_others_is_a_fault() {
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
fn a_dot_env_file_adds_to_the_environment_and_never_shows_its_lines() {
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
    assert!(malformed.to_string().contains("below A"), "{malformed}");
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Both ways, and in the same order: each setting with its meaning and its default.
#[test]
fn the_example_file_says_what_the_code_does() {
    let example = fs::read_to_string(repository(".env.example")).unwrap();
    let mut expected = String::new();
    for setting in &SETTINGS {
        assert!(!setting.meaning.is_empty(), "{}", setting.name);
        let file = if setting.secret { format!(" (or {}_FILE)", setting.name) } else { String::new() };
        expected += &format!("# {}{file}\n#{}={}\n", setting.meaning, setting.name, setting.default);
    }
    let (_, written) = example.split_once("\n\n").unwrap();
    let written: String = written.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    assert_eq!(written, expected);
}

#[test]
fn the_example_file_works_as_it_is() {
    let base = Base::development();
    let state = base.folder.path("state");
    let example = fs::read_to_string(repository(".env.example")).unwrap();
    let environment = Environment::from_pairs([("STRONGROOM_DEV_STATE_DIR", state.as_str())]);
    assert!(Settings::load(&environment.with_dot_env(&example).unwrap()).is_ok());
    // And with every default written out.
    let uncommented: String = example
        .lines()
        .filter(|line| line.starts_with("#STRONGROOM_") && !line.ends_with('='))
        .map(|line| format!("{}\n", line.trim_start_matches('#').replacen('=', "='", 1) + "'"))
        .collect();
    let environment = Environment::from_pairs([("STRONGROOM_DEV_STATE_DIR", state.as_str())]);
    Settings::load(&environment.with_dot_env(&uncommented).unwrap()).unwrap();
}

#[test]
fn every_listed_setting_is_read() {
    let sources = fs::read_dir(repository("src/config")).unwrap().map(|entry| entry.unwrap().path());
    let code: String =
        sources.filter(|path| !path.ends_with("catalog.rs")).map(|path| fs::read_to_string(path).unwrap()).collect();
    for setting in &SETTINGS {
        assert!(code.contains(&format!("\"{}\"", setting.name)), "{} does nothing", setting.name);
    }
}
