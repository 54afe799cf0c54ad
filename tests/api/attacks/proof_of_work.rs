//! API2: work that gives newcomers a turn where somebody sprays, and what is no such work.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const WRONG: &str = "correct horse battery 8";
const HELD: [&str; 2] = ["authn_login_fail_max/address", "excess_rate_limit_exceeded/too_many_requests"];

/// Whoever is behind the address that is sprayed from, like the sprayer.
fn newcomer(app: &TestApp) -> Client {
    app.from([127, 3, 1, 1].into())
}

/// Fills the address, and takes the one turn that it then has.
async fn spray(app: &TestApp) {
    for name in 0..21 {
        let reply = try_sign_in(&newcomer(app), &format!("victim{name}@example.com"), WRONG).await;
        reply.refused(401, "invalid_credentials");
    }
}

async fn sign_in_by_work(client: &Client, email: &str, password: &str, proof: &str) -> Reply {
    let body = json!({"email": email, "password": password, "proof_of_work": proof});
    client.request(Method::POST, "/api/v1/auth/login").json(&body).send().await
}

/// What is held is not even looked up.
fn held(reply: &Reply) -> String {
    reply.refused(429, "too_many_requests").left(&HELD);
    assert!((1..=10).contains(&reply.header("retry-after").unwrap().parse::<u64>().unwrap()));
    reply.json()["challenge"].as_str().unwrap().to_owned()
}

fn zero_bits(proof: &str) -> u32 {
    let hash = digest(&SHA256, proof.as_bytes());
    u64::from_be_bytes(*hash.as_ref().first_chunk().unwrap()).leading_zeros()
}

/// As `docs/limits.md` tells clients to.
fn solve(challenge: &str) -> String {
    let bits: u32 = challenge.split('.').next().unwrap().parse().unwrap();
    (0..).map(|number| format!("{challenge}.{number}")).find(|proof| zero_bits(proof) >= bits).unwrap()
}

#[actix_web::test]
async fn who_works_gets_in_although_a_sprayer_takes_every_turn() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let proof = solve(&held(&try_sign_in(&newcomer(&app), &alice.email, PASSWORD).await));
    sign_in_by_work(&newcomer(&app), &alice.email, PASSWORD, &proof).await.ok(200);
    // He has not taken anybody's turn, and those who have worked have one of their own.
    held(&try_sign_in(&newcomer(&app), "victim1@example.com", WRONG).await);
    app.clock.turn(TimeDelta::seconds(11));
    try_sign_in(&newcomer(&app), "victim2@example.com", WRONG).await.refused(401, "invalid_credentials");
}

/// Not twice, not for another name, from another place, too late, easier than asked or made up; and the price goes up.
#[actix_web::test]
async fn what_is_no_work_for_this_attempt_gives_no_turn() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let client = newcomer(&app);
    let before = app.everything().await;
    let challenge = held(&try_sign_in(&client, &alice.email, PASSWORD).await);
    assert!(challenge.starts_with("18."), "2^14, doubled for each doubling of 21 names: {challenge}");
    let unsolved = (0..).map(|number| format!("{challenge}.{number}")).find(|proof| zero_bits(proof) < 14).unwrap();
    let easier = solve(&challenge.replacen("18.", "1.", 1));
    let others = solve(&held(&try_sign_in(&client, "bob@example.com", PASSWORD).await));
    for proof in ["", "18.1.x.y.0", &challenge, &unsolved, &easier, &others, &"1".repeat(200)] {
        held(&sign_in_by_work(&client, &alice.email, PASSWORD, proof).await);
    }
    let long = sign_in_by_work(&client, &alice.email, PASSWORD, &"1".repeat(201)).await;
    long.refused_field("/proof_of_work");
    let late = solve(&challenge);
    app.clock.turn(TimeDelta::minutes(2));
    try_sign_in(&client, "victim1@example.com", WRONG).await.refused(401, "invalid_credentials");
    held(&sign_in_by_work(&client, &alice.email, PASSWORD, &late).await);
    assert_eq!(app.everything().await, before);

    let proof = solve(&held(&try_sign_in(&client, &alice.email, PASSWORD).await));
    sign_in_by_work(&client, &alice.email, WRONG, &proof).await.refused(401, "invalid_credentials");
    app.clock.turn(TimeDelta::seconds(11));
    try_sign_in(&client, "victim2@example.com", WRONG).await.refused(401, "invalid_credentials");
    held(&sign_in_by_work(&client, &alice.email, PASSWORD, &proof).await);
    assert_eq!(app.everything().await, before);
}

/// Whoever pays for the work has one guess more in ten seconds for the whole network, and nothing that locks is lifted by it.
#[actix_web::test]
async fn work_buys_a_turn_and_nothing_else() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let client = newcomer(&app);
    let solved = async |name: &str| solve(&held(&try_sign_in(&client, name, WRONG).await));
    let mut proofs = Vec::new();
    for name in 0..5 {
        let name = format!("next{name}@example.com");
        proofs.push((solved(&name).await, name));
    }
    let mut passed = 0;
    for (proof, name) in &proofs {
        passed += i64::from(sign_in_by_work(&client, name, WRONG, proof).await.status.as_u16() == 401);
    }
    assert_eq!(passed, 1);
    // A name that has failed five times from here is not asked for work, and gets nothing for it.
    let mut proof = String::new();
    for name in 0..5 {
        app.clock.turn(TimeDelta::seconds(11));
        try_sign_in(&client, &format!("victim{name}@example.com"), WRONG).await.refused(401, "invalid_credentials");
        proof = solved(&alice.email).await;
        sign_in_by_work(&client, &alice.email, WRONG, &proof).await.refused(401, "invalid_credentials");
    }
    let full = sign_in_by_work(&client, &alice.email, PASSWORD, &proof).await;
    full.refused(429, "too_many_requests").left(&["authn_login_fail_max/pair", HELD[1]]);
    assert_eq!(full.json()["challenge"], json!(null));
}

/// Names that nobody has are asked for the same.
#[actix_web::test]
async fn a_challenge_does_not_tell_who_has_an_account() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    spray(&app).await;
    let client = newcomer(&app);
    let mut seen = Vec::new();
    for email in [alice.email.as_str(), "nobody@example.com"] {
        let refused = try_sign_in(&client, email, WRONG).await;
        let challenge = held(&refused);
        let (status, headers, body) = refused.alike();
        let before = app.services().credentials.passwords.hashes();
        let answered = sign_in_by_work(&client, email, WRONG, &solve(&challenge)).await;
        answered.refused(401, "invalid_credentials");
        let hashes = app.services().credentials.passwords.hashes() - before;
        let shape: Vec<usize> = challenge.split('.').map(str::len).collect();
        seen.push((
            status,
            headers.len(),
            body.replace(&challenge, ""),
            shape,
            answered.alike(),
            answered.statements(),
            hashes,
        ));
        app.clock.turn(TimeDelta::seconds(11));
        try_sign_in(&client, "victim0@example.com", WRONG).await.refused(401, "invalid_credentials");
    }
    assert_eq!(seen[0], seen[1]);
}
