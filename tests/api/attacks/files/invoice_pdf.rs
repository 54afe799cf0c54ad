//! Generated PDFs (API4, API8): active content, text that covers other text, and exhaustion of the CPU.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::actor::draft;
use crate::support::pdf::{count_pixels, info, rows};
use crate::support::{Actor, TestApp};

/// PDF names of active content.
const ACTS: [&str; 12] = [
    "/Annot",
    "/JavaScript",
    "/JS",
    "/OpenAction",
    "/AA ",
    "/Launch",
    "/URI",
    "/EmbeddedFile",
    "/AcroForm",
    "/RichMedia",
    "/SubmitForm",
    "/GoToR",
];

const TYPED: [&str; 10] = [
    ") Tj ET Q /JS (app.alert(1)) BT (",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "https://evil.example/?q=1",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "endstream endobj 1 0 obj << /OpenAction 2 0 R >>",
    "%PDF-1.7 %%EOF",
    "\\) \\051 \\n",
    "{{7*7}} ${7*7} <%= 7*7 %>",
];

async fn print(alice: &Actor, draft: &Value) -> Vec<u8> {
    let id = alice.post("/api/v1/invoices", draft).await.ok(201).json()["id"].as_str().unwrap().to_owned();
    alice.get(&format!("/api/v1/invoices/{id}/pdf")).await.ok(200).body
}

fn line(description: &str) -> Value {
    json!({"description": description, "quantity": "1", "unit_price": "1", "tax_rate": "0"})
}

fn between<'a>(bytes: &'a [u8], from: &str, to: &str) -> &'a [u8] {
    let place = |text: &str| bytes.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
    &bytes[place(from)..place(to)]
}

fn contains_bytes(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[actix_web::test]
async fn user_input_in_a_pdf_stays_text() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for typed in TYPED {
        // The input is in each field that the PDF shows, and in the fields that become its title and author.
        let name = alice.get("/api/v1/me").await.ok(200);
        let version = name.header("etag").unwrap().to_owned();
        alice.patch("/api/v1/me", &version, &json!({"display_name": typed})).await.ok(200);
        let customer = json!({"name": typed, "address": typed, "tax_id": typed, "default_currency": "EUR"});
        let customer =
            alice.post("/api/v1/customers", &customer).await.ok(201).json()["id"].as_str().unwrap().to_owned();
        let mut draft = draft(&customer);
        (draft["notes"], draft["lines"]) = (json!(typed), json!([line(typed)]));
        let pdf = print(&alice, &draft).await;
        // Long texts wrap, so compare them without white space.
        let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
        let (all, one) = (without_blanks(&rows(&pdf).join("\n")), without_blanks(typed));
        assert!(all.matches(&one).count() >= 6, "{typed:?} in {all}");
        assert_eq!(info(&pdf, "Author"), typed);
        assert_eq!([info(&pdf, "JavaScript"), info(&pdf, "Form")], ["no", "none"], "{typed}");
        let xml = between(&pdf, "<?xpacket begin", "<?xpacket end");
        assert!(
            contains_bytes(xml, "dc:creator") && !contains_bytes(xml, "<script") && !contains_bytes(xml, "<img"),
            "{typed}"
        );
        for acts in ACTS {
            // The author in the metadata is the user's text. If this text contains a name of `ACTS`, so does the PDF.
            assert_eq!(
                contains_bytes(&pdf, acts),
                typed.contains(acts) && info(&pdf, "Author").contains(acts),
                "{acts}: {typed}"
            );
        }
    }
}

#[actix_web::test]
async fn direction_override_in_an_invoice_line_is_removed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    for (turned, expected) in
        [("\u{202e}00.1 RUE", "00.1 RUE"), ("a\u{202d}b", "ab"), ("\u{2067}a\u{2066}b\u{2069}", "ab")]
    {
        let mut draft = draft(&customer);
        draft["lines"] = json!([line(turned)]);
        let invoice = alice.post("/api/v1/invoices", &draft).await.ok(201).json();
        assert_eq!(invoice["lines"][0]["description"], expected, "{turned:?}");
    }
    // The API would remove the direction override, so the test writes it to the database.
    let id = alice.invoice().await;
    let planted = "update invoice_lines set description = E'Price \\u202E00.1' || description";
    sqlx::query(planted).execute(&app.all_rows).await.unwrap();
    let pdf = alice.get(&format!("/api/v1/invoices/{id}/pdf")).await.ok(200).body;
    assert!(rows(&pdf).join("\n").contains("Price 00.1Consulting 1.5 100.00"), "{:?}", rows(&pdf));
}

/// With more than 255 marks on one letter, some layout engines fail, or draw the marks over other lines.
#[actix_web::test]
async fn stacked_combining_marks_take_no_extra_space() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    for mark in ["\u{301}", "\u{323}", "\u{489}", "\u{20dd}", "\u{64b}", "\u{5b0}"] {
        let mut draft = draft(&customer);
        let piled = format!("a{}", mark.repeat(499));
        (draft["lines"], draft["notes"]) = (json!(vec![line(&piled); 5]), json!(format!("a{}", mark.repeat(1_999))));
        let pdf = print(&alice, &draft).await;
        assert!(pdf.len() < 128 * 1024, "{} bytes of {mark:?}", pdf.len());
        let text = rows(&pdf).join("\n");
        assert_eq!((info(&pdf, "Pages").as_str(), text.matches("1 1.00 0 % 1.00").count()), ("1", 5), "{mark:?}");
    }
}

/// The PDF cuts the marks off at the edge of their line.
#[actix_web::test]
async fn stacked_combining_marks_do_not_cover_other_lines() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    // At this low resolution, a mark may be gray, so gray pixels count too.
    let ink = async |last: &str| {
        let mut draft = draft(&customer);
        draft["lines"] = json!([line("a"), line("a"), line(last)]);
        count_pixels(&print(&alice, &draft).await, 0..=250)
    };
    let sound = ink("a").await;
    for above_or_below in ["\u{301}", "\u{300}", "\u{30c}", "\u{323}"] {
        let piled = ink(&format!("a{}", above_or_below.repeat(499))).await;
        assert!(piled < sound + 20, "{above_or_below:?}: {piled} and {sound}");
    }
}

#[actix_web::test]
async fn concurrent_pdf_renderings_are_limited_and_the_rest_gets_503() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let mut draft = draft(&customer);
    draft["lines"] = json!(vec![line(&"word ".repeat(99)); 20]);
    let id = alice.post("/api/v1/invoices", &draft).await.ok(201).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/invoices/{id}/pdf");
    let replies = join_all((0..30).map(|_| alice.get(&path))).await;
    let (mut printed, mut bodies) = (0, Vec::new());
    for reply in replies {
        if reply.status.as_u16() == 200 {
            printed += 1;
            bodies.push(reply.body);
        } else {
            reply.assert_refused(503, "unavailable").assert_events(&[]);
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        }
    }
    let work = app.services().pdf_renderer.work();
    assert!(work.peak() <= work.slots(), "{} of {}", work.peak(), work.slots());
    assert!(printed >= 1 && work.started() == printed, "{printed} of {}", work.started());
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "identical files");
    // After the flood, a conditional request with the current `ETag` renders no PDF.
    let reply = alice.get(&path).await.ok(200);
    let etag = reply.header("etag").unwrap().to_owned();
    let started = work.started();
    alice.request(reqwest::Method::GET, &path).header("if-none-match", &etag).send().await.ok(304);
    assert_eq!(work.started(), started);
}
