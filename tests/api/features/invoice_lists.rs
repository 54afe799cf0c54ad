//! Lists of invoices: search, sort orders and CSV export.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::draft;
use crate::support::{Actor, TestApp};

async fn customer(actor: &Actor, name: &str) -> String {
    let body = json!({"name": name, "default_currency": "EUR"});
    actor.post("/api/v1/customers", &body).await.ok(201).json()["id"].as_str().unwrap().to_owned()
}

/// Creates a draft or issued invoice for this customer.
async fn invoice(actor: &Actor, customer: &str, due: Option<&str>, price: i64, issued: bool) -> String {
    let mut body = draft(customer);
    body["due_date"] = json!(due);
    let price = format!("{}.{:02}", price / 100, price % 100);
    body["lines"] = json!([{"description": "x", "quantity": "1", "unit_price": price, "tax_rate": "0"}]);
    let made = actor.post("/api/v1/invoices", &body).await.ok(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    if issued {
        let path = format!("/api/v1/invoices/{id}/issue");
        actor.request(Method::POST, &path).header("if-match", "\"1\"").send().await.ok(200);
    }
    id
}

/// Returns the ids on all pages of this query.
async fn found(actor: &Actor, query: &str, limit: u32) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = actor.get(&format!("/api/v1/invoices?limit={limit}&{query}{cursor}")).await.ok(200).json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { return ids };
        cursor = format!("&cursor={next}");
    }
}

#[actix_web::test]
async fn search_matches_text_in_number_or_customer_name_without_wildcards() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let names = ["Acme 100% Cotton", "acme_wool", r"Back\slash", "Nordlicht"];
    let mut invoices = Vec::new();
    for name in names {
        invoices.push(invoice(&alice, &customer(&alice, name).await, None, 1, name == "Nordlicht").await);
    }
    // Another user has a customer with the same name, and an invoice with the same number.
    invoice(&bob, &customer(&bob, "Nordlicht").await, None, 1, true).await;
    for (search, expected) in [
        ("acme", vec![1, 0]),
        ("ACME", vec![1, 0]),
        ("%25", vec![0]),
        ("0%25", vec![0]),
        ("_", vec![1]),
        ("c_e", vec![]),
        ("a%25e", vec![]),
        ("%5C", vec![2]),
        ("%5C%25", vec![]),
        ("-0001", vec![3]),
        ("inv-", vec![3]),
        ("licht", vec![3]),
        ("'", vec![]),
        ("x'%20or%20'1'='1", vec![]),
    ] {
        let expected: Vec<String> = expected.iter().map(|&index: &usize| invoices[index].clone()).collect();
        assert_eq!(found(&alice, &format!("search={search}"), 1).await, expected, "{search}");
    }
    assert_eq!(found(&alice, "search=acme&sort=created_at", 1).await, invoices[..2]);
    assert_eq!(found(&alice, "search=acme&status=issued", 1).await, Vec::<String>::new());
    for search in ["", "a%0Ab", "%00", &"x".repeat(101), "%20"] {
        alice.get(&format!("/api/v1/invoices?search={search}")).await.assert_invalid_field("/search");
    }
    found(&alice, &format!("search={}", "é".repeat(100).replace('é', "%C3%A9")), 1).await;
}

/// In both directions and with several page sizes, every row occurs exactly once. Equal values are sorted by creation.
#[actix_web::test]
async fn invoices_are_sorted_by_allow_listed_fields_only() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = customer(&alice, "Acme").await;
    let mut made = Vec::new();
    for (due, price, issued) in [
        (Some("2099-03-01"), 500, true),
        (None, 100, false),
        (Some("2099-01-01"), 300, false),
        (Some("2099-03-01"), 300, true),
        (None, 900, true),
    ] {
        made.push(invoice(&alice, &customer, due, price, issued).await);
    }
    for (sort, expected) in [
        ("created_at", [0, 1, 2, 3, 4]),
        ("due_date", [2, 0, 3, 1, 4]),
        // All issued invoices are from today, and drafts have no issue date.
        ("issue_date", [0, 3, 4, 1, 2]),
        ("total", [1, 2, 3, 0, 4]),
    ] {
        let expected: Vec<String> = expected.iter().map(|&index: &usize| made[index].clone()).collect();
        let backwards: Vec<String> = expected.iter().rev().cloned().collect();
        for limit in [1, 2, 4, 100] {
            assert_eq!(found(&alice, &format!("sort={sort}"), limit).await, expected, "{sort} by {limit}");
            assert_eq!(found(&alice, &format!("sort=-{sort}"), limit).await, backwards, "-{sort} by {limit}");
        }
    }
    assert_eq!(
        found(&alice, "", 2).await,
        found(&alice, "sort=-created_at", 2).await,
        "the default order is newest first"
    );
    for sort in ["id", "owner_id", "TOTAL", "total,id", "total%20desc", "+total", "--total", ""] {
        let reply = alice.get(&format!("/api/v1/invoices?sort={sort}")).await;
        reply.assert_invalid_field("/sort").assert_events(&["input_validation_fail/invalid_input"]);
        assert!(reply.statements().is_empty());
    }
    let page = alice.get("/api/v1/invoices?limit=1&sort=total").await.ok(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for sort in ["-total", "due_date", "created_at"] {
        alice
            .get(&format!("/api/v1/invoices?limit=1&sort={sort}&cursor={cursor}"))
            .await
            .assert_invalid_field("/cursor");
    }
}

#[actix_web::test]
async fn export_is_csv_of_the_callers_invoices() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (acme, other) = (customer(&alice, "Acme, \"the\" one").await, customer(&alice, "Other").await);
    invoice(&alice, &acme, Some("2099-01-31"), 12_345, true).await;
    let second = invoice(&alice, &other, None, 5, false).await;
    invoice(&bob, &customer(&bob, "Canary").await, None, 1, true).await;
    let reply = alice.get("/api/v1/invoices/export").await.ok(200);
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"invoices.csv\""));
    let text = reply.text();
    let without_mark =
        text.strip_prefix('\u{feff}').expect("the export begins with a byte order mark, which Excel needs");
    assert_eq!(alice.get("/api/v1/invoices/export?bom=true").await.ok(200).text(), text);
    assert_eq!(alice.get("/api/v1/invoices/export?bom=false").await.ok(200).text(), without_mark);
    let lines: Vec<&str> = without_mark.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    let [head, issued, draft] = lines[..] else { panic!("{text}") };
    assert!(head.starts_with("\"id\",\"number\",\"status\",\"issue_date\",\"due_date\""), "{head}");
    let today = app.clock.now().date_naive();
    let number = format!("\"INV-{}-0001\"", today.format("%Y"));
    let expected = format!(
        ",{number},\"issued\",\"{today}\",\"2099-01-31\",\"{acme}\",\"Acme, \"\"the\"\" one\",\"EUR\",123.45,0.00,0.00,123.45,0.00,0.00,\""
    );
    assert!(issued.contains(&expected), "{issued}\n{expected}");
    assert!(
        draft.starts_with(&format!("\"{second}\",\"\",\"draft\",\"\",\"\",\"{other}\",\"Other\",\"EUR\",0.05,")),
        "{draft}"
    );

    let lines = async |query: &str| {
        let text = alice.get(&format!("/api/v1/invoices/export?{query}")).await.ok(200).text();
        text.lines().count() - 1
    };
    assert_eq!(lines("status=draft").await, 1);
    assert_eq!(lines(&format!("customer_id={acme}")).await, 1);
    assert_eq!(lines(&format!("issued_from={today}&issued_to={today}")).await, 1);
    assert_eq!(lines("issued_to=2001-01-01").await, 0);
    let bobs = bob.get("/api/v1/invoices").await.json()["items"][0]["customer_id"].as_str().unwrap().to_owned();
    assert_eq!(
        lines(&format!("customer_id={bobs}")).await,
        0,
        "a filter for another user's customer must match nothing"
    );
    for (query, field) in [
        ("limit=1", "limit"),
        ("cursor=x", "cursor"),
        ("status=lost", "status"),
        ("issued_to=1", "issued_to"),
        ("bom=1", "bom"),
    ] {
        alice.get(&format!("/api/v1/invoices/export?{query}")).await.assert_invalid_field(&format!("/{field}"));
    }
}
