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
pub const SETTINGS: &[Setting] = &[
    plain("STRONGROOM_PROFILE", "development", "development (loopback only) or production"),
    plain("STRONGROOM_REPLICA", "", "What security events call this process: letters, digits, dots, hyphens and underscores. Default: the host name, if the system says it"),
    plain("STRONGROOM_DEV_STATE_DIR", ".strongroom", "Development's own folder: database, keys, certificate, mail, documents"),

    plain("STRONGROOM_HTTP_BIND", "127.0.0.1:8080", "Plain HTTP. In production it serves a declared proxy only and refuses everybody else"),
    plain("STRONGROOM_HTTP_PUBLIC_URL", "", "What clients type; links in mails and problem types begin with it. Production needs it, with https. Default: in development, where STRONGROOM_HTTP_BIND is served"),
    plain("STRONGROOM_HTTP_SECURITY_CONTACT", "", "Where security.txt (RFC 9116) sends reports of vulnerabilities: a mailto:, https: or tel: URI. Default: mailto:security@ the public URL's host"),
    plain("STRONGROOM_HTTP_TRUSTED_PROXIES", "", "Addresses or networks of proxies whose X-Forwarded-For counts, separated by commas. Forwarded (RFC 7239) is not read: have the proxy write X-Forwarded-For"),
    plain("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "false", "true: a trusted proxy speaks TLS with the clients"),
    plain("STRONGROOM_HTTP_DOCS", "", "true: /docs shows the API as a page to try it on. Default: true in development, false in production"),
    plain("STRONGROOM_HTTP_WORKERS", "", "Worker threads. Default: one a core"),
    plain("STRONGROOM_HTTP_MAX_CONNECTIONS", "8192", "Connections of all clients to this process; the limit of open files can lower it"),
    plain("STRONGROOM_HTTP_MAX_CONNECTIONS_PER_ADDRESS", "512", "Connections of one client address (IPv6: of a /56). Trusted proxies have no such cap"),
    plain("STRONGROOM_HTTP_KEEP_ALIVE_SECONDS", "75", "How long a connection may be idle between two requests. Longer than the load balancer's idle timeout (often 60), or it sends requests into closing connections (502)"),
    plain("STRONGROOM_HTTP_DRAIN_SECONDS", "", "On SIGTERM: how long readiness is 503 while everything is still served. Longer than a load balancer takes to see it. Default: 5 in production, 0 in development"),
    plain("STRONGROOM_HTTP_SHUTDOWN_SECONDS", "15", "How long running requests may take to finish after that"),
    plain("STRONGROOM_TLS_BIND", "127.0.0.1:8443", "HTTPS"),
    plain("STRONGROOM_TLS_CERT_FILE", "", "PEM, the chain. Development makes its own"),
    plain("STRONGROOM_TLS_KEY_FILE", "", "PEM, the private key"),

    secret("DATABASE_URL", "PostgreSQL, as the role strongroom_app; sslmode=verify-full unless on loopback or a unix socket. Development starts its own"),
    secret("STRONGROOM_DATABASE_OWNER_URL", "The same database as the role strongroom_owner: for the commands `migrate`, `admin` and `audit` alone"),
    plain("STRONGROOM_DATABASE_MAX_CONNECTIONS", "16", "Size of the pool"),
    plain("STRONGROOM_DATABASE_ACQUIRE_SECONDS", "3", "How long a request waits for a connection before its 503"),
    plain("STRONGROOM_DATABASE_STATEMENT_SECONDS", "5", "How long a statement may run"),
    plain("PG_BIN", "", "Where PostgreSQL's programs are, for development's own database. Default: found"),

    secret("STRONGROOM_SECRETS_MASTER_KEY", "At least 32 random bytes as text (openssl rand -base64 48); `admin` and `audit` need it too. Development makes its own"),
    secret("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", "While master keys are exchanged (docs/administration.md): still verifies, no longer signs"),
    secret("STRONGROOM_INSECURE_DEMO_PASSWORD", "Makes demo data in production too: users anna@demo.example and ben@demo.example with this password (openssl rand -hex 32). Never beside real data. Development makes its own"),
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
    plain("STRONGROOM_PASSWORD_BREACH_URL", "", "A breach service that new passwords are checked against (k-anonymity), https and a public name: https://api.pwnedpasswords.com or a mirror with its range format. None: off"),
    plain("STRONGROOM_PASSWORD_BREACH_CA_FILE", "", "PEM of the authority that signed its certificate. Default: the public ones"),

    plain("STRONGROOM_CORS_ALLOWED_ORIGINS", "", "Origins of web pages that may call, separated by commas. Our own is always allowed"),
    secret("STRONGROOM_MAIL_SMTP_URL", "smtps://user:password@host:465, or smtp://…:587?tls=required. Development writes files instead"),
    plain("STRONGROOM_MAIL_SMTP_CA_FILE", "", "PEM of the authority that signed the mail server's certificate. Default: the public ones"),
    plain("STRONGROOM_MAIL_FROM", "Strongroom <no-reply@localhost>", "The sender of our mails. Production needs one of its own"),

    secret("STRONGROOM_ALERTS_SLACK_URL", "A Slack-compatible webhook for alerts: https and a public host name"),
    secret("STRONGROOM_ALERTS_WEBHOOK_URL", "A webhook for alerts in signed JSON (docs/alerts.md): https and a public host name"),
    secret("STRONGROOM_ALERTS_WEBHOOK_KEY", "Signs the messages to the webhook: at least 32 random bytes as text (openssl rand -base64 48)"),
    plain("STRONGROOM_ALERTS_CA_FILE", "", "PEM file of the authority that signed the receivers' certificates. Default: the public authorities"),
    plain("STRONGROOM_ALERTS_MAIL_TO", "", "The email address for alerts"),
    plain("STRONGROOM_ALERTS_RUNBOOKS", "docs/runbooks", "Base URL of your runbooks, https; each alert links RULE.md below it. Default: their path in the repository. Required in production if a chat, webhook or mailbox is set"),
    plain("STRONGROOM_ALERTS_SHOW_ADDRESSES", "", "Sinks whose alerts include a user's email address: slack, webhook, mail, separated by commas. Default: none"),

    plain("STRONGROOM_DOCUMENTS_FOLDER", "", "Where uploads arrive and, without a bucket, stay: replicas without one must share it. Production needs one; development has its own"),
    plain("STRONGROOM_DOCUMENTS_S3_URL", "", "https://host/bucket of an S3-compatible store, which keeps the documents instead (http on loopback in development only)"),
    plain("STRONGROOM_DOCUMENTS_S3_REGION", "us-east-1", "The bucket's region"),
    secret("STRONGROOM_DOCUMENTS_S3_ACCESS_KEY", "The id of the key that opens the bucket, and nothing else"),
    secret("STRONGROOM_DOCUMENTS_S3_SECRET_KEY", "Its secret"),
    plain("STRONGROOM_DOCUMENTS_MAX_BYTES", "10485760", "Largest file, 1024 to 104857600"),
    plain("STRONGROOM_DOCUMENTS_MAX_PIXELS", "110000000", "Pixels of the largest picture, 1000000 to 1000000000. A program that shows it needs four bytes for each"),
    plain("STRONGROOM_DOCUMENTS_QUOTA_BYTES", "1073741824", "All files of a user together"),
    plain("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "1000", "Files of a user"),

    plain("STRONGROOM_LIMITS_STANDARD", "200/15m", "Reads: so many requests (count/window in s, m or h) to one route by one user, and by one address without a valid token"),
    plain("STRONGROOM_LIMITS_SIGN_IN", "1000/15m", "Sign-ins, right or wrong: bounds the capacity they take; failures are counted apart, below"),
    plain("STRONGROOM_LIMITS_REGISTRATION", "10/1h", "Asking to join, and answering the mail"),
    plain("STRONGROOM_LIMITS_RESET", "10/1h", "Asking for a new password, and answering the mail"),
    plain("STRONGROOM_LIMITS_REFRESH", "120/15m", "Renewing an access token"),
    plain("STRONGROOM_LIMITS_WRITE", "100/15m", "Anything that changes a row"),
    plain("STRONGROOM_LIMITS_EXPORT", "30/15m", "What takes far more work than to read one page"),
    plain("STRONGROOM_LIMITS_UPLOAD", "60/15m", "Uploads of files"),
    plain("STRONGROOM_LIMITS_UNKNOWN_PATH", "200/15m", "Paths that do not exist"),

    plain("STRONGROOM_QUOTAS_CUSTOMERS", "1000000", "Customers of a user, 1 to 10000000"),
    plain("STRONGROOM_QUOTAS_INVOICES", "1000000", "Invoices of a user, drafts included"),
    plain("STRONGROOM_QUOTAS_PAYMENTS", "1000000", "Payments on all invoices of a user"),
    plain("STRONGROOM_QUOTAS_CREDIT_NOTES", "1000000", "Credit notes on all invoices of a user"),

    plain("STRONGROOM_LOGIN_FAILURES_PER_PAIR", "5/1h", "Failed sign-ins of one account from one address, then 429; also of a signed-in user who enters the password again, in one session"),
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

    plain("STRONGROOM_LOG_FILTER", "info,actix_server=warn,actix_http::h1=off,sqlx::postgres::notice=warn,reqwest_retry=error", "A level for everything (off, error, warn, info, debug, trace) and target=level for parts; actix_http::h1 would log each malformed request"),
    plain("STRONGROOM_LOG_FORMAT", "", "json or text. Default: json in production, text in development"),

    plain("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:9464", "Metrics for Prometheus. Beyond loopback it speaks TLS with the certificate above, and wants the token below"),
    secret("STRONGROOM_MANAGEMENT_TOKEN", "What a scraper must show (Authorization: Bearer …): openssl rand -base64 48"),
    plain("STRONGROOM_TRACES_OTLP_ENDPOINT", "", "A collector of traces, OTLP over HTTP: https://collector.example:4318 (plain http on loopback only). None: no traces"),
    plain("STRONGROOM_TRACES_OTLP_CA_FILE", "", "PEM of the authority that signed the collector's certificate. Default: the public ones"),
];
