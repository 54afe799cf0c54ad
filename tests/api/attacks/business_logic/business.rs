//! Attacks on the data of a business (API1:2023, API3:2023, API6:2023): BOLA, backdated invoices (CWE-840), invalid
//! bank accounts and other malformed fields.

use chrono::{Days, NaiveDate, Utc};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::features::business::{PATH, business};
use crate::support::{Actor, Reply, TestApp};

async fn issue_on(alice: &Actor, id: &str, day: NaiveDate) -> Reply {
    let issue = format!("/api/v1/invoices/{id}/issue");
    let body = json!({"issue_date": day});
    alice.request(Method::POST, &issue).header("if-match", "\"1\"").json(&body).send().await
}

fn days_ago(days: u64) -> NaiveDate {
    Utc::now().date_naive() - Days::new(days)
}

/// BOLA: invoices show the business of their owner as the seller, with its bank account.
#[actix_web::test]
async fn business_is_restricted_to_its_owner() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.put(PATH, "\"1\"", &business()).await.ok(200);
    let forged = json!({"name": "Mallory", "iban": "GB29NWBK60161331926819", "time_zone": "UTC"});
    // Before the first update, the version is 1, so version 2 is stale.
    bob.put(PATH, "\"2\"", &forged).await.assert_refused(412, "stale_version").assert_events(&[]);
    bob.put(PATH, "\"1\"", &forged).await.ok(200);
    assert_eq!(alice.get(PATH).await.ok(200).json(), business());
    assert_eq!(bob.get(PATH).await.ok(200).json()["name"], "Mallory");
    let both: i64 = sqlx::query_scalar("select count(*) from businesses").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(both, 2);
}

/// Lost update (CWE-362), also at the first update, when no row exists yet.
#[actix_web::test]
async fn only_one_of_parallel_business_updates_succeeds() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = business();
    for version in ["\"1\"", "\"2\""] {
        let replies = join_all((0..6).map(|_| alice.put(PATH, version, &body))).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
    }
    assert_eq!(alice.get(PATH).await.ok(200).header("etag"), Some("\"3\""));
}

#[actix_web::test]
async fn invalid_field_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.put(PATH, "\"1\"", &business()).await.ok(200);
    let before = app.digest_all().await;
    let too_long = |length: usize| json!("x".repeat(length + 1));
    for (field, values) in [
        ("name", vec![json!(""), json!(" "), json!("a\nb"), json!(null), too_long(200), json!("a\u{200b}b")]),
        ("address", vec![too_long(500), json!("a\u{0}b"), json!("a\u{2028}b"), json!(1)]),
        ("country", vec![json!("nl"), json!("NLD"), json!("N1"), json!(""), json!("\u{ff2e}\u{ff2c}")]),
        ("vat_id", vec![json!(""), too_long(50), json!("NL\u{ad}1"), json!("a\tb")]),
        ("registration", vec![json!(""), too_long(100), json!("\u{feff}KvK")]),
        (
            "iban",
            vec![
                json!(""),
                json!("NL91ABNA0417164301"),
                json!("NL91ABNA041716430"),
                json!("nl91abna0417164300"),
                json!("NL91\u{a0}ABNA\u{a0}0417\u{a0}1643\u{a0}00"),
                json!("XX00"),
                json!("1".repeat(5_000)),
            ],
        ),
        ("bic", vec![json!(""), json!("ABNANL2"), json!("ABNANL2A\u{200b}"), json!("abnanl2a"), json!(8)]),
        (
            "time_zone",
            vec![
                json!(null),
                json!(""),
                json!("Mars/Olympus"),
                json!("../../etc/passwd"),
                json!("UTC'; drop table businesses"),
                json!("+01:00"),
                json!("x".repeat(5_000)),
            ],
        ),
        ("payment_terms_days", vec![json!(-1), json!(366), json!(1.5), json!("14"), json!(9_007_199_254_740_991_i64)]),
    ] {
        for value in values {
            let mut body = business();
            body[field] = value;
            let reply = alice.put(PATH, "\"2\"", &body).await;
            reply.assert_invalid_field(&format!("/{field}")).assert_events(&["input_validation_fail/invalid_input"]);
        }
    }
    assert_eq!(app.digest_all().await, before);
}

/// With a backdated or postdated invoice, a seller could move income and tax into another period.
#[actix_web::test]
async fn issue_date_out_of_range_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.invoice().await;
    let before = app.digest_all().await;
    for day in [days_ago(31), days_ago(400), Utc::now().date_naive() + Days::new(1), NaiveDate::MIN, NaiveDate::MAX] {
        let reply = issue_on(&alice, &id, day).await;
        reply.assert_invalid_field("/issue_date").assert_events(&["input_validation_fail/invalid_input"]);
    }
    for body in [json!({"issue_date": "today"}), json!({"issue_date": 1}), json!({"issue_date": "2026-02-30"})] {
        let issue = alice.request(Method::POST, &format!("/api/v1/invoices/{id}/issue")).header("if-match", "\"1\"");
        issue.json(&body).send().await.assert_invalid_field("/issue_date");
    }
    assert_eq!(app.digest_all().await, before, "no number was assigned");
    let issued = issue_on(&alice, &id, days_ago(30)).await.ok(200).json();
    assert_eq!(issued["issue_date"], json!(days_ago(30)));
}

/// Without this rule, a seller could insert a backdated invoice, and auditors would not notice it.
#[actix_web::test]
async fn issue_date_before_the_last_issued_invoice_is_refused() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (first, second) = (alice.invoice().await, alice.invoice().await);
    issue_on(&alice, &first, days_ago(3)).await.ok(200);
    let before = app.digest_all().await;
    for ago in [4, 30] {
        let reply = issue_on(&alice, &second, days_ago(ago)).await;
        reply.assert_refused(409, "issued_before_last").assert_events(&["sequence_fail/issued_before_last"]);
    }
    assert_eq!(app.digest_all().await, before, "no number was assigned");
    // Defense in depth: the database refuses this date too.
    let id = second.parse::<uuid::Uuid>().unwrap();
    let me = alice.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let mut tx = strongroom::db::OwnerTx::begin(&app.replica().pool, me.into()).await.unwrap();
    let early = sqlx::query("select assign_invoice_number($1, '2020-01-01')").bind(id).execute(tx.connection()).await;
    let error = early.expect_err("it is refused");
    assert_eq!(error.as_database_error().unwrap().constraint(), Some("invoices_in_date_order"));
    drop(tx);
    // The order of dates holds for each owner separately, and dates may repeat.
    issue_on(&bob, &bob.invoice().await, days_ago(30)).await.ok(200);
    let issued = issue_on(&alice, &second, days_ago(3)).await.ok(200).json();
    assert!(issued["number"].as_str().unwrap().ends_with("-0002"), "the numbers have no gap: {issued}");
}

/// In January, a seller may still issue invoices that are dated in December.
#[actix_web::test]
async fn date_order_is_enforced_across_the_turn_of_the_year() {
    let app = TestApp::start().await;
    app.clock.advance("2028-01-02T12:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap() - app.clock.now());
    let alice = app.user("alice").await;
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(alice.invoice().await);
    }
    let number = |reply: Reply| reply.ok(200).json()["number"].clone();
    assert_eq!(number(issue_on(&alice, &ids[0], day("2027-12-30")).await), "INV-2027-0001");
    assert_eq!(number(issue_on(&alice, &ids[1], day("2027-12-31")).await), "INV-2027-0002");
    assert_eq!(number(issue_on(&alice, &ids[2], day("2028-01-01")).await), "INV-2028-0001");
    issue_on(&alice, &ids[3], day("2027-12-31")).await.assert_refused(409, "issued_before_last");
    assert_eq!(number(issue_on(&alice, &ids[3], day("2028-01-02")).await), "INV-2028-0002");
}

/// After a change to a time zone further west, today can be before the day of the last invoice.
#[actix_web::test]
async fn changed_time_zone_cannot_backdate_an_invoice() {
    let app = TestApp::start().await;
    app.clock.advance("2027-06-30T12:30:00Z".parse::<chrono::DateTime<Utc>>().unwrap() - app.clock.now());
    let alice = app.user("alice").await;
    let (first, second) = (alice.invoice().await, alice.invoice().await);
    let zone = |name: &str| json!({"name": "x", "time_zone": name});
    let issue = async |id: &str| {
        let path = format!("/api/v1/invoices/{id}/issue");
        alice.request(Method::POST, &path).header("if-match", "\"1\"").send().await
    };
    alice.put(PATH, "\"1\"", &zone("Pacific/Auckland")).await.ok(200);
    assert_eq!(issue(&first).await.ok(200).json()["issue_date"], "2027-07-01");
    alice.put(PATH, "\"2\"", &zone("America/Los_Angeles")).await.ok(200);
    issue(&second).await.assert_refused(409, "issued_before_last").assert_events(&["sequence_fail/issued_before_last"]);
}

#[actix_web::test]
async fn parallel_issues_are_numbered_in_date_order() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut drafts = Vec::new();
    for _ in 0..20 {
        drafts.push(alice.invoice().await);
    }
    let days = drafts.iter().zip((0..20).map(|n| days_ago(n * 7 % 20)));
    let replies = join_all(days.map(|(id, day)| issue_on(&alice, id, day))).await;
    let accepted: Vec<Value> = replies.iter().filter(|reply| reply.status.as_u16() == 200).map(Reply::json).collect();
    assert!(!accepted.is_empty());
    let mut numbered: Vec<(&str, &str)> = accepted
        .iter()
        .map(|invoice| (invoice["number"].as_str().unwrap(), invoice["issue_date"].as_str().unwrap()))
        .collect();
    numbered.sort_unstable();
    assert!(numbered.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{numbered:?}");
    for reply in replies.iter().filter(|reply| reply.status.as_u16() != 200) {
        reply.assert_refused(409, "issued_before_last");
    }
}
