//! The PDF of an invoice: the amounts and texts of the API, other writing systems, page breaks, and `ETag`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::payment;
use crate::support::pdf::{count_pixels, info, rows, text};
use crate::support::{Actor, Reply, TestApp};

const WATERMARK: u8 = 232;

async fn created(alice: &Actor, customer: &Value, draft: &Value) -> String {
    let customer = alice.post("/api/v1/customers", customer).await.ok(201).json();
    let mut draft = draft.clone();
    draft["customer_id"] = customer["id"].clone();
    alice.post("/api/v1/invoices", &draft).await.ok(201).json()["id"].as_str().unwrap().to_owned()
}

async fn step(alice: &Actor, id: &str, step: &str, version: &str) -> Value {
    let path = format!("/api/v1/invoices/{id}/{step}");
    alice.request(Method::POST, &path).header("if-match", version).send().await.ok(200).json()
}

async fn printed(alice: &Actor, id: &str) -> Reply {
    alice.get(&format!("/api/v1/invoices/{id}/pdf")).await.ok(200)
}

fn acme() -> Value {
    json!({"name": "Łukasz & Søn <Ltd>", "email": "billing@acme.example", "address": "1 Pier\nTown 12",
        "tax_id": "NL0012", "default_currency": "EUR"})
}

fn draft(currency: &str, lines: &Value) -> Value {
    json!({"currency": currency, "due_date": "2030-01-31", "notes": "Thank you.\nUntil soon.", "lines": lines})
}

fn two_lines(price: &str) -> Value {
    json!([
        {"description": "Consulting", "quantity": "1.5", "unit_price": price, "discount_rate": "2.5",
            "tax_rate": "8.875"},
        {"description": "Travel", "quantity": "0.125", "unit_price": "49", "discount_amount": 1, "tax_rate": "9"}
    ])
}

/// Formats minor units (12345 with 2 decimals is 123.45), independently of the service's code.
fn decimal(minor: i64, digits: usize) -> String {
    let text = format!("{minor:0>width$}", width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    if digits == 0 { whole.to_owned() } else { format!("{whole}.{part}") }
}

#[actix_web::test]
async fn pdf_shows_the_amounts_of_the_api() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (currency, digits, price) in [("EUR", 2, "100.012345"), ("JPY", 0, "10001.5"), ("KWD", 3, "10.0012345")] {
        let mut draft = draft(currency, &two_lines(price));
        draft["discount_rate"] = json!("12.5");
        let id = created(&alice, &acme(), &draft).await;
        let invoice = step(&alice, &id, "issue", "\"1\"").await;
        let number = invoice["number"].as_str().unwrap();
        let reply = printed(&alice, &id).await;
        assert_eq!(reply.header("content-type"), Some("application/pdf"));
        let name = format!("attachment; filename=\"{number}.pdf\"");
        assert_eq!(reply.header("content-disposition"), Some(name.as_str()));
        assert_eq!(info(&reply.body, "Title"), format!("Invoice {number}"));
        assert_eq!((info(&reply.body, "Pages"), info(&reply.body, "Tagged")), ("1".into(), "yes".into()));
        assert!(info(&reply.body, "Page size").ends_with("(A4)"));
        let text = rows(&reply.body).join("\n");
        let amount = |field: &Value| decimal(field.as_i64().unwrap(), digits);
        let day = invoice["issue_date"].as_str().unwrap();
        let mut expected = vec![
            number.to_owned(),
            "alice".into(),
            "alice@example.com".into(),
            "Łukasz & Søn <Ltd>".into(),
            "1 Pier".into(),
            "Town 12".into(),
            "Tax ID: NL0012".into(),
            format!("Issued on {day}"),
            "Due on 2030-01-31".into(),
            format!("Subtotal {currency} {}", amount(&invoice["subtotal"])),
            format!(
                "Discounts on lines {currency} -{}",
                decimal(invoice["discount_total"].as_i64().unwrap() - invoice["discount"].as_i64().unwrap(), digits)
            ),
            format!("Discount 12.5 % {currency} -{}", amount(&invoice["discount"])),
            format!("Total {currency} {}", amount(&invoice["total"])),
            format!("Paid {currency} {}", amount(&invoice["paid"])),
            format!("Due {currency} {}", amount(&invoice["due"])),
            "Thank you.\nUntil soon.".into(),
            "Page 1 of 1".into(),
        ];
        for (tax, rate) in invoice["taxes"].as_array().unwrap().iter().zip(["8.875", "9"]) {
            assert_eq!(tax["tax_rate"], rate);
            expected.push(format!("Tax {rate} % of {} {currency} {}", amount(&tax["net"]), amount(&tax["tax"])));
        }
        let discount = format!("-{}", decimal(1, digits));
        for (line, (discount, tax)) in
            invoice["lines"].as_array().unwrap().iter().zip([("2.5 %", "8.875"), (discount.as_str(), "9")])
        {
            let [description, quantity, price] =
                ["description", "quantity", "unit_price"].map(|field| line[field].as_str().unwrap());
            expected.push(format!("{description} {quantity} {price} {discount} {tax} % {}", amount(&line["net"])));
        }
        for expected in expected {
            assert!(text.contains(&expected), "{expected:?} in {text}");
        }
    }
}

#[actix_web::test]
async fn pdf_omits_an_unused_column() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.invoice().await;
    let text = rows(&printed(&alice, &id).await.body).join("\n");
    assert!(text.contains("Description Quantity Unit price Tax Amount") && !text.contains("Discount"), "{text}");
}

#[actix_web::test]
async fn pdf_shows_the_status() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (id, other) = (alice.invoice().await, alice.invoice().await);
    let check = async |id: &str, status: &str, watermark: bool| {
        let reply = printed(&alice, id).await;
        let text = rows(&reply.body).join("\n");
        assert!(text.contains(&format!("Status {status}")), "{text}");
        assert!(text.contains(&format!("· {status} Page 1 of 1")), "{text}");
        // The watermark consists of outlines, not of text.
        let pixels = count_pixels(&reply.body, WATERMARK..=WATERMARK);
        assert_eq!(pixels > 500, watermark, "{status}: {pixels} pixels of the watermark");
        reply
    };
    let draft = check(&id, "Draft, not issued", true).await;
    assert_eq!(draft.header("content-disposition"), Some("attachment; filename=\"draft.pdf\""));
    let total = step(&alice, &id, "issue", "\"1\"").await["total"].as_i64().unwrap();
    check(&id, "Issued", false).await;
    let payments = format!("/api/v1/invoices/{id}/payments");
    alice.post(&payments, &payment(1_001)).await.ok(201);
    let partially_paid = check(&id, "Partially paid", false).await;
    let text = rows(&partially_paid.body).join("\n");
    assert!(text.contains("Paid EUR 10.01") && text.contains(&format!("Due EUR {}", decimal(total - 1_001, 2))));
    alice.post(&payments, &payment(total - 1_001)).await.ok(201);
    check(&id, "Paid", false).await;
    step(&alice, &other, "issue", "\"1\"").await;
    step(&alice, &other, "void", "\"2\"").await;
    check(&other, "Void, not to be paid", true).await;
}

#[actix_web::test]
async fn pdf_text_of_every_supported_script_can_be_selected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let texts = [
        "Příliš žluťoučký kůň, Tiếng Việt, naïve façade",
        "Ξεσκεπάζω τὴν ψυχοφθόρα",
        "Счёт за июнь, Їжак",
        "חשבונית עבור ייעוץ",
        "فاتورة مقابل خدمة جديدة",
        "Օրինակ",
        "ნიმუში",
    ];
    let lines: Vec<Value> = texts.iter().map(|text| line(text)).collect();
    let id = created(&alice, &acme(), &draft("EUR", &json!(lines))).await;
    let text = text(&printed(&alice, &id).await.body);
    for expected in texts {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

fn line(description: &str) -> Value {
    json!({"description": description, "quantity": "1", "unit_price": "1", "tax_rate": "0"})
}

/// If the font has no glyph for a character, the PDF shows a box, but the text is selectable.
#[actix_web::test]
async fn unsupported_script_is_printed_as_boxes() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let lines = json!([line("日本語"), line("हिन्दी"), line("👩‍👩‍👧"), line("plain")]);
    let id = created(&alice, &acme(), &draft("EUR", &lines)).await;
    let text = rows(&printed(&alice, &id).await.body).join("\n");
    assert_eq!(text.matches("1 1.00 0 % 1.00").count(), 4, "{text}");
    // poppler omits the first letter (日), because a box has the glyph number 0.
    for row in ["本語", "हिन्दी", "👩‍👩‍👧", "plain"] {
        assert!(text.contains(&format!("{row} 1 1.00 0 % 1.00")), "{row} in {text}");
    }
}

#[actix_web::test]
async fn many_lines_fill_many_pages_with_repeated_table_head() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let lines: Vec<Value> = (0..100).map(|n| line(&format!("Nr{n:03} {}", "word ".repeat(98).trim()))).collect();
    let mut draft = draft("EUR", &json!(lines));
    draft["notes"] = json!("note ".repeat(400).trim());
    let id = created(&alice, &acme(), &draft).await;
    let pages = rows(&printed(&alice, &id).await.body);
    assert!((10..40).contains(&pages.len()), "{}", pages.len());
    let mut seen = 0;
    for (number, page) in (1..).zip(&pages) {
        assert!(page.ends_with(&format!("Page {number} of {}", pages.len())), "{page}");
        let rows = page.matches("Nr").count();
        seen += rows;
        assert!(rows == 0 || page.contains("Description Quantity Unit price Tax Amount"), "{page}");
    }
    assert_eq!(seen, 100);
    let all = pages.join("\n");
    assert_eq!((all.matches("word").count(), all.matches("note").count()), (9_800, 400));
    assert!((0..100).all(|n| all.contains(&format!("Nr{n:03}"))));
}

#[actix_web::test]
async fn etag_of_a_pdf_changes_with_its_content() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.invoice().await;
    let path = format!("/api/v1/invoices/{id}/pdf");
    let known = async |etag: &str| alice.request(Method::GET, &path).header("if-none-match", etag).send().await;
    let first = printed(&alice, &id).await;
    let mut etag = first.header("etag").unwrap().to_owned();
    assert_eq!(printed(&alice, &id).await.body, first.body);
    for same in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
        let reply = known(&same).await.ok(304);
        assert_eq!((reply.header("etag"), reply.body.len()), (Some(etag.as_str()), 0), "{same}");
    }
    for other in ["\"1\"", "\"\"", "\"1-1-1-0\""] {
        known(other).await.ok(200);
    }
    for malformed in ["", "x", "{}", "\"1", &format!("x, {etag}"), &format!("\"{}\"", "x".repeat(499))] {
        known(malformed).await.ok(200);
    }
    let two_lines = |one: &str, other: &str| {
        alice.request(Method::GET, &path).header("if-none-match", one).header("if-none-match", other).send()
    };
    two_lines("\"x\"", &etag).await.ok(304);
    two_lines("x", &etag).await.ok(200);
    let customer =
        alice.get(&format!("/api/v1/invoices/{id}")).await.json()["customer_id"].as_str().unwrap().to_owned();
    let changes = [
        (Method::PATCH, format!("/api/v1/customers/{customer}"), json!({"name": "Another"})),
        (Method::PATCH, "/api/v1/me".to_owned(), json!({"display_name": "Alice Again"})),
        (Method::POST, format!("/api/v1/invoices/{id}/issue"), Value::Null),
    ];
    for (method, path, body) in changes {
        let mut request = alice.request(method, &path).header("if-match", "\"1\"");
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.ok(200);
        let reply = known(&etag).await.ok(200);
        assert_ne!(reply.header("etag"), Some(etag.as_str()), "{path}");
        etag = reply.header("etag").unwrap().to_owned();
    }
}
