//! Manipulated amounts (CWE-190, CWE-682, CWE-840; API6:2023): negative and excessive discounts, integer overflow, and
//! decimals that parsers read differently.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::support::TestApp;
use crate::support::actor::draft;

const INVALID: &str = "input_validation_fail/invalid_input";
const RATE: &str = "must be a decimal from 0 to 100 with at most three decimals, for example \"8.875\"";
const PRICE: &str = "must be a decimal with at most 12 digits and 6 decimals in EUR, for example \"100\"";

/// Returns the body of a draft in which the field at `pointer` is `value`.
/// Without this change its subtotal is 199.99, so a larger discount must be refused.
fn draft_with(customer: &str, pointer: &str, value: &Value) -> Value {
    let mut body = draft(customer);
    let (object, field) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(object).unwrap()[field] = value.clone();
    body
}

#[actix_web::test]
async fn negative_or_excessive_discount_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (customer, id) = (alice.customer().await, alice.invoice().await);
    let before = app.digest_all().await;
    let out_of_range = "greater than or equal";
    for (pointer, value, message) in [
        ("/lines/0/discount_rate", json!("-1"), RATE),
        ("/lines/0/discount_rate", json!("100.001"), RATE),
        ("/lines/0/discount_rate", json!("NaN"), RATE),
        ("/lines/0/discount_rate", json!("1e2"), RATE),
        ("/lines/0/discount_rate", json!("٥"), RATE),
        ("/lines/0/discount_amount", json!(-1), out_of_range),
        ("/lines/0/discount_amount", json!(15_001), "must be at most quantity × unit price"),
        ("/lines/0/discount_amount", json!(9_007_199_254_740_991_i64), "must be at most quantity × unit price"),
        ("/discount_rate", json!("-0.001"), RATE),
        ("/discount_rate", json!("101"), RATE),
        ("/discount_amount", json!(-1), out_of_range),
        ("/discount_amount", json!(20_000), "must be at most the sum of the lines after their discounts"),
        ("/lines/0/tax_rate", json!("-21"), RATE),
        ("/lines/0/unit_price", json!("-100"), PRICE),
        ("/lines/0/unit_price", json!("0x64"), PRICE),
        ("/lines/0/unit_price", json!("1,000"), PRICE),
        ("/lines/0/unit_price", json!("1000000000000"), PRICE),
    ] {
        let body = draft_with(&customer, pointer, &value);
        for (method, path) in
            [(Method::POST, "/api/v1/invoices".to_owned()), (Method::PUT, format!("/api/v1/invoices/{id}"))]
        {
            let reply = alice.request(method, &path).header("if-match", "\"1\"").json(&body).send().await;
            reply.assert_invalid_field(pointer).assert_events(&[INVALID]);
            let actual = reply.json()["errors"][0]["message"].as_str().unwrap().to_owned();
            let matches = actual == message || message == out_of_range && actual.contains('0');
            assert!(matches, "{pointer} {value}: {actual}");
            assert!(reply.statements().is_empty());
        }
    }
    // A discount has either a rate or an amount.
    for object in ["", "/lines/0"] {
        let mut body = draft_with(&customer, &format!("{object}/discount_rate"), &json!("10"));
        body.pointer_mut(object).unwrap()["discount_amount"] = json!(1);
        let reply = alice.post("/api/v1/invoices", &body).await;
        reply.assert_invalid_field(&format!("{object}/discount_amount")).assert_events(&[INVALID]);
        assert_eq!(reply.json()["errors"][0]["message"], "cannot be combined with discount_rate");
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn overflowing_sum_is_refused_and_never_wraps() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let before = app.digest_all().await;
    let line = |quantity: &str, price: &str, tax: &str| json!({"description": "x", "quantity": quantity, "unit_price": price, "tax_rate": tax});
    let max = || line("1000", "90071992547.40991", "0");
    for (pointer, lines) in [
        // The overflow is in one line, in the sum of the lines, or in the total including tax.
        ("/lines/0", vec![line("999999999.999", "999999999999.999999", "0")]),
        ("/lines/1", vec![line("1", "0.01", "0"), max()]),
        ("/lines", vec![line("1000", "90071992547.40991", "100")]),
        ("/lines/1", vec![max(); 100]),
    ] {
        let mut body = draft(&customer);
        body["lines"] = json!(lines);
        let reply = alice.post("/api/v1/invoices", &body).await;
        reply.assert_invalid_field(pointer).assert_events(&[INVALID]);
        assert_eq!(reply.json()["errors"][0]["message"], "makes the amount too large");
    }
    assert_eq!(app.digest_all().await, before);
}

/// Defense in depth.
#[actix_web::test]
async fn database_refuses_invalid_discounts_and_rates() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    let before = app.digest_all().await;
    for (table, change) in [
        ("invoice_lines", "discount_amount = -1"),
        ("invoice_lines", "discount_rate_millipercent = 100001"),
        ("invoice_lines", "discount_rate_millipercent = 1, discount_amount = 1"),
        ("invoice_lines", "tax_rate_millipercent = -1"),
        ("invoice_lines", "unit_price_ten_thousandths = -1"),
        ("invoices", "discount_amount = -1"),
        ("invoices", "discount_rate_millipercent = -1"),
        ("invoices", "discount_rate_millipercent = 1, discount_amount = 1"),
        ("invoices", "discount_total = subtotal + 1, total = tax_total - 1"),
    ] {
        let sql = format!("update {table} set {change}");
        let error = app.all_rows.execute(sqlx::AssertSqlSafe(sql)).await.unwrap_err();
        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "23514", "{table}: {change}");
    }
    assert_eq!(app.digest_all().await, before);
}
