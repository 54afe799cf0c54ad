//! Invoices: drafts, validation, filters and numbers.

use serde_json::{Value, json};

use crate::support::actor::draft;
use crate::support::{Actor, TestApp};

async fn created(alice: &Actor, body: &Value) -> Value {
    alice.post("/api/v1/invoices", body).await.ok(201).json()
}

fn path(invoice: &Value) -> String {
    format!("/api/v1/invoices/{}", invoice["id"].as_str().unwrap())
}

/// Issues a draft by SQL, because the API accepts only the last 30 days.
async fn issue(app: &TestApp, invoice: &Value, day: &str) {
    let sql = format!(
        "begin; select set_config('app.owner_id', (select owner_id::text from invoices where id = '{0}'), true);
         select assign_invoice_number('{0}', date '{day}');
         update invoices set status = 'issued', version = version + 1 where id = '{0}'; commit",
        invoice["id"].as_str().unwrap()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&app.all_rows).await.unwrap();
}

#[actix_web::test]
async fn draft_is_created_read_replaced_and_deleted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let reply = alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201);
    let made = reply.json();
    assert_eq!((reply.header("location"), reply.header("etag")), (Some(path(&made).as_str()), Some("\"1\"")));
    assert_eq!(
        json!({
            "customer_id": made["customer_id"], "status": made["status"], "number": made["number"],
            "currency": made["currency"], "issue_date": made["issue_date"], "due_date": made["due_date"],
            "subtotal": made["subtotal"], "discount_total": made["discount_total"], "taxes": made["taxes"],
            "discount_rate": made["discount_rate"], "discount_amount": made["discount_amount"],
            "discount": made["discount"], "line": made["lines"][0],
            "tax_total": made["tax_total"], "total": made["total"], "paid": made["paid"], "due": made["due"],
        }),
        json!({
            "customer_id": customer, "status": "draft", "number": null, "currency": "EUR", "issue_date": null,
            "due_date": "2030-01-31", "subtotal": 19_999, "discount_total": 0,
            "discount_rate": null, "discount_amount": null, "discount": 0,
            "line": {"description": "Consulting", "quantity": "1.5", "unit_price": "100.00", "discount_rate": null,
                "discount_amount": null, "tax_rate": "21", "gross": 15_000, "discount": 0, "net": 15_000},
            "taxes": [{"tax_rate": "0", "net": 4_999, "tax": 0}, {"tax_rate": "21", "net": 15_000, "tax": 3_150}],
            "tax_total": 3_150, "total": 23_149, "paid": 0, "due": 0,
        })
    );
    assert_eq!(alice.get(&path(&made)).await.ok(200).json(), made);

    let body = json!({"customer_id": customer, "currency": "JPY", "notes": "Merci.\nÀ bientôt.",
        "lines": [{"description": "本", "quantity": "2.5", "unit_price": "301", "tax_rate": "10"}]});
    let replaced = alice.put(&path(&made), "\"1\"", &body).await.ok(200);
    assert_eq!(replaced.header("etag"), Some("\"2\""));
    let replaced = replaced.json();
    // The subtotal 752.5 becomes 753, and the tax 75.3 becomes 75.
    assert_eq!(
        (&replaced["subtotal"], &replaced["tax_total"], &replaced["total"]),
        (&json!(753), &json!(75), &json!(828))
    );
    assert_eq!((&replaced["due_date"], &replaced["created_at"]), (&Value::Null, &made["created_at"]));
    assert_eq!(alice.get(&path(&made)).await.ok(200).json(), replaced);

    alice.delete(&path(&made), "\"2\"").await.ok(204);
    alice.get(&path(&made)).await.assert_refused(404, "not_found");
    let lines: i64 = sqlx::query_scalar("select count(*) from invoice_lines").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(lines, 0, "the lines are deleted too");
}

#[actix_web::test]
async fn invalid_input_names_its_field_and_changes_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let before = app.digest_all().await;
    for (pointer, value) in [
        ("/currency", json!("eur")),
        ("/due_date", json!("2026-02-30")),
        ("/due_date", json!("tomorrow")),
        ("/due_date", json!("2026-1-1")),
        ("/notes", json!("x".repeat(2_001))),
        ("/lines", json!([])),
        ("/lines", json!("x")),
        ("/lines", Value::Array(vec![draft("x")["lines"][0].clone(); 101])),
        ("/lines/1/quantity", json!("0")),
        ("/lines/1/quantity", json!("-1")),
        ("/lines/1/quantity", json!("1.0001")),
        ("/lines/1/quantity", json!("1e3")),
        ("/lines/1/quantity", json!("1234567890")),
        ("/lines/1/quantity", json!(1)),
        ("/lines/1/unit_price", json!("-1")),
        ("/lines/1/unit_price", json!("1000000000000")),
        ("/lines/1/unit_price", json!("0.0000001")),
        ("/lines/1/unit_price", json!("1e3")),
        ("/lines/1/unit_price", json!("1,5")),
        ("/lines/1/unit_price", json!(1)),
        ("/lines/1/tax_rate", json!("-1")),
        ("/lines/1/tax_rate", json!("8.8755")),
        ("/lines/1/tax_rate", json!("100.001")),
        ("/lines/1/tax_rate", json!(21)),
        ("/lines/1/description", json!("")),
        ("/lines/1/description", json!("x".repeat(501))),
    ] {
        let mut body = draft(&customer);
        let (object, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(object).unwrap()[field] = value.clone();
        let reply = alice.post("/api/v1/invoices", &body).await;
        assert_eq!(reply.status.as_u16(), 400, "{pointer} {value}");
        reply.assert_invalid_field(pointer);
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn issued_invoice_cannot_be_replaced_or_deleted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let made = created(&alice, &draft(&customer)).await;
    issue(&app, &made, "2026-11-01").await;
    let before = app.digest_all().await;
    let issued = alice.get(&path(&made)).await.ok(200);
    assert_eq!((issued.json()["number"].as_str(), issued.header("etag")), (Some("INV-2026-0001"), Some("\"2\"")));
    alice.put(&path(&made), "\"2\"", &draft(&customer)).await.assert_refused(409, "not_a_draft");
    alice.delete(&path(&made), "\"2\"").await.assert_refused(409, "not_a_draft");
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn list_of_invoices_is_filtered_by_each_parameter() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (one, other) = (alice.customer().await, alice.customer().await);
    let mut invoices = Vec::new();
    for (customer, due, issued) in [
        (&one, "2026-01-31", Some("2026-01-01")),
        (&one, "2099-01-31", Some("2026-02-01")),
        (&other, "2026-03-31", None),
        (&other, "2099-03-31", Some("2026-03-01")),
    ] {
        let mut body = draft(customer);
        body["due_date"] = json!(due);
        let made = created(&alice, &body).await;
        if let Some(day) = issued {
            issue(&app, &made, day).await;
        }
        invoices.push(made["id"].clone());
    }
    for (query, expected) in [
        (String::new(), vec![3, 2, 1, 0]),
        ("status=draft".to_owned(), vec![2]),
        ("status=issued".to_owned(), vec![3, 1, 0]),
        ("status=paid".to_owned(), vec![]),
        (format!("customer_id={one}"), vec![1, 0]),
        (format!("customer_id={other}&status=issued"), vec![3]),
        ("overdue=true".to_owned(), vec![0]),
        ("overdue=false".to_owned(), vec![3, 2, 1]),
        ("issued_from=2026-02-01".to_owned(), vec![3, 1]),
        ("issued_to=2026-02-01".to_owned(), vec![1, 0]),
        ("issued_from=2026-02-01&issued_to=2026-02-01".to_owned(), vec![1]),
        ("due_from=2026-03-31&due_to=2099-01-31".to_owned(), vec![1, 2]),
    ] {
        let page = alice.get(&format!("/api/v1/invoices?{query}")).await.ok(200).json();
        let ids: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        let expected: Vec<&Value> = expected.iter().map(|&index: &usize| &invoices[index]).collect();
        assert_eq!(ids, expected, "{query}");
        // Pages of one item contain the same rows.
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = alice.get(&format!("/api/v1/invoices?limit=1&{query}{cursor}")).await.ok(200).json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for query in ["status=lost", "overdue=maybe", "issued_from=1-1-2026", "due_to=2026-13-01", "sort=id", "search="] {
        alice.get(&format!("/api/v1/invoices?{query}")).await.assert_refused(400, "invalid_input");
    }
}

#[actix_web::test]
async fn numbers_start_at_one_per_owner_and_year() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let customer = alice.customer().await;
    for (day, number) in
        [("2026-05-05", "INV-2026-0001"), ("2026-05-05", "INV-2026-0002"), ("2027-01-01", "INV-2027-0001")]
    {
        let made = created(&alice, &draft(&customer)).await;
        issue(&app, &made, day).await;
        assert_eq!(alice.get(&path(&made)).await.json()["number"], number);
    }
    let bobs = created(&bob, &draft(&bob.customer().await)).await;
    issue(&app, &bobs, "2026-05-05").await;
    assert_eq!(bob.get(&path(&bobs)).await.json()["number"], "INV-2026-0001", "each owner has a counter of their own");
}
