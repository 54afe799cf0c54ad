//! Every setting, with its default and its meaning. A setting that is read must stand here; a test compares the list with
//! `.env.example`, and a `STRONGROOM_…` variable that does not stand here is a fault: a typo must not leave a default in force.

/// One setting.
pub struct Setting {
    pub name: &'static str,
    /// Empty: none. What depends on the profile or the machine is said in `meaning`.
    pub default: &'static str,
    /// Whether `NAME_FILE` may name a file that holds it.
    pub secret: bool,
    pub meaning: &'static str,
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, secret: false, meaning }
}

const fn secret(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default: "", secret: true, meaning }
}

/// The list, in the order of `.env.example`.
#[rustfmt::skip]
pub const SETTINGS: [Setting; 49] = [
    plain("STRONGROOM_PROFILE", "development", "development (loopback only) or production"),
    plain("STRONGROOM_DEV_STATE_DIR", ".strongroom", "Development's own folder: database, keys, certificate, mail"),

    plain("STRONGROOM_HTTP_BIND", "127.0.0.1:8080", "Plain HTTP. In production it serves a declared proxy only and refuses everybody else"),
    plain("STRONGROOM_HTTP_PUBLIC_URL", "http://localhost:8080", "What clients type; links in mails begin with it. Production needs it, with https"),
    plain("STRONGROOM_HTTP_TRUSTED_PROXIES", "", "Addresses or networks of proxies whose X-Forwarded-For counts, separated by commas"),
    plain("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "false", "true: a trusted proxy speaks TLS with the clients"),
    plain("STRONGROOM_HTTP_WORKERS", "", "Worker threads. Default: one a core"),
    plain("STRONGROOM_HTTP_SHUTDOWN_SECONDS", "15", "How long running requests may take to finish at the end"),
    plain("STRONGROOM_TLS_BIND", "127.0.0.1:8443", "HTTPS"),
    plain("STRONGROOM_TLS_CERT_FILE", "", "PEM, the chain. Development makes its own"),
    plain("STRONGROOM_TLS_KEY_FILE", "", "PEM, the private key"),

    secret("DATABASE_URL", "PostgreSQL, as the role strongroom_app; sslmode=verify-full unless on loopback or a unix socket. Development starts its own"),
    secret("STRONGROOM_DATABASE_OWNER_URL", "The same database as the role strongroom_owner: for `migrate` and `admin` alone"),
    plain("STRONGROOM_DATABASE_MAX_CONNECTIONS", "16", "Size of the pool"),
    plain("STRONGROOM_DATABASE_ACQUIRE_SECONDS", "3", "How long a request waits for a connection before its 503"),
    plain("STRONGROOM_DATABASE_STATEMENT_SECONDS", "5", "How long a statement may run"),
    plain("PG_BIN", "", "Where PostgreSQL's programs are, for development's own database. Default: found"),

    secret("STRONGROOM_SECRETS_MASTER_KEY", "At least 32 random bytes as text (openssl rand -base64 48). Development makes its own"),
    plain("STRONGROOM_JWT_ALGORITHM", "HS256", "HS256, or EdDSA when other services verify our tokens"),
    secret("STRONGROOM_JWT_KEY", "HS256: at least 32 random bytes as text. EdDSA: a PKCS#8 PEM (openssl genpkey -algorithm ed25519). Development makes its own"),
    secret("STRONGROOM_JWT_PREVIOUS_KEY", "While keys are exchanged: still verifies, no longer signs"),
    plain("STRONGROOM_JWT_ISSUER", "", "Default: the public URL"),
    plain("STRONGROOM_JWT_AUDIENCE", "strongroom", "Who our tokens are for"),
    plain("STRONGROOM_JWT_TTL_SECONDS", "600", "Life of an access token, 60 to 3600"),
    plain("STRONGROOM_SESSION_IDLE_SECONDS", "604800", "A session that is not renewed for so long has ended"),
    plain("STRONGROOM_SESSION_ABSOLUTE_SECONDS", "2592000", "A session ends after so long, whatever happens"),
    plain("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", "10", "A refresh token used twice within so long is two tabs, later it is theft; 0 to 30"),

    plain("STRONGROOM_PASSWORD_MIN_LENGTH", "12", "Characters, 12 to 20. NIST advises 15 where there is no second factor"),
    plain("STRONGROOM_PASSWORD_MEMORY_KIB", "19456", "argon2id memory; not below OWASP's equal-strength rows"),
    plain("STRONGROOM_PASSWORD_ITERATIONS", "2", "argon2id passes"),
    plain("STRONGROOM_PASSWORD_PARALLELISM", "1", "argon2id lanes"),
    plain("STRONGROOM_PASSWORD_HASH_SLOTS", "", "Hashes at once. Default: one a core, at most 4"),
    plain("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", "2", "How long a sign-in waits for its hash before its 503"),

    plain("STRONGROOM_CORS_ALLOWED_ORIGINS", "", "Origins of web pages that may call, separated by commas. Our own is always allowed"),
    secret("STRONGROOM_MAIL_SMTP_URL", "smtps://user:password@host:465, or smtp://…:587?tls=required. Development writes files instead"),
    plain("STRONGROOM_MAIL_SMTP_CA_FILE", "", "PEM of the authority that signed the mail server's certificate. Default: the public ones"),
    plain("STRONGROOM_MAIL_FROM", "Strongroom <no-reply@localhost>", "The sender of our mails. Production needs one of its own"),

    plain("STRONGROOM_LIMITS_STANDARD", "200/15m", "Reads: so many requests (count/window in s, m or h) to one route by one address, and by one user"),
    plain("STRONGROOM_LIMITS_SIGN_IN", "1000/15m", "Sign-ins, right or wrong: bounds the capacity they take; failures are counted apart, below"),
    plain("STRONGROOM_LIMITS_REGISTRATION", "10/1h", "Asking to join, and answering the mail"),
    plain("STRONGROOM_LIMITS_RESET", "10/1h", "Asking for a new password, and answering the mail"),
    plain("STRONGROOM_LIMITS_REFRESH", "120/15m", "Renewing an access token"),
    plain("STRONGROOM_LIMITS_WRITE", "100/15m", "Anything that changes a row"),
    plain("STRONGROOM_LIMITS_UNKNOWN_PATH", "200/15m", "Paths that do not exist"),

    plain("STRONGROOM_LOGIN_FAILURES_PER_PAIR", "5/1h", "Failed sign-ins of one identifier from one address, then 429"),
    plain("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "20/1h", "Failed sign-ins from one address, then 429"),
    plain("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "10/15m", "Failed sign-ins of one identifier from anywhere, then any password is wrong"),

    plain("STRONGROOM_LOG_FILTER", "info,actix_server=warn,actix_http::h1=off,sqlx::postgres::notice=warn,reqwest_retry=error", "As tracing's EnvFilter; actix_http::h1 would log each malformed request"),
    plain("STRONGROOM_LOG_FORMAT", "", "json or text. Default: json in production, text in development"),
];
