//! All settings with their defaults and descriptions. A test compares this list with `.env.example`.
//!
//! An unknown variable `STRONGROOM_…` is a fault. Otherwise a misspelled setting would silently have no effect.

pub struct Setting {
    pub name: &'static str,
    /// The default value. Empty if there is none, or if it depends on the profile or the machine (see `meaning`).
    pub default: &'static str,
    /// A secret can also be in a file, whose path is in the variable with the suffix `_FILE`.
    pub secret: bool,
    pub meaning: &'static str,
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, secret: false, meaning }
}

const fn secret(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default: "", secret: true, meaning }
}

/// All settings, in the same order as in `.env.example`.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    plain("STRONGROOM_PROFILE", "development", "The profile: development (listens on loopback only) or production"),
    plain("STRONGROOM_REPLICA", "", "The name of this process in security events. It may contain letters, digits, dots, hyphens and underscores. Default: the host name"),
    #[cfg(feature = "dev")]
    plain("STRONGROOM_DEV_STATE_DIR", ".strongroom", "The folder of the development profile. It contains the database, keys, certificate, mails and documents"),

    plain("STRONGROOM_HTTP_BIND", "127.0.0.1:8080", "Address of the plain HTTP listener. In production it serves only trusted proxies, and refuses all other clients"),
    plain("STRONGROOM_HTTP_PUBLIC_URL", "", "The URL at which clients reach the service. Links in mails and the type of each problem document begin with this URL. Required in production, with https. Default in development: the address of STRONGROOM_HTTP_BIND"),
    plain("STRONGROOM_HTTP_SECURITY_CONTACT", "", "Contact for vulnerability reports in security.txt (RFC 9116): a mailto:, https: or tel: URI. Default: mailto:security@ and the host of the public URL"),
    plain("STRONGROOM_HTTP_TRUSTED_PROXIES", "", "Addresses or networks of trusted proxies, separated by commas. The service reads X-Forwarded-For only from these proxies, because any other client could forge this header. The service never reads Forwarded (RFC 7239), so configure the proxy to write X-Forwarded-For"),
    plain("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "false", "true if a trusted proxy terminates TLS. The service then accepts plain HTTP from the proxy"),
    plain("STRONGROOM_HTTP_DOCS", "", "true to serve /docs, a page on which developers read and try the API. Default: true in development, false in production"),
    plain("STRONGROOM_HTTP_CONSOLE", "", "true to serve the web console at /. Default: true in development, false in production"),
    plain("STRONGROOM_HTTP_ATTACK_PANEL", "", "true to add the attack panel to the console. Administrators play attacks there, with temporary accounts. It requires STRONGROOM_HTTP_CONSOLE=true. Default: true in development, false in production"),
    plain("STRONGROOM_HTTP_WORKERS", "", "Number of worker threads. Default: one per CPU core"),
    plain("STRONGROOM_HTTP_MAX_CONNECTIONS", "8192", "Maximum number of open connections. A lower limit of open files in the operating system also lowers this maximum"),
    plain("STRONGROOM_HTTP_MAX_CONNECTIONS_PER_ADDRESS", "512", "Maximum number of open connections of one client address (IPv6: of one /56 network). Trusted proxies have no such limit, because each of them forwards the requests of many clients"),
    plain("STRONGROOM_HTTP_KEEP_ALIVE_SECONDS", "75", "How long a connection may be idle between two requests. It must be longer than the idle timeout of the load balancer (often 60 seconds). Otherwise the load balancer sends requests on a connection that the service is closing, and clients receive 502"),
    plain("STRONGROOM_HTTP_REPLY_SECONDS", "20", "How long a request may run before it is refused with 503. For an upload, the time starts after the whole file has arrived"),
    plain("STRONGROOM_HTTP_DRAIN_SECONDS", "", "Graceful shutdown, first phase: how long the service still accepts requests after SIGTERM, while its readiness check returns 503. It must be longer than the interval of the load balancer's readiness checks. Default: 5 in production, 0 in development"),
    plain("STRONGROOM_HTTP_SHUTDOWN_SECONDS", "15", "Graceful shutdown, second phase: how long running requests may take to finish"),
    plain("STRONGROOM_TLS_BIND", "127.0.0.1:8443", "Address of the HTTPS listener"),
    plain("STRONGROOM_TLS_CERT_FILE", "", "PEM file with the certificate chain. Development creates its own certificate"),
    plain("STRONGROOM_TLS_KEY_FILE", "", "PEM file with the private key of the certificate"),

    secret("DATABASE_URL", "URL of the PostgreSQL database for the role strongroom_app. It must contain sslmode=verify-full, unless the server is on loopback or a Unix socket. Development starts its own server"),
    secret("STRONGROOM_DATABASE_LISTEN_URL", "URL that connects to the same database without the connection pooler. One connection uses it to receive notifications, because PgBouncer in transaction mode cannot forward them (docs/scaling.md). Default: DATABASE_URL"),
    secret("STRONGROOM_DATABASE_OWNER_URL", "URL of the same database for the role strongroom_owner. Only the commands `migrate`, `admin` and `audit` use it"),
    plain("STRONGROOM_DATABASE_MAX_CONNECTIONS", "16", "Maximum number of database connections (size of the connection pool)"),
    plain("STRONGROOM_DATABASE_ACQUIRE_SECONDS", "3", "How long a request waits for a database connection before it is refused with 503"),
    plain("STRONGROOM_DATABASE_STATEMENT_SECONDS", "5", "How long a statement may run before PostgreSQL cancels it"),
    #[cfg(feature = "dev")]
    plain("PG_BIN", "", "Folder that contains PostgreSQL's programs, for the development database. Default: the service searches the usual folders"),

    secret("STRONGROOM_SECRETS_MASTER_KEY", "The master key, from which other keys are derived: at least 32 random bytes as text (openssl rand -base64 48). The commands `admin` and `audit` need it too. Development creates its own key"),
    secret("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", "The previous master key during key rotation (docs/administration.md). The service still verifies with this key, but no longer signs with it"),
    secret("STRONGROOM_INSECURE_DEMO_PASSWORD", "Password of the demo users anna@demo.example and ben@demo.example (openssl rand -hex 32). In production this setting creates demo data, so do not set it if the database contains real data. Development creates its own passwords"),
    plain("STRONGROOM_JWT_ALGORITHM", "HS256", "Signature algorithm of access tokens: HS256, or EdDSA if other services verify the tokens"),
    secret("STRONGROOM_JWT_KEY", "The key that signs access tokens. HS256: at least 32 random bytes as text. EdDSA: a PKCS#8 private key in PEM (openssl genpkey -algorithm ed25519). Development creates its own key"),
    secret("STRONGROOM_JWT_PREVIOUS_KEY", "The previous signing key during key rotation. The service still verifies access tokens with this key, but no longer signs with it"),
    plain("STRONGROOM_JWT_ISSUER", "", "The iss claim of access tokens. Default: the public URL"),
    plain("STRONGROOM_JWT_AUDIENCE", "strongroom", "The aud claim of access tokens"),
    plain("STRONGROOM_JWT_TTL_SECONDS", "600", "Lifetime of an access token in seconds, 60 to 3600"),
    plain("STRONGROOM_SESSION_IDLE_SECONDS", "604800", "Idle timeout: a session ends if the client does not refresh its tokens for this long"),
    plain("STRONGROOM_SESSION_ABSOLUTE_SECONDS", "2592000", "Absolute timeout: a session ends this long after the login"),
    plain("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", "10", "Grace period in seconds, 0 to 30, in which a refresh token that was used once is accepted again. Two browser tabs may refresh at the same time. A later reuse is treated as theft and ends the session"),

    plain("STRONGROOM_PASSWORD_MIN_LENGTH", "12", "Minimum length of passwords in characters, 12 to 20. NIST recommends 15 if there is no second factor"),
    plain("STRONGROOM_PASSWORD_MEMORY_KIB", "19456", "Memory of one argon2id hash in KiB. OWASP's minimum depends on the iterations: 47104 for 1, 19456 for 2, 12288 for 3, 9216 for 4, 7168 for 5"),
    plain("STRONGROOM_PASSWORD_ITERATIONS", "2", "Number of argon2id iterations"),
    plain("STRONGROOM_PASSWORD_PARALLELISM", "1", "Degree of parallelism of argon2id"),
    plain("STRONGROOM_PASSWORD_HASH_SLOTS", "", "Maximum number of password hashes that are computed at the same time. Default: one per CPU core, at most 4"),
    plain("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", "2", "How long a login waits for a free hash slot before it is refused with 503"),
    plain("STRONGROOM_PASSWORD_BREACH_URL", "", "URL of a breach service that checks new passwords: https://api.pwnedpasswords.com, or a mirror with the same range API. It receives only the beginning of a password's hash (k-anonymity). Default: no breach service"),
    plain("STRONGROOM_PASSWORD_BREACH_CA_FILE", "", "PEM file of the certificate authority of the breach service. Default: the public certificate authorities"),

    plain("STRONGROOM_CORS_ALLOWED_ORIGINS", "", "Origins of web pages that may call the API, separated by commas. The public URL is always allowed"),
    secret("STRONGROOM_MAIL_SMTP_URL", "URL of the mail server: smtps://user:password@host:465, or smtp://…:587?tls=required. Without this setting, development writes mails to files"),
    plain("STRONGROOM_MAIL_SMTP_CA_FILE", "", "PEM file of the certificate authority of the mail server. Default: the public certificate authorities"),
    plain("STRONGROOM_MAIL_FROM", "Strongroom <no-reply@localhost>", "Sender of the mails. Required in production"),

    secret("STRONGROOM_ALERTS_SLACK_URL", "URL of a Slack-compatible webhook that receives alerts. It must use https and a public host name"),
    secret("STRONGROOM_ALERTS_WEBHOOK_URL", "URL of a webhook that receives alerts as signed JSON (docs/alerts.md). It must use https and a public host name"),
    secret("STRONGROOM_ALERTS_WEBHOOK_KEY", "The key that signs the messages to the webhook: at least 32 random bytes as text (openssl rand -base64 48)"),
    plain("STRONGROOM_ALERTS_CA_FILE", "", "PEM file of the certificate authority of the two webhooks above. Default: the public certificate authorities"),
    plain("STRONGROOM_ALERTS_MAIL_TO", "", "Email address that receives alerts"),
    plain("STRONGROOM_ALERTS_RUNBOOKS", "docs/runbooks", "Base URL (https) of your runbooks. Each alert contains a link to RULE.md below this URL, where RULE is the name of the detection rule. Default: the path of the runbooks in the repository. Required in production if alerts are sent to a chat, webhook or mailbox"),
    plain("STRONGROOM_ALERTS_SHOW_ADDRESSES", "", "Receivers whose alerts may contain a user's email address: slack, webhook, mail, separated by commas. Default: none"),

    plain("STRONGROOM_DOCUMENTS_FOLDER", "", "Folder for uploads in progress. If no S3 bucket is configured, the folder also stores all documents, and all replicas must share the folder. Required in production. Development has its own folder"),
    plain("STRONGROOM_DOCUMENTS_S3_URL", "", "URL of an S3-compatible bucket that stores the documents, https://host/bucket (http only on loopback in development). Default: no bucket; the folder above stores the documents"),
    plain("STRONGROOM_DOCUMENTS_S3_REGION", "us-east-1", "Region of the bucket"),
    secret("STRONGROOM_DOCUMENTS_S3_ACCESS_KEY", "Id of the bucket's access key. Create a key that can access only this bucket"),
    secret("STRONGROOM_DOCUMENTS_S3_SECRET_KEY", "Secret of the bucket's access key"),
    plain("STRONGROOM_DOCUMENTS_MAX_BYTES", "10485760", "Maximum file size in bytes, 1024 to 104857600"),
    plain("STRONGROOM_DOCUMENTS_MAX_PIXELS", "110000000", "Maximum number of pixels of an image, 1000000 to 1000000000. It prevents decompression bombs: a viewer needs four bytes of memory for each pixel"),
    plain("STRONGROOM_DOCUMENTS_QUOTA_BYTES", "1073741824", "Storage quota of a user in bytes"),
    plain("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "1000", "Maximum number of files of a user"),

    plain("STRONGROOM_LIMITS_STANDARD", "200/15m", "Rate limit of reads, as count/window: 200/15m allows 200 requests in 15 minutes (units: s, m, h). Each user has this limit for each route. A client address has the same limit for requests without a valid access token"),
    plain("STRONGROOM_LIMITS_SIGN_IN", "1000/15m", "Rate limit of all logins. The settings STRONGROOM_LOGIN_… also limit failed logins"),
    plain("STRONGROOM_LIMITS_REGISTRATION", "10/1h", "Rate limit of registrations and their confirmations"),
    plain("STRONGROOM_LIMITS_RESET", "10/1h", "Rate limit of password resets and their confirmations"),
    plain("STRONGROOM_LIMITS_REFRESH", "120/15m", "Rate limit of requests that refresh an access token"),
    plain("STRONGROOM_LIMITS_WRITE", "100/15m", "Rate limit of requests that change data"),
    plain("STRONGROOM_LIMITS_PREVIEW", "600/15m", "Rate limit of previews: requests that compute totals and store nothing. The limit is high, because a client sends such requests while a user types"),
    plain("STRONGROOM_LIMITS_EXPORT", "30/15m", "Rate limit of expensive reads: exports and PDFs"),
    plain("STRONGROOM_LIMITS_UPLOAD", "60/15m", "Rate limit of uploads"),
    plain("STRONGROOM_LIMITS_ASSET", "3000/15m", "Rate limit of the scripts and styles of the web console. The limit is high, because one visit loads about 20 of these files"),
    plain("STRONGROOM_LIMITS_UNKNOWN_PATH", "200/15m", "Rate limit of requests to unknown paths"),

    plain(
        "STRONGROOM_QUOTAS_ROWS",
        "1000000",
        "Maximum number of customers of a user, 1 to 10000000. The same number limits the user's invoices, payments and credit notes",
    ),

    plain("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", "5/1h", "Maximum number of failed logins of one account from one address. Above this number, the address receives 429 for this account. The same limit applies to wrong passwords of a signed-in user in one session (re-authentication)"),
    plain("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "20/1h", "Maximum number of failed logins of unknown clients from one address. Above this number, unknown clients at the address must solve a challenge"),
    plain("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "30/1h", "Password spraying: maximum number of accounts with failed logins from one network (IPv4 /24, IPv6 /48). Above this number, unknown clients in the network must solve a challenge"),
    plain("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "10/1h", "Brute force: number of failed logins of one account by unknown clients that locks the account for these clients, at least 2. The first lock lasts 1 minute. Each further failure starts the next lock: 2, 4, 8, then always 15 minutes. A whole window without a failed login resets the count"),
    plain("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", "80", "Maximum number of consecutive failed logins of one account by unknown clients, 10 to 80. Above this number, unknown clients are refused until the password is reset or an administrator unlocks the account"),
    plain("STRONGROOM_LOGIN_DEVICE_SECONDS", "7776000", "How long a device cookie is valid after a login. Clients without a device cookie are unknown clients"),

    plain("STRONGROOM_RULES_ACCESS_DENIALS", "10/5m", "Threshold of an alert: denied requests of one user for objects of other users or functions of another role"),
    plain("STRONGROOM_RULES_PROBING_SESSION", "30/5m", "Denied requests of one session for objects of other users or functions of another role. At this number the service ends the session and raises an alert"),
    plain("STRONGROOM_RULES_ID_ENUMERATION", "60/5m", "Threshold of an alert: requests of one user for objects that do not exist (id enumeration)"),
    plain("STRONGROOM_RULES_ENUMERATING_SESSION", "300/5m", "Requests of one session for objects that do not exist (id enumeration). At this number the service ends the session and raises an alert"),
    plain("STRONGROOM_RULES_ACCOUNT_BRUTE_FORCE", "1/15m", "Threshold of an alert: how often one account was locked, so that clients without a device cookie could not log in (brute force)"),
    plain("STRONGROOM_RULES_PASSWORD_SPRAYING", "1/15m", "Threshold of an alert: how often one network was throttled because it tried many accounts (password spraying)"),
    plain("STRONGROOM_RULES_CORRECT_PASSWORD_WHILE_LOCKED", "1/1h", "Threshold of an alert: attempts to log in to one account with the correct password while the account is locked"),
    plain("STRONGROOM_RULES_REUSED_TOKENS", "1/1h", "Threshold of an alert: refresh tokens or WebSocket tickets of one user that were used twice (replay)"),
    plain("STRONGROOM_RULES_FORGED_TOKENS", "10/5m", "Threshold of an alert: access tokens that one network sent and that this service did not issue"),
    plain("STRONGROOM_RULES_TOKENS_OVER_PLAIN_HTTP", "1/1h", "Threshold of an alert: sessions of one user that ended because a token was sent over plain HTTP"),
    plain("STRONGROOM_RULES_DISALLOWED_ORIGINS", "50/5m", "Threshold of an alert: requests from one network by web pages whose origin is not allowed (CORS)"),
    plain("STRONGROOM_RULES_SPOOFED_FORWARDING_HEADERS", "50/5m", "Threshold of an alert: requests from one network with forged proxy headers"),
    plain("STRONGROOM_RULES_INPUT_VALIDATION_FAILURES", "200/5m", "Threshold of an alert: requests from one network that fail input validation"),
    plain("STRONGROOM_RULES_RATE_LIMIT_FLOODS", "200/5m", "Threshold of an alert: requests from one network that exceeded a rate limit"),

    plain("STRONGROOM_LOG_FILTER", "info,actix_server=warn,actix_http::h1=off,sqlx::postgres::notice=warn,reqwest_retry=error", "Log levels, separated by commas: a level for all modules (off, error, warn, info, debug, trace), and target=level for single modules. The default turns actix_http::h1 off, because it logs every malformed request. In development, the default also hides the chain heads (security_head=warn)"),
    plain("STRONGROOM_LOG_FORMAT", "", "Format of the log: json or text. Default: json in production, text in development"),

    plain("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:9464", "Address of the management port, which serves metrics to Prometheus. An address that other machines can reach requires STRONGROOM_TLS_CERT_FILE and STRONGROOM_MANAGEMENT_TOKEN"),
    secret("STRONGROOM_MANAGEMENT_TOKEN", "Bearer token that Prometheus sends to the management port (openssl rand -base64 48)"),
    plain("STRONGROOM_TRACES_OTLP_ENDPOINT", "", "URL of the trace collector (OTLP over HTTP), such as https://collector.example:4318. Plain http is accepted only on loopback. Default: no traces"),
    plain("STRONGROOM_TRACES_OTLP_CA_FILE", "", "PEM file of the certificate authority of the collector. Default: the public certificate authorities"),
];
