//! A user's business is the seller on their invoices. Its payment terms and time zone decide their dates.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::base::clock::Clock;

use crate::support::actor::{PASSWORD, draft};
use crate::support::pdf::rows;
use crate::support::{Actor, Reply, TestApp};

pub const PATH: &str = "/api/v1/me/business";

pub fn business() -> Value {
    json!({"name": "Canal Design", "address": "1 Canal\n1011 AB Amsterdam", "country": "NL", "vat_id": "NL001234567B01",
        "registration": "KvK 12345678", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "time_zone": "UTC",
        "payment_terms_days": 14})
}

/// Replaces the business by one with this time zone and these payment terms.
async fn set_business(alice: &Actor, version: &str, zone: &str, terms: Option<i32>) {
    let mut business = business();
    (business["time_zone"], business["payment_terms_days"]) = (json!(zone), json!(terms));
    alice.put(PATH, version, &business).await.ok(200);
}

async fn draft_due(alice: &Actor, due: Option<&str>) -> String {
    let mut body = draft(&alice.customer().await);
    body["due_date"] = json!(due);
    alice.post("/api/v1/invoices", &body).await.ok(201).json()["id"].as_str().unwrap().to_owned()
}

async fn issue(alice: &Actor, id: &str) -> Value {
    let issue = format!("/api/v1/invoices/{id}/issue");
    alice.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200).json()
}

fn turn_to(clock: &Clock, moment: &str) {
    clock.advance(moment.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - clock.now());
}

#[actix_web::test]
async fn business_has_the_display_name_and_utc_until_it_is_set() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let unset = alice.get(PATH).await.ok(200);
    assert_eq!(unset.header("etag"), Some("\"1\""));
    let defaults = json!({"name": "alice", "address": null, "country": null, "vat_id": null, "registration": null,
        "iban": null, "bic": null, "time_zone": "UTC", "payment_terms_days": null});
    assert_eq!(unset.json(), defaults);

    let mut spaced = business();
    spaced["iban"] = json!("NL91 ABNA 0417 1643 00");
    let set = alice.put(PATH, "\"1\"", &spaced).await.ok(200);
    set.assert_events(&["user_updated/business"]);
    assert_eq!((set.header("etag"), set.json()), (Some("\"2\""), business()));
    assert_eq!(alice.get(PATH).await.ok(200).json(), business());

    let less = json!({"name": "Canal Design", "time_zone": "Europe/Amsterdam"});
    let emptied = alice.put(PATH, "\"2\"", &less).await.ok(200).json();
    assert_eq!((&emptied["iban"], &emptied["payment_terms_days"]), (&Value::Null, &Value::Null));
    assert_eq!(emptied["time_zone"], "Europe/Amsterdam");
}

async fn printed(alice: &Actor, id: &str) -> (Reply, String) {
    let pdf = alice.get(&format!("/api/v1/invoices/{id}/pdf")).await.ok(200);
    let text = rows(&pdf.body).join("\n");
    (pdf, text)
}

#[actix_web::test]
async fn changing_the_business_changes_drafts_but_not_issued_invoices() {
    const OLD: [&str; 9] = [
        "Canal Design",
        "alice@example.com",
        "1 Canal",
        "1011 AB Amsterdam",
        "NL\n",
        "VAT ID: NL001234567B01",
        "Registration: KvK 12345678",
        "IBAN NL91 ABNA 0417 1643 00, BIC ABNANL2A",
        "Bank account",
    ];
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.put(PATH, "\"1\"", &business()).await.ok(200);
    let (issued, drafted) = (alice.invoice().await, alice.invoice().await);
    issue(&alice, &issued).await;
    let (before, text) = printed(&alice, &issued).await;
    for line in OLD {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let (draft_before, _) = printed(&alice, &drafted).await;

    let moved = json!({"name": "Harbour Design", "iban": "GB29NWBK60161331926819", "time_zone": "UTC"});
    alice.put(PATH, "\"2\"", &moved).await.ok(200);
    let (after, _) = printed(&alice, &issued).await;
    assert_eq!((&after.body, after.header("etag")), (&before.body, before.header("etag")));
    let (draft_after, text) = printed(&alice, &drafted).await;
    assert_ne!(draft_after.header("etag"), draft_before.header("etag"));
    assert!(text.contains("Harbour Design") && text.contains("IBAN GB29 NWBK 6016 1331 9268 19\n"), "{text}");
    assert!(!text.contains("Canal") && !text.contains("VAT ID") && !text.contains("BIC"), "{text}");
}

/// The longest address that the API accepts fills more than one page of the PDF.
#[actix_web::test]
async fn address_of_many_lines_continues_on_the_next_page() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut long = business();
    long["address"] = json!("x\n".repeat(250));
    alice.put(PATH, "\"1\"", &long).await.ok(200);
    let pdf = alice.get(&format!("/api/v1/invoices/{}/pdf", alice.invoice().await)).await.ok(200);
    let pages = rows(&pdf.body);
    assert!(pages.len() > 3 && pages.last().unwrap().contains("Acme Ltd"), "{pages:?}");
}

#[actix_web::test]
async fn payment_terms_set_a_missing_due_date() {
    let app = TestApp::start().await;
    turn_to(&app.clock, "2027-12-20T12:00:00Z");
    let alice = app.user("alice").await;
    let (without, with, before) =
        (draft_due(&alice, None).await, draft_due(&alice, Some("2028-01-31")).await, draft_due(&alice, None).await);
    assert_eq!(issue(&alice, &before).await["due_date"], Value::Null, "the business has no payment terms yet");
    set_business(&alice, "\"1\"", "UTC", Some(14)).await;
    assert_eq!(issue(&alice, &without).await["due_date"], "2028-01-03");
    assert_eq!(issue(&alice, &with).await["due_date"], "2028-01-31");
    let kept = alice.get(&format!("/api/v1/invoices/{without}")).await.ok(200).json();
    assert_eq!((&kept["due_date"], &kept["issue_date"]), (&json!("2028-01-03"), &json!("2027-12-20")));
}

/// The user issues one invoice in the last minute of the year, and one in the new year.
#[actix_web::test]
async fn issue_date_and_number_follow_the_time_zone() {
    for (zone, last_minute) in
        [("Pacific/Auckland", "2027-12-31T10:59:00Z"), ("America/Los_Angeles", "2028-01-01T07:59:00Z")]
    {
        let app = TestApp::start().await;
        turn_to(&app.clock, last_minute);
        let alice = app.user("alice").await;
        set_business(&alice, "\"1\"", zone, None).await;
        let (first, second) = (alice.invoice().await, alice.invoice().await);
        let old = issue(&alice, &first).await;
        app.clock.advance(chrono::TimeDelta::minutes(1));
        let new = issue(&alice, &second).await;
        assert_eq!((&old["issue_date"], &old["number"]), (&json!("2027-12-31"), &json!("INV-2027-0001")), "{zone}");
        assert_eq!((&new["issue_date"], &new["number"]), (&json!("2028-01-01"), &json!("INV-2028-0001")), "{zone}");
    }
}

#[actix_web::test]
async fn invoice_is_overdue_after_the_due_date_in_the_time_zone() {
    let app = TestApp::start().await;
    turn_to(&app.clock, "2027-06-30T12:30:00Z");
    let alice = app.user("alice").await;
    set_business(&alice, "\"1\"", "America/Los_Angeles", None).await;
    issue(&alice, &draft_due(&alice, Some("2027-06-30")).await).await;
    let overdue = async |alice: &Actor| {
        let page = alice.get("/api/v1/invoices?overdue=true").await.ok(200).json();
        let rest = alice.get("/api/v1/invoices?overdue=false").await.ok(200).json();
        let count = |page: &Value| page["items"].as_array().unwrap().len();
        assert_eq!(count(&page) + count(&rest), 1);
        count(&page) == 1
    };
    assert!(!overdue(&alice).await, "in Los Angeles it is still the 30th of June, the due date");
    set_business(&alice, "\"2\"", "Pacific/Auckland", None).await;
    assert!(overdue(&alice).await, "in Auckland it is the 1st of July already");
    set_business(&alice, "\"3\"", "America/Los_Angeles", None).await;
    turn_to(&app.clock, "2027-07-01T06:59:00Z");
    let alice = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    assert!(!overdue(&alice).await, "not overdue in the last minute of the due date");
    app.clock.advance(chrono::TimeDelta::minutes(1));
    assert!(overdue(&alice).await, "overdue in the first minute of the next day");
}
