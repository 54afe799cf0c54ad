//! Settings of outgoing connections: the database, the bucket, the mail server and the trace collector require TLS.

use super::{Base, DATABASE, OTHER, PEM};

#[test]
fn bucket_requires_tls_and_its_own_access_key() {
    let (url, access, secret) =
        ("STRONGROOM_DOCUMENTS_S3_URL", "STRONGROOM_DOCUMENTS_S3_ACCESS_KEY", "STRONGROOM_DOCUMENTS_S3_SECRET_KEY");
    let with = |base: &Base, value: &str| base.faults(&[(url, value), (access, "documents"), (secret, OTHER)]);
    let (production, development) = (Base::production(), Base::development());
    let settings = production.with(&[(url, "https://s3.internal/papers/"), (access, "documents"), (secret, OTHER)]);
    let bucket = settings.unwrap().documents.bucket.unwrap();
    assert_eq!((bucket.endpoint.as_str(), bucket.name.as_str()), ("https://s3.internal", "papers"));
    for weak in [
        "http://s3.internal/papers",
        "http://127.0.0.1:9000/papers",
        "https://key:secret@s3.internal/papers",
        "https://s3.internal/papers?x-id=1",
        "https://s3.internal/papers#a",
        "https://s3.internal",
        "https://s3.internal/papers/of/all",
        "https://s3.internal/Papers",
        "s3://papers",
        "papers",
    ] {
        assert_eq!(with(&production, weak), [url], "{weak}");
    }
    assert_eq!(with(&development, "http://127.0.0.1:9000/papers"), [""; 0]);
    assert_eq!(with(&development, "http://s3.internal/papers"), [url]);
    assert_eq!(
        production.faults(&[(url, "https://s3.internal/papers")]),
        [access, secret],
        "the service must never use the credentials of the machine"
    );
    assert_eq!(production.faults(&[(access, "documents")]), [access], "an access key without a bucket is a fault");
    production.refuses("STRONGROOM_DOCUMENTS_MAX_BYTES", &["0", "1023", "104857601", "10M", "-1"]);
    production.refuses("STRONGROOM_DOCUMENTS_MAX_PIXELS", &["0", "999999", "1000000001", "110M", "-1"]);
    production.refuses("STRONGROOM_DOCUMENTS_QUOTA_COUNT", &["0", "all"]);
}

#[test]
fn database_requires_verified_tls() {
    let base = Base::production();
    let login = "postgres://strongroom_app:kT4vq9Lw2z";
    let url = |rest: &str| format!("{login}@{rest}");
    let weak = [
        url("db.internal/strongroom"),
        url("db.internal/strongroom?sslmode=disable"),
        url("db.internal/strongroom?sslmode=prefer"),
        url("db.internal/strongroom?sslmode=require"),
        url("db.internal/strongroom?sslmode=verify-ca"),
        // Of a repeated parameter, the last value applies.
        url("db.internal/strongroom?sslmode=verify-full&sslmode=disable"),
        url("db.internal/strongroom?sslmode=verify-full&ssl-mode=allow"),
        url("localhost/strongroom?host=db.internal"),
        url("localhost/strongroom?hostaddr=203.0.113.7"),
        // These host names only begin like loopback.
        url("localhost.evil.example/strongroom"),
        url("127.0.0.1.evil.example/strongroom"),
        url("localhost@evil.example/strongroom"),
        url("128.0.0.1/strongroom"),
        url("[2001:db8::1]/strongroom"),
        // A misspelled parameter could switch TLS off.
        url("localhost/strongroom?sslmod=verify-full"),
        url("db.internal/strongroom?SSLMODE=verify-full"),
        concat!("mysql://strongroom_app:", "kT4vq9Lw2z@localhost/strongroom").to_owned(),
        "db.internal".to_owned(),
        // Default passwords, and roles that bypass row-level security.
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
    // As the schema's owner, the service would bypass row-level security and the column grants.
    assert_eq!(base.faults(&[("STRONGROOM_DATABASE_OWNER_URL", DATABASE)]), ["DATABASE_URL"]);
}

#[test]
fn mail_server_requires_tls() {
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
    production.refuses("STRONGROOM_MAIL_FROM", &["no-address", "a@b\nBcc: c@d.example", "@api.example"]);
    production.refuses("STRONGROOM_MAIL_SMTP_CA_FILE", &["/nowhere/ca.pem", &production.folder.path("key.pem")]);
    let development = Base::development();
    development.refuses(name, &plain);
    development.accepts(name, &["smtp://localhost:1025", "smtp://127.0.0.1:1025"]);
}

#[test]
fn trace_collector_requires_tls_beyond_loopback() {
    let name = "STRONGROOM_TRACES_OTLP_ENDPOINT";
    for base in [Base::production(), Base::development()] {
        assert_eq!(base.with(&[]).unwrap().traces.collector, None);
        base.accepts(name, &["https://collector.example:4318", "http://127.0.0.1:4318", "http://localhost:4318"]);
        base.refuses(
            name,
            &[
                "http://collector.example:4318",
                "http://localhost.evil.example:4318",
                "https://user:pass@collector.example:4318",
                "https://collector.example:4318/v1/traces",
                "collector.example:4318",
                "grpc://collector.example:4317",
                "file:///etc/passwd",
            ],
        );
        base.refuses("STRONGROOM_TRACES_OTLP_CA_FILE", &["/nowhere/ca.pem", &base.folder.file("other", PEM)]);
    }
}
