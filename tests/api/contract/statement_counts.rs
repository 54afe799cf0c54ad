//! The number of round trips to PostgreSQL for each common request. Each statement, BEGIN and COMMIT is one.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{draft, try_sign_in};
use crate::support::{Reply, TestApp};

/// If a change saves round trips, lower the number here.
const ROUND_TRIPS: [(&str, usize); 7] = [
    ("read", 1),
    ("list", 1),
    ("create", 3),
    // Also claims its idempotency key and stores the reply.
    ("keyed create", 5),
    ("update", 5),
    // Reads the account, counts the attempt, subtracts it again, and creates the session in a transaction (4 trips).
    ("login", 7),
    ("refresh", 1),
];

#[actix_web::test]
async fn common_requests_take_as_many_round_trips_as_listed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    // The first create also counts the rows for the quota, so it is not measured.
    let (invoice, customer) = (alice.invoice().await, alice.customer().await);
    let path = format!("/api/v1/invoices/{invoice}");
    let keyed = alice.request(Method::POST, "/api/v1/invoices").header("idempotency-key", "k").json(&draft(&customer));
    let replies: [(&str, Reply); 7] = [
        ("read", alice.get(&path).await.ok(200)),
        ("list", alice.get("/api/v1/invoices").await.ok(200)),
        ("create", alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201)),
        ("keyed create", keyed.send().await.ok(201)),
        ("update", alice.put(&path, "\"1\"", &draft(&customer)).await.ok(200)),
        ("login", try_sign_in(&app.anonymous(), &alice.email, &alice.password).await.ok(200)),
        ("refresh", alice.refresh(&app, &alice.cookie).await.ok(200)),
    ];
    // sqlx logs COMMIT, but not BEGIN, so each COMMIT counts twice.
    let begins = |texts: &[String]| texts.iter().filter(|text| *text == "COMMIT").count();
    let counts = replies.each_ref().map(|(name, reply)| {
        let texts = reply.statements();
        (*name, texts.len() + begins(&texts))
    });
    let texts = replies.iter().map(|(name, reply)| json!({*name: reply.statements()})).collect::<Vec<_>>();
    assert_eq!(counts, ROUND_TRIPS, "{texts:#?}");
}
