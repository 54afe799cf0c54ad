//! The list of all settings with defaults and descriptions. A test compares it with `.env.example`. An unknown `STRONGROOM_…` variable is
//! a fault, because a typo would silently leave a default in force.

/// One setting.
pub struct Setting {
    pub name: &'static str,
    /// Empty if there is none. `meaning` describes a default that depends on the profile or the machine.
    pub default: &'static str,
    /// Whether `NAME_FILE` may name a file with the value.
    pub secret: bool,
    pub meaning: &'static str,
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, secret: false, meaning }
}

const fn secret(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default: "", secret: true, meaning }
}

/// All settings, in the order of `.env.example`.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    plain("STRONGROOM_PROFILE", "development", "development (loopback only) or production"),
    plain("STRONGROOM_REPLICA", "", "The name of this process in security events: letters, digits, dots, hyphens and underscores. Default: the host name"),
    #[cfg(feature = "dev")]
    plain("STRONGROOM_DEV_STATE_DIR", ".strongroom", "The folder of the development profile: database, keys, certificate, mail, documents"),

    plain("STRONGROOM_HTTP_BIND", "127.0.0.1:8080", "Address for plain HTTP. In production it serves only trusted proxies; other clients are refused"),
    plain("STRONGROOM_HTTP_PUBLIC_URL", "", "The URL that clients use; links in mails and problem types begin with it. Required in production, with https. Default in development: the address of STRONGROOM_HTTP_BIND"),
    plain("STRONGROOM_HTTP_SECURITY_CONTACT", "", "Contact for vulnerability reports in security.txt (RFC 9116): a mailto:, https: or tel: URI. Default: mailto:security@ and the host of the public URL"),
    plain("STRONGROOM_HTTP_TRUSTED_PROXIES", "", "Trusted proxies: addresses or networks, separated by commas. Only their X-Forwarded-For is read. Forwarded (RFC 7239) is never read: let the proxy write X-Forwarded-For"),
    plain("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "false", "true if a trusted proxy terminates TLS"),
    plain("STRONGROOM_HTTP_DOCS", "", "true to serve /docs, a page to read and try the API. Default: true in development, false in production"),
    plain("STRONGROOM_HTTP_WORKERS", "", "Worker threads. Default: one per core"),
    plain("STRONGROOM_HTTP_MAX_CONNECTIONS", "8192", "Maximum number of connections; the limit of open files can lower it"),
    plain("STRONGROOM_HTTP_MAX_CONNECTIONS_PER_ADDRESS", "512", "Maximum number of connections of one client address (IPv6: of a /56). Does not apply to trusted proxies"),
    plain("STRONGROOM_HTTP_KEEP_ALIVE_SECONDS", "75", "How long a connection may be idle between two requests. Must exceed the idle timeout of the load balancer (often 60), which would otherwise use closing connections (502)"),
    plain("STRONGROOM_HTTP_DRAIN_SECONDS", "", "On SIGTERM: how long readiness is 503 while requests are still served. Must exceed the check interval of the load balancer. Default: 5 in production, 0 in development"),
    plain("STRONGROOM_HTTP_SHUTDOWN_SECONDS", "15", "After that: how long running requests may take to finish"),
    plain("STRONGROOM_TLS_BIND", "127.0.0.1:8443", "Address for HTTPS"),
    plain("STRONGROOM_TLS_CERT_FILE", "", "Certificate chain, PEM. Development creates its own"),
    plain("STRONGROOM_TLS_KEY_FILE", "", "Private key, PEM"),

    secret("DATABASE_URL", "PostgreSQL as the role strongroom_app, with sslmode=verify-full unless on loopback or a Unix socket. Development starts its own server"),
    secret("STRONGROOM_DATABASE_OWNER_URL", "The same database as the role strongroom_owner, only for the commands `migrate`, `admin` and `audit`"),
    plain("STRONGROOM_DATABASE_MAX_CONNECTIONS", "16", "Size of the connection pool"),
    plain("STRONGROOM_DATABASE_ACQUIRE_SECONDS", "3", "How long a request waits for a connection before its 503"),
    plain("STRONGROOM_DATABASE_STATEMENT_SECONDS", "5", "How long a statement may run before it is cancelled"),
    #[cfg(feature = "dev")]
    plain("PG_BIN", "", "Folder with PostgreSQL's programs, for the development database. Default: searched"),

    secret("STRONGROOM_SECRETS_MASTER_KEY", "At least 32 random bytes as text (openssl rand -base64 48); `admin` and `audit` need it too. Development creates its own"),
    secret("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", "The previous master key during rotation (docs/administration.md): verifies, but does not sign"),
    secret("STRONGROOM_INSECURE_DEMO_PASSWORD", "Creates demo data in production: users anna@demo.example and ben@demo.example with this password (openssl rand -hex 32). Never use it with real data. Development creates its own"),
    plain("STRONGROOM_JWT_ALGORITHM", "HS256", "HS256, or EdDSA if other services verify the access tokens"),
    secret("STRONGROOM_JWT_KEY", "HS256: at least 32 random bytes as text. EdDSA: a PKCS#8 PEM (openssl genpkey -algorithm ed25519). Development creates its own"),
    secret("STRONGROOM_JWT_PREVIOUS_KEY", "The previous key during rotation: verifies, but does not sign"),
    plain("STRONGROOM_JWT_ISSUER", "", "The iss claim of access tokens. Default: the public URL"),
    plain("STRONGROOM_JWT_AUDIENCE", "strongroom", "The aud claim of access tokens"),
    plain("STRONGROOM_JWT_TTL_SECONDS", "600", "Lifetime of an access token, 60 to 3600"),
    plain("STRONGROOM_SESSION_IDLE_SECONDS", "604800", "Idle timeout: a session ends if it is not renewed for this long"),
    plain("STRONGROOM_SESSION_ABSOLUTE_SECONDS", "2592000", "Absolute timeout: a session ends after this long"),
    plain("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", "10", "A refresh token that is used again within this time comes from a second tab; later it is treated as stolen. 0 to 30"),

    plain("STRONGROOM_PASSWORD_MIN_LENGTH", "12", "Minimum length of passwords, 12 to 20. NIST recommends 15 without a second factor"),
    plain("STRONGROOM_PASSWORD_MEMORY_KIB", "19456", "argon2id memory, at least the OWASP minimum for the number of iterations"),
    plain("STRONGROOM_PASSWORD_ITERATIONS", "2", "argon2id iterations"),
    plain("STRONGROOM_PASSWORD_PARALLELISM", "1", "argon2id parallelism"),
    plain("STRONGROOM_PASSWORD_HASH_SLOTS", "", "Maximum number of concurrent hashes. Default: one per core, at most 4"),
    plain("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", "2", "How long a login waits for a hash slot before its 503"),
    plain("STRONGROOM_PASSWORD_BREACH_URL", "", "Breach service that new passwords are checked against (k-anonymity): https://api.pwnedpasswords.com, or a mirror with the same range API. Default: off"),
    plain("STRONGROOM_PASSWORD_BREACH_CA_FILE", "", "Its certificate authority, PEM. Default: the public ones"),

    plain("STRONGROOM_CORS_ALLOWED_ORIGINS", "", "Origins of web pages that may call the API, separated by commas. The public URL is always allowed"),
    secret("STRONGROOM_MAIL_SMTP_URL", "smtps://user:password@host:465, or smtp://…:587?tls=required. Development writes mails to files instead"),
    plain("STRONGROOM_MAIL_SMTP_CA_FILE", "", "Certificate authority of the mail server, PEM. Default: the public ones"),
    plain("STRONGROOM_MAIL_FROM", "Strongroom <no-reply@localhost>", "Sender of the mails. Required in production"),

    secret("STRONGROOM_ALERTS_SLACK_URL", "A Slack-compatible webhook for alerts: https and a public host name"),
    secret("STRONGROOM_ALERTS_WEBHOOK_URL", "A webhook for alerts in signed JSON (docs/alerts.md): https and a public host name"),
    secret("STRONGROOM_ALERTS_WEBHOOK_KEY", "Signs the messages to the webhook: at least 32 random bytes as text (openssl rand -base64 48)"),
    plain("STRONGROOM_ALERTS_CA_FILE", "", "PEM file of the authority that signed the receivers' certificates. Default: the public authorities"),
    plain("STRONGROOM_ALERTS_MAIL_TO", "", "The email address for alerts"),
    plain("STRONGROOM_ALERTS_RUNBOOKS", "docs/runbooks", "Base URL of your runbooks, https; each alert links RULE.md below it. Default: their path in the repository. Required in production if a chat, webhook or mailbox is set"),
    plain("STRONGROOM_ALERTS_SHOW_ADDRESSES", "", "Sinks whose alerts include a user's email address: slack, webhook, mail, separated by commas. Default: none"),

    plain("STRONGROOM_DOCUMENTS_FOLDER", "", "Folder for uploads, and without a bucket for all documents: then replicas must share it. Required in production; development has its own"),
    plain("STRONGROOM_DOCUMENTS_S3_URL", "", "S3-compatible bucket for documents, https://host/bucket (http only on loopback in development). Default: the folder"),
    plain("STRONGROOM_DOCUMENTS_S3_REGION", "us-east-1", "Region of the bucket"),
    secret("STRONGROOM_DOCUMENTS_S3_ACCESS_KEY", "Id of an access key that is limited to this bucket"),
    secret("STRONGROOM_DOCUMENTS_S3_SECRET_KEY", "Secret of that access key"),
    plain("STRONGROOM_DOCUMENTS_MAX_BYTES", "10485760", "Maximum file size in bytes, 1024 to 104857600"),
    plain("STRONGROOM_DOCUMENTS_MAX_PIXELS", "110000000", "Maximum number of pixels of an image (decompression bomb), 1000000 to 1000000000. A viewer needs four bytes for each"),
    plain("STRONGROOM_DOCUMENTS_QUOTA_BYTES", "1073741824", "Storage quota of a user in bytes"),
    plain("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "1000", "Maximum number of files of a user"),

    plain("STRONGROOM_LIMITS_STANDARD", "200/15m", "Reads. Requests to one route by one user, and by one address without a valid token: count/window in s, m or h"),
    plain("STRONGROOM_LIMITS_SIGN_IN", "1000/15m", "Logins, successful or not. Failed logins are also limited below"),
    plain("STRONGROOM_LIMITS_REGISTRATION", "10/1h", "Registrations and their confirmations"),
    plain("STRONGROOM_LIMITS_RESET", "10/1h", "Password resets and their confirmations"),
    plain("STRONGROOM_LIMITS_REFRESH", "120/15m", "Renewals of access tokens"),
    plain("STRONGROOM_LIMITS_WRITE", "100/15m", "Changes"),
    plain("STRONGROOM_LIMITS_EXPORT", "30/15m", "Expensive reads: exports and PDFs"),
    plain("STRONGROOM_LIMITS_UPLOAD", "60/15m", "Uploads"),
    plain("STRONGROOM_LIMITS_UNKNOWN_PATH", "200/15m", "Requests to unknown paths"),

    plain("STRONGROOM_QUOTAS_CUSTOMERS", "1000000", "Maximum number of customers of a user, 1 to 10000000"),
    plain("STRONGROOM_QUOTAS_INVOICES", "1000000", "Maximum number of invoices of a user, including drafts"),
    plain("STRONGROOM_QUOTAS_PAYMENTS", "1000000", "Maximum number of payments of a user"),
    plain("STRONGROOM_QUOTAS_CREDIT_NOTES", "1000000", "Maximum number of credit notes of a user"),

    plain("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", "5/1h", "Failed sign-ins of one account from one address, then 429; also of a signed-in user who enters the password again, in one session"),
    plain("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "20/1h", "Failed sign-ins of unknown clients at one address, then they need a solved challenge"),
    plain("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "30/1h", "Accounts whose sign-in fails from one network (/24, /48), then its unknown clients need a solved challenge"),
    plain("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "10/1h", "Failed sign-ins of one account by unknown clients, at least 2, then it waits 1, 2, 4, 8, 15 minutes. An hour without one ends it"),
    plain("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", "80", "Failed sign-ins of one account in a row by unknown clients, 10 to 80, then only a reset helps"),
    plain("STRONGROOM_LOGIN_DEVICE_SECONDS", "7776000", "How long a device is known after a sign-in"),

    plain("STRONGROOM_RULES_ACCESS_DENIALS", "10/5m", "Alert: denied requests of one user for objects of other users or functions of another role"),
    plain("STRONGROOM_RULES_PROBING_SESSION", "30/5m", "The same for one session, which is then ended"),
    plain("STRONGROOM_RULES_ID_ENUMERATION", "60/5m", "Alert: requests of one user for objects that do not exist (id enumeration)"),
    plain("STRONGROOM_RULES_ENUMERATING_SESSION", "300/5m", "The same for one session, which is then ended"),
    plain("STRONGROOM_RULES_ACCOUNT_BRUTE_FORCE", "1/15m", "Alert: lockouts of one account for unknown clients (brute force)"),
    plain("STRONGROOM_RULES_PASSWORD_SPRAYING", "1/15m", "Alert: throttles of one network that tried many accounts (password spraying)"),
    plain("STRONGROOM_RULES_CORRECT_PASSWORD_WHILE_LOCKED", "1/1h", "Alert: correct passwords for one account during a lockout"),
    plain("STRONGROOM_RULES_REUSED_TOKENS", "1/1h", "Alert: replayed refresh tokens or tickets of one user"),
    plain("STRONGROOM_RULES_FORGED_TOKENS", "10/5m", "Alert: access tokens from one network that this service did not issue"),
    plain("STRONGROOM_RULES_TOKENS_OVER_PLAIN_HTTP", "1/1h", "Alert: sessions of one user that ended because their token was sent over plain HTTP"),
    plain("STRONGROOM_RULES_DISALLOWED_ORIGINS", "50/5m", "Alert: requests from one network by web pages of disallowed origins (CORS)"),
    plain("STRONGROOM_RULES_SPOOFED_FORWARDING_HEADERS", "50/5m", "Alert: requests from one network with spoofed proxy headers"),
    plain("STRONGROOM_RULES_INPUT_VALIDATION_FAILURES", "200/5m", "Alert: requests from one network that fail input validation"),
    plain("STRONGROOM_RULES_RATE_LIMIT_FLOODS", "200/5m", "Alert: requests from one network over their rate limit"),

    plain("STRONGROOM_LOG_FILTER", "info,actix_server=warn,actix_http::h1=off,sqlx::postgres::notice=warn,reqwest_retry=error", "Log level (off, error, warn, info, debug, trace), and target=level for single modules; actix_http::h1 would log each malformed request"),
    plain("STRONGROOM_LOG_FORMAT", "", "json or text. Default: json in production, text in development"),

    plain("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:9464", "Address of the management port (metrics for Prometheus). Beyond loopback it requires TLS, with the certificate above, and the token below"),
    secret("STRONGROOM_MANAGEMENT_TOKEN", "Bearer token that scrapers send: openssl rand -base64 48"),
    plain("STRONGROOM_TRACES_OTLP_ENDPOINT", "", "Trace collector, OTLP over HTTP: https://collector.example:4318 (plain http only on loopback). Default: no traces"),
    plain("STRONGROOM_TRACES_OTLP_CA_FILE", "", "Certificate authority of the collector, PEM. Default: the public ones"),
];
