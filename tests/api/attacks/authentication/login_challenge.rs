//! API2:2023, API4:2023: after too many failed logins from an address, a login needs a solved proof-of-work challenge.
//! The attacker sends no solution, or a solution that is expired, altered, used before, or made for another account.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::altcha::{payload, solve};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const WRONG: &str = "correct horse battery 8";
const REFUSED: [&str; 2] = ["authn_login_fail_max/address", "excess_rate_limit_exceeded/too_many_requests"];
const MASTER: (&str, &str) = ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM");

/// Returns a client at the address of [`spray`].
fn sprayer(app: &TestApp) -> Client {
    app.client_from([127, 3, 1, 1].into())
}

/// Sends wrong passwords until the address has reached its limit of failed logins.
async fn spray(app: &TestApp) {
    for name in 0..20 {
        let reply = try_sign_in(&sprayer(app), &format!("victim{name}@example.com"), WRONG).await;
        reply.assert_refused(401, "invalid_credentials");
    }
}

async fn sign_in_with(client: &Client, email: &str, password: &str, altcha: &str) -> Reply {
    let body = json!({"email": email, "password": password, "altcha": altcha});
    client.request(Method::POST, "/api/v1/auth/login").json(&body).send().await
}

/// Returns the challenge of a 429.
fn challenge(reply: &Reply) -> Value {
    reply.assert_refused(429, "too_many_requests").assert_events(&REFUSED);
    assert!((3000..=3600).contains(&reply.header("retry-after").unwrap().parse::<u64>().unwrap()));
    reply.json()["challenge"].clone()
}

#[actix_web::test]
async fn solved_challenge_signs_in_at_a_full_address() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let hashes = || app.services().credentials.passwords.hashes();
    let before = hashes();
    let challenge = challenge(&try_sign_in(&sprayer(&app), &alice.email, PASSWORD).await);
    assert_eq!(hashes(), before);
    sign_in_with(&sprayer(&app), &alice.email, PASSWORD, &solve(&challenge)).await.ok(200);
}

/// The solutions are guessed, expired, made for another account, or have an altered salt or signature.
#[actix_web::test]
async fn invalid_challenge_solution_is_rejected_like_missing_one() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let client = sprayer(&app);
    let mine = challenge(&try_sign_in(&client, &alice.email, PASSWORD).await);
    let others = solve(&challenge(&try_sign_in(&client, "bob@example.com", PASSWORD).await));
    let solved = solve(&mine);
    let altered = |field: &str, value: Value| {
        let mut altered = mine.clone();
        altered[field] = value;
        altered
    };
    let forged = altered("signature", json!("00".repeat(36)));
    // The hash covers salt and number as one text. So the attacker tries to move a digit from the number to the expiry
    // time in the salt.
    let salt = mine["salt"].as_str().unwrap();
    let spliced = altered("salt", json!(salt.replace('&', "9&")));
    let open = altered("salt", json!(salt.trim_end_matches('&')));
    let before = app.digest_all().await;
    let bad = [
        ("nothing", String::new()),
        ("no base64", "{}".to_owned()),
        ("no solution", "e30=".to_owned()),
        ("another number", payload(&mine, 400_001)),
        ("forged", payload(&forged, 1)),
        ("later expiry", payload(&spliced, 1)),
        ("without the last &", payload(&open, 1)),
        ("of another account", others),
    ];
    for (name, altcha) in &bad {
        let refused = sign_in_with(&client, &alice.email, PASSWORD, altcha).await;
        assert_eq!(refused.status.as_u16(), 429, "{name}");
        challenge(&refused);
    }
    sign_in_with(&client, &alice.email, PASSWORD, &"1".repeat(1001)).await.assert_invalid_field("/altcha");
    app.clock.advance(TimeDelta::minutes(5));
    challenge(&sign_in_with(&client, &alice.email, PASSWORD, &solved).await);
    assert_eq!(app.digest_all().await, before);
}

/// Two replicas get the same solution in parallel.
#[actix_web::test]
async fn challenge_solution_works_once_across_replicas() {
    let first = TestApp::with(&[MASTER]).await;
    let alice = first.user("alice").await;
    let second = TestApp::on(first.database.clone(), &[MASTER]).await;
    spray(&first).await;
    let solution = solve(&challenge(&try_sign_in(&sprayer(&first), &alice.email, WRONG).await));
    let (one, two) = (sprayer(&first), sprayer(&second));
    let attempts = [&one, &two, &one, &two].map(|client| sign_in_with(client, &alice.email, WRONG, &solution));
    let mut statuses: Vec<u16> = join_all(attempts).await.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 429, 429, 429]);
    challenge(&sign_in_with(&two, &alice.email, PASSWORD, &solution).await);
}

/// A solution bypasses the limits of the address and of the network, but not the limit of one account at one address.
#[actix_web::test]
async fn challenge_solution_does_not_lift_limit_per_account_and_address() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let client = sprayer(&app);
    for _ in 0..5 {
        let solution = solve(&challenge(&try_sign_in(&client, &alice.email, WRONG).await));
        sign_in_with(&client, &alice.email, WRONG, &solution).await.assert_refused(401, "invalid_credentials");
    }
    let full = try_sign_in(&client, &alice.email, PASSWORD).await;
    full.assert_refused(429, "too_many_requests")
        .assert_events(&["authn_login_fail_max/account_and_address", REFUSED[1]]);
    assert_eq!(full.json()["challenge"], json!(null));
}

/// At the maximum cost, a phone still solves the challenge in about ten seconds.
#[actix_web::test]
async fn challenge_cost_grows_with_failures_up_to_maximum() {
    let app = TestApp::start().await;
    spray(&app).await;
    for (failures, maxnumber) in [(20, 52_500), (41, 105_000), (83, 210_000), (1_000, 400_000), (i64::MAX - 1, 400_000)]
    {
        sqlx::query("update login_failures set failures = $1 where kind = 'address' and failures >= 20")
            .bind(failures)
            .execute(&app.all_rows)
            .await
            .unwrap();
        let challenge = challenge(&try_sign_in(&sprayer(&app), "alice@example.com", WRONG).await);
        assert_eq!(challenge["maxnumber"], maxnumber, "{failures}");
    }
}

/// User enumeration.
#[actix_web::test]
async fn challenge_is_indistinguishable_for_unknown_account() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let client = sprayer(&app);
    let mut seen = Vec::new();
    for email in [alice.email.as_str(), "unknown@example.com"] {
        let refused = try_sign_in(&client, email, WRONG).await;
        let challenge = challenge(&refused);
        let shape: Vec<(String, usize)> = challenge
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string().len()))
            .collect();
        let before = app.services().credentials.passwords.hashes();
        let answered = sign_in_with(&client, email, WRONG, &solve(&challenge)).await;
        answered.assert_refused(401, "invalid_credentials");
        let hashes = app.services().credentials.passwords.hashes() - before;
        seen.push((refused.statements(), shape, answered.comparable(), answered.statements(), hashes));
        // Each attempt raises the cost of the next challenge, so reset the count.
        sqlx::query("update login_failures set failures = 20 where kind = 'address' and failures > 20")
            .execute(&app.all_rows)
            .await
            .unwrap();
    }
    assert_eq!(seen[0], seen[1]);
}
