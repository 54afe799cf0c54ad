//! API2:2023: attacks with weak, common, similar and very long passwords, attacks without re-authentication, and floods
//! of logins.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use strongroom::config::PasswordSettings;
use strongroom::security::authentication::passwords::Passwords;

use crate::support::actor::{PASSWORD, confirm, mail_token, register, try_sign_in};
use crate::support::{Actor, TestApp};

const OTHER: &str = "another horse battery 7";

async fn create_user(app: &TestApp, email: &str, password: &str) {
    register(&app.anonymous(), email).await.ok(202);
    confirm(&app.anonymous(), &mail_token(app, email).await, password, "Grace Hopper").await.ok(204);
}

#[actix_web::test]
async fn weak_password_is_rejected_before_hashing() {
    let app = TestApp::start().await;
    register(&app.anonymous(), "grace.hopper@example.com").await.ok(202);
    let token = mail_token(&app, "grace.hopper@example.com").await;
    let (before, hashes) = (app.digest_all().await, app.services().credentials.passwords.hashes());
    for (password, why) in [
        (String::new(), "at least 12"),
        ("eleven char".to_owned(), "at least 12"),
        // Eleven characters, but 22 bytes.
        ("паролькрат1".chars().take(11).collect(), "at least 12"),
        ("x7".repeat(32) + "y", "at most 64"),
        ("ж".repeat(65), "at most 64"),
        ("x".repeat(9_000), "at most 64"),
        ("unbelievable".to_owned(), "attackers try first"),
        ("UnBelievable".to_owned(), "attackers try first"),
        ("1q2w3e4r5t6y".to_owned(), "attackers try first"),
        ("zebu zebu zebu zebu".to_owned(), "made of repetitions"),
        ("manchesterunited".to_owned(), "attackers try first"),
        ("thisismypassword".to_owned(), "attackers try first"),
        ("this is my password".to_owned(), "attackers try first"),
        ("trustno1trustno1".to_owned(), "made of repetitions"),
        ("correcthorsebatterystaple".to_owned(), "attackers try first"),
        ("Correct Horse Battery Staple!".to_owned(), "attackers try first"),
        ("LiverpoolSummer 2026".to_owned(), "common words or names and dates"),
        ("Grace Hopper 1906".to_owned(), "made of your name"),
        ("grace.hopper.grace.hopper".to_owned(), "made of your name"),
        ("strongroom2026".to_owned(), "made of your name"),
    ] {
        let reply = confirm(&app.anonymous(), &token, &password, "Grace Hopper").await;
        reply.assert_invalid_field("/password").assert_events(&["input_validation_fail/invalid_input"]);
        let errors = reply.json()["errors"].to_string();
        assert!(errors.contains(why), "{password}: {errors}");
        assert!(password.is_empty() || !reply.text().contains(&password), "the response does not contain the password");
    }
    assert_eq!(app.services().credentials.passwords.hashes(), hashes);
    assert_eq!(app.digest_all().await, before);
    confirm(&app.anonymous(), &token, PASSWORD, "Grace Hopper").await.ok(204);
}

/// There are no composition rules, such as "at least one digit" (NIST SP 800-63B advises against them).
#[actix_web::test]
async fn long_password_in_any_script_is_accepted() {
    let app = TestApp::start().await;
    for (n, password) in [
        "hvjk-qwzx-pb",
        "паролькрат12",
        "🔑🗝🔒🔓🏦🧱🪨🧊🪜🧲🧯🪛",
        "  spaces at both ends  ",
        &(0..64).map(|n| char::from_u32(0x430 + n * n * 7 % 31).unwrap()).collect::<String>(),
    ]
    .iter()
    .enumerate()
    {
        let email = format!("user{n}@example.com");
        create_user(&app, &email, password).await;
        try_sign_in(&app.anonymous(), &email, password).await.ok(200);
    }
}

/// Passwords must not be trimmed, truncated or case-folded.
#[actix_web::test]
async fn similar_password_is_rejected() {
    let app = TestApp::start().await;
    let long: String = "k9 Wq7 Zp3 Lx8 Vt5 Rm2 Hb6 Nc4 Jd1 Ys0 Fg9 Tw7 Qe3 Ua8 Xi5 Ko2 Bz".chars().take(64).collect();
    create_user(&app, "long@example.com", &long).await;
    try_sign_in(&app.anonymous(), "long@example.com", &long).await.ok(200);
    let mut other_end: String = long.chars().take(63).collect();
    other_end.push('!');
    let cut: String = long.chars().take(63).collect();
    for other in [other_end, cut, long.to_uppercase(), format!("{}\0", &long[..63])] {
        try_sign_in(&app.anonymous(), "long@example.com", &other).await.assert_refused(401, "invalid_credentials");
    }
    create_user(&app, "spaced@example.com", " caf\u{e9} \u{1f511} walrus horse ").await;
    for other in
        ["caf\u{e9} \u{1f511} walrus horse", " cafe \u{1f511} walrus horse ", " CAF\u{c9} \u{1f511} walrus horse "]
    {
        try_sign_in(&app.anonymous(), "spaced@example.com", other).await.assert_refused(401, "invalid_credentials");
    }
    try_sign_in(&app.anonymous(), "spaced@example.com", " caf\u{e9} \u{1f511} walrus horse ").await.ok(200);
}

/// Some clients send é as one code point (NFC), others as two (NFD).
#[actix_web::test]
async fn password_in_other_normalization_form_signs_in() {
    let app = TestApp::start().await;
    let (composed, decomposed) = (" caf\u{e9} \u{1f511} walrus horse ", " cafe\u{301} \u{1f511} walrus horse ");
    for (email, chosen, typed) in
        [("mac@example.com", decomposed, composed), ("linux@example.com", composed, decomposed)]
    {
        create_user(&app, email, chosen).await;
        try_sign_in(&app.anonymous(), email, typed).await.ok(200);
        try_sign_in(&app.anonymous(), email, chosen).await.ok(200);
    }
    // The password has twelve code points, but only six characters after normalization.
    register(&app.anonymous(), "short@example.com").await.ok(202);
    let token = mail_token(&app, "short@example.com").await;
    let reply = confirm(&app.anonymous(), &token, &"e\u{301}".repeat(6), "Grace Hopper").await;
    reply.assert_invalid_field("/password");
    assert!(reply.text().contains("at least 12"), "{}", reply.text());
}

/// Denial of service by long passwords, for known and unknown accounts.
#[actix_web::test]
async fn too_long_password_is_rejected_without_hashing_on_every_route() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (before, hashes) = (app.digest_all().await, app.services().credentials.passwords.hashes());
    let long = "x7 ".repeat(3_000);
    for email in [alice.email.as_str(), "unknown@example.com"] {
        let reply = try_sign_in(&app.anonymous(), email, &long).await;
        reply.assert_invalid_field("/password");
        assert_eq!(reply.statements(), Vec::<String>::new());
    }
    let change = json!({"current_password": long, "new_password": OTHER});
    alice.post("/api/v1/me/password", &change).await.assert_invalid_field("/current_password");
    let change = json!({"current_password": PASSWORD, "new_password": long});
    alice.post("/api/v1/me/password", &change).await.assert_invalid_field("/new_password");
    let delete = json!({"password": long});
    alice.request(Method::DELETE, "/api/v1/me").json(&delete).send().await.assert_invalid_field("/password");
    confirm(&app.anonymous(), &"A".repeat(43), &long, "Eve").await.assert_invalid_field("/password");
    let reset = json!({"token": "A".repeat(43), "new_password": long});
    let reset = app.anonymous().request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&reset).send().await;
    reset.assert_invalid_field("/new_password");
    assert_eq!(app.services().credentials.passwords.hashes(), hashes);
    assert_eq!(app.digest_all().await, before);
}

/// Account takeover with a stolen access token (CWE-620): re-authentication is required.
#[actix_web::test]
async fn password_change_and_deletion_require_current_password() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    let change = |current: &str| json!({"current_password": current, "new_password": OTHER});
    let wrong = alice.post("/api/v1/me/password", &change("correct horse battery 8")).await;
    wrong.assert_refused(401, "invalid_credentials").assert_events(&["authn_password_change_fail/wrong_password"]);
    let delete = json!({"password": "correct horse battery 8"});
    let wrong = alice.request(Method::DELETE, "/api/v1/me").json(&delete).send().await;
    wrong.assert_refused(401, "invalid_credentials").assert_events(&["authn_login_fail/wrong_password"]);
    for _ in 0..3 {
        alice
            .post("/api/v1/me/password", &change("correct horse battery 8"))
            .await
            .assert_refused(401, "invalid_credentials");
    }
    alice.post("/api/v1/me/password", &change(PASSWORD)).await.assert_refused(429, "too_many_requests");
    assert_eq!(app.digest_all().await, before);
    // Login has its own counter, so the owner can still log in.
    Actor::sign_in(&app.client_from([127, 0, 6, 1].into()), &alice.email, PASSWORD).await;
}

/// Stores a hash with these parameters, as an earlier configuration would have.
async fn plant_hash(app: &TestApp, email: &str, memory_kib: u32, iterations: u32) {
    let passwords = Passwords::new(&PasswordSettings {
        min_chars: 12,
        memory_kib,
        iterations,
        parallelism: 1,
        hash_slots: 1,
        max_wait: Duration::from_secs(10),
    });
    let hash = passwords.unwrap().hash(&PASSWORD.into()).await.unwrap();
    let planted = sqlx::query("update users set password_hash = $2 where email = $1").bind(email).bind(hash.as_str());
    assert_eq!(planted.execute(&app.all_rows).await.unwrap().rows_affected(), 1);
}

/// User enumeration by work (CWE-208): after a change of the argon2 parameters, old hashes have another cost. The
/// service must do the same work for every account.
#[actix_web::test]
async fn login_with_any_stored_hash_cost_does_the_work_of_unknown_account() {
    let app = TestApp::start().await;
    for name in ["current", "cheap", "expensive"] {
        app.user(name).await;
    }
    let passwords = &app.services().credentials.passwords;
    let work = async |name: &str| {
        let before = (passwords.work_done(), passwords.hashes());
        let reply = try_sign_in(&app.anonymous(), &format!("{name}@example.com"), OTHER).await;
        reply.assert_refused(401, "invalid_credentials");
        assert_eq!(passwords.hashes() - before.1, 1, "{name}");
        passwords.work_done() - before.0
    };
    // Work is the memory in KiB times the passes. This is the default.
    let default_work = 19_456 * 2;
    // The service adds the work that a cheap hash lacks, rounded down by less than one KiB per pass.
    let equals = |work: u64, expected: u64| work <= expected && expected - work < 20;

    plant_hash(&app, "cheap@example.com", 7_168, 1).await;
    for name in ["unknown", "current", "cheap"] {
        assert!(equals(work(name).await, default_work), "{name} after the cost was raised");
    }
    plant_hash(&app, "expensive@example.com", 65_536, 3).await;
    for name in ["unknown", "current", "cheap", "expensive"] {
        assert!(equals(work(name).await, 65_536 * 3), "{name} after the cost was lowered");
    }
    // This login replaces the only expensive hash.
    try_sign_in(&app.anonymous(), "expensive@example.com", PASSWORD).await.ok(200);
    for name in ["unknown", "current", "cheap", "expensive"] {
        assert!(equals(work(name).await, default_work), "{name} once no expensive hash is stored");
    }
}

/// Denial of service by a flood of logins: the queue for hashes is bounded.
#[actix_web::test]
async fn login_flood_returns_503_and_reads_continue() {
    let app = TestApp::with(&[
        ("STRONGROOM_PASSWORD_HASH_SLOTS", "1"),
        ("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", "1"),
        ("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "100000/1h"),
        ("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "100000/1h"),
        ("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", "100000/1h"),
    ])
    .await;
    let alice = app.user("alice").await;
    let client = app.anonymous();
    let flood = futures_util::future::join_all((0..150).map(|n| {
        let client = client.clone();
        async move { try_sign_in(&client, &format!("user{n}@example.com"), PASSWORD).await }
    }));
    let reads = async {
        for _ in 0..20 {
            alice.get("/api/v1/me").await.ok(200);
        }
    };
    let (flood, ()) = tokio::join!(flood, reads);
    let refused = flood.iter().filter(|reply| reply.status.as_u16() == 503).inspect(|reply| {
        reply.assert_refused(503, "unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
    });
    assert!(refused.count() > 0, "one hash runs, 64 logins wait, and all other logins are refused");
    for reply in flood.iter().filter(|reply| reply.status.as_u16() != 503) {
        reply.assert_refused(401, "invalid_credentials");
    }
    try_sign_in(&client, &alice.email, PASSWORD).await.ok(200);
}
