//! API3 (S28, S27): what is not a client's to say. A body that fits, with one field more, is refused whole and names the field;
//! nobody's role, owner, status, number, sum or time can be written through the API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{PASSWORD, draft, mails, payment};
use crate::support::{Actor, TestApp};

/// What the service alone decides, of whatever kind of object.
const OURS: [&str; 22] = [
    "id",
    "owner_id",
    "user_id",
    "role",
    "is_admin",
    "isAdmin",
    "admin",
    "email_verified",
    "password_hash",
    "version",
    "created_at",
    "updated_at",
    "number",
    "issue_date",
    "subtotal",
    "discount_total",
    "tax_total",
    "total",
    "paid",
    "due",
    "__proto__",
    "constructor",
];

/// Every request that takes a body, with one that fits.
async fn writes(alice: &Actor) -> Vec<(Method, String, Value)> {
    let (customer, invoice) = (alice.customer().await, alice.invoice().await);
    let token = "A".repeat(43);
    vec![
        (
            Method::POST,
            "/api/v1/auth/register".into(),
            json!({"email": "eve@example.com", "password": PASSWORD, "display_name": "Eve"}),
        ),
        (Method::POST, "/api/v1/auth/confirm".into(), json!({"token": token})),
        (Method::POST, "/api/v1/auth/login".into(), json!({"email": alice.email, "password": PASSWORD})),
        (Method::POST, "/api/v1/auth/password-reset".into(), json!({"email": alice.email})),
        (
            Method::POST,
            "/api/v1/auth/password-reset/confirm".into(),
            json!({"token": token, "new_password": "another horse battery 7"}),
        ),
        (Method::PATCH, "/api/v1/me".into(), json!({"display_name": "Alice"})),
        (Method::DELETE, "/api/v1/me".into(), json!({"password": PASSWORD})),
        (
            Method::POST,
            "/api/v1/me/password".into(),
            json!({"current_password": PASSWORD, "new_password": "another horse battery 7"}),
        ),
        (Method::POST, "/api/v1/customers".into(), json!({"name": "Acme", "default_currency": "EUR"})),
        (Method::PATCH, format!("/api/v1/customers/{customer}"), json!({"name": "Acme"})),
        (Method::POST, "/api/v1/invoices".into(), draft(&customer)),
        (Method::PUT, format!("/api/v1/invoices/{invoice}"), draft(&customer)),
        (Method::POST, format!("/api/v1/invoices/{invoice}/payments"), payment(1)),
    ]
}

async fn send(alice: &Actor, method: &Method, path: &str, body: String) -> crate::support::client::Reply {
    alice.request(method.clone(), path).header("if-match", "\"1\"").body("application/json", body).send().await
}

#[actix_web::test]
async fn a_field_that_is_not_the_clients_to_say_refuses_the_whole_body() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let writes = writes(&alice).await;
    let routes = strongroom::app::routes::table().into_iter();
    let taking = routes.filter(|endpoint| endpoint.body != strongroom::security::body_limits::BodyLimit::None).count();
    assert_eq!(writes.len(), taking, "this test has a body for each route that takes one");
    let (before, mail) = (app.everything().await, mails(&app, &alice.email).len());
    for (method, path, fits) in &writes {
        for field in OURS {
            let mut body = fits.clone();
            body[field] = json!(true);
            let reply = send(&alice, method, path, body.to_string()).await;
            reply.refused_field(&format!("/{field}")).left(&["input_validation_fail/invalid_input"]);
        }
    }
    assert_eq!(app.everything().await, before);
    assert_eq!((mails(&app, &alice.email).len(), mails(&app, "eve@example.com").len()), (mail, 0));
}

/// Two parsers may read one body differently: one takes the first of two like names, the other the last.
#[actix_web::test]
async fn a_field_given_twice_refuses_the_whole_body() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let writes = writes(&alice).await;
    let before = app.everything().await;
    for (method, path, fits) in &writes {
        let (name, value) = fits.as_object().unwrap().iter().next().unwrap();
        let rest = fits.to_string();
        let twice = format!("{{\"{name}\":{value},{}", rest.strip_prefix('{').unwrap());
        let reply = send(&alice, method, path, twice).await;
        reply.refused_field(&format!("/{name}")).left(&["input_validation_fail/invalid_input"]);
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn a_line_of_an_invoice_brings_nothing_of_its_own() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let before = app.everything().await;
    for field in ["owner_id", "invoice_id", "position", "gross", "net", "tax", "total", "quantity_thousandths"] {
        let mut body = draft(&customer);
        body["lines"][1][field] = json!(1);
        alice.post("/api/v1/invoices", &body).await.refused_field(&format!("/lines/1/{field}"));
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn a_status_is_lived_through_and_not_written() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let before = app.everything().await;
    for status in ["issued", "paid", "void", "draft"] {
        let mut body = draft(&customer);
        body["status"] = json!(status);
        alice.post("/api/v1/invoices", &body).await.refused_field("/status");
    }
    assert_eq!(app.everything().await, before);
    let made = alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201).json();
    assert_eq!((made["status"].as_str(), &made["number"], &made["paid"]), (Some("draft"), &Value::Null, &json!(0)));
}
