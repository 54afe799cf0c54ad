//! Mass assignment (CWE-915, API3:2023). The service refuses every field that a body does not allow, even if the field
//! would have no effect. The response names the field, so developers notice mistakes of their clients.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::app::routes::Access;
use uuid::Uuid;

use crate::support::actor::{PASSWORD, draft, mail_token, register};
use crate::support::operations::{Operation, References, make, operations, with_bodies};
use crate::support::{Actor, MAILS, TestApp};

const INVALID: &str = "input_validation_fail/invalid_input";

/// Fields that only the server may set, in the spellings of several frameworks, and dangerous keys such as `__proto__`.
const SERVER_OWNED: [&str; 45] = [
    "id",
    "_id",
    "owner_id",
    "ownerId",
    "owner",
    "user_id",
    "userId",
    "account_id",
    "tenant_id",
    "role",
    "roles",
    "is_admin",
    "isAdmin",
    "admin",
    "permissions",
    "scope",
    "status",
    "state",
    "number",
    "subtotal",
    "discount_total",
    "tax_total",
    "taxes",
    "discount",
    "total",
    "paid",
    "due",
    "issue_date",
    "version",
    "created_at",
    "createdAt",
    "updated_at",
    "expires_at",
    "email_verified",
    "emailVerified",
    "confirmed",
    "password_hash",
    "token_hash",
    "session_id",
    "__proto__",
    "constructor",
    "Name",
    "NAME",
    "",
    "$where",
];

/// Returns values that would have an effect if the service accepted this field.
fn values(field: &str) -> [Value; 3] {
    match field {
        "role" | "roles" => [json!("admin"), json!(["admin"]), json!(null)],
        "status" | "state" => [json!("paid"), json!("active"), json!(null)],
        "id" | "_id" | "owner_id" | "user_id" => [json!(Uuid::new_v4()), json!(1), json!(null)],
        _ => [json!(true), json!(0), json!(null)],
    }
}

async fn digest_all(app: &TestApp) -> String {
    let waiting = ["registrations", "password_resets", MAILS, "login_failures", "refresh_tokens"];
    app.digest_all().await + &app.digest(&waiting).await
}

fn send(alice: &Actor, operation: &Operation, id: &str, body: impl Into<String>) -> crate::support::client::Request {
    operation.request_to(alice, id).header("if-match", "\"1\"").body("application/json", body.into())
}

#[actix_web::test]
async fn server_owned_field_is_refused_in_every_body() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let all = with_bodies(&alice).await;
    let before = digest_all(&app).await;
    for (operation, id, fits) in &all {
        for field in SERVER_OWNED.into_iter().filter(|field| fits.get(field).is_none()) {
            for value in values(field) {
                let mut body = fits.clone();
                body[field] = value;
                let reply = send(&alice, operation, id, body.to_string()).send().await;
                reply.assert_invalid_field(&format!("/{field}")).assert_events(&[INVALID]);
                assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 1);
                assert!(reply.statements().is_empty(), "refused before any SQL statement");
            }
        }
    }
    assert_eq!(digest_all(&app).await, before);
}

#[actix_web::test]
async fn server_owned_field_of_a_line_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let all = with_bodies(&alice).await;
    let before = digest_all(&app).await;
    let with_lines = all.iter().filter(|(_, _, fits)| fits.get("lines").is_some());
    for (operation, id, fits) in with_lines {
        for field in [
            "id",
            "owner_id",
            "invoice_id",
            "position",
            "gross",
            "net",
            "discount",
            "tax",
            "total",
            "quantity_thousandths",
            "unit_price_ten_thousandths",
            "tax_rate_millipercent",
        ] {
            let mut body = fits.clone();
            body["lines"][0][field] = json!(1);
            let reply = send(&alice, operation, id, body.to_string()).send().await;
            reply.assert_invalid_field(&format!("/lines/0/{field}")).assert_events(&[INVALID]);
        }
        for nested in ["customer", "owner"] {
            let mut body = fits.clone();
            body[nested] = json!({"id": Uuid::new_v4(), "owner_id": Uuid::new_v4()});
            send(&alice, operation, id, body.to_string()).send().await.assert_invalid_field(&format!("/{nested}"));
        }
    }
    assert_eq!(digest_all(&app).await, before);
}

/// Duplicate keys (CWE-436): a gateway may read the first value and the service the last.
#[actix_web::test]
async fn duplicate_key_is_refused_in_every_body() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let all = with_bodies(&alice).await;
    let before = digest_all(&app).await;
    for (operation, id, fits) in &all {
        for (field, value) in fits.as_object().unwrap() {
            let text = fits.to_string();
            for twice in [
                format!("{},\"{field}\":{value}}}", text.strip_suffix('}').unwrap()),
                format!("{{\"{field}\":{value},{}", text.strip_prefix('{').unwrap()),
                // One of the two equal keys has an escape sequence.
                format!(
                    "{},\"\\u{:04x}{}\":{value}}}",
                    text.strip_suffix('}').unwrap(),
                    field.as_bytes()[0],
                    &field[1..]
                ),
            ] {
                let reply = send(&alice, operation, id, twice).send().await;
                reply.assert_invalid_field(&format!("/{field}")).assert_events(&[INVALID]);
                assert!(reply.statements().is_empty());
            }
        }
    }
    assert_eq!(digest_all(&app).await, before);
}

/// serde can read a JSON array as a struct, without field names. The service must refuse such a body.
#[actix_web::test]
async fn body_that_is_not_an_object_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let all = with_bodies(&alice).await;
    let before = digest_all(&app).await;
    for (operation, id, fits) in &all {
        let null = send(&alice, operation, id, "null").send().await;
        null.assert_invalid_field("").assert_events(&[INVALID]);
        let in_order: Vec<&Value> = fits.as_object().unwrap().values().collect();
        for body in [json!(in_order), json!([fits]), json!([]), json!("text"), json!(1), json!(true)] {
            let reply = send(&alice, operation, id, body.to_string()).send().await;
            assert_eq!(reply.comparable(), null.comparable(), "{} {body}", operation.path);
            assert!(reply.statements().is_empty());
        }
        if fits.get("lines").is_some() {
            let mut body = fits.clone();
            body["lines"][0] = json!(["Consulting", "1", "100", null, null, "21"]);
            let reply = send(&alice, operation, id, body.to_string()).send().await;
            reply.assert_invalid_field("/lines/0").assert_events(&[INVALID]);
        }
    }
    assert_eq!(digest_all(&app).await, before);
}

#[actix_web::test]
async fn status_cannot_be_set_by_the_client() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let before = digest_all(&app).await;
    for status in ["issued", "partially_paid", "paid", "void", "draft"] {
        let mut body = draft(&customer);
        body["status"] = json!(status);
        alice.post("/api/v1/invoices", &body).await.assert_invalid_field("/status").assert_events(&[INVALID]);
    }
    assert_eq!(digest_all(&app).await, before);
    let made = alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201).json();
    assert_eq!((made["status"].as_str(), &made["number"], &made["paid"]), (Some("draft"), &Value::Null, &json!(0)));
}

async fn roles(app: &TestApp) -> Vec<(String, String)> {
    sqlx::query_as("select role, status from users order by email").fetch_all(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn role_cannot_be_set_at_registration_or_update() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let before = digest_all(&app).await;
    let fields = [("role", json!("admin")), ("isAdmin", json!(true)), ("status", json!("active"))];
    for (field, value) in &fields {
        let body = json!({"email": "mallory@example.com", *field: value});
        let reply = client.request(Method::POST, "/api/v1/auth/register").json(&body).send().await;
        reply.assert_invalid_field(&format!("/{field}")).assert_events(&[INVALID]);
    }
    assert_eq!(digest_all(&app).await, before, "no registration is stored");

    register(&client, "mallory@example.com").await.ok(202);
    let token = mail_token(&app, "mallory@example.com").await;
    let bio = "\"role\":\"admin\"";
    let confirm = json!({"token": token, "password": PASSWORD, "display_name": "Mallory", "bio": bio});
    for (field, value) in &fields {
        let mut body = confirm.clone();
        body[*field] = value.clone();
        let reply = client.request(Method::POST, "/api/v1/auth/confirm").json(&body).send().await;
        reply.assert_invalid_field(&format!("/{field}")).assert_events(&[INVALID]);
    }
    client.request(Method::POST, "/api/v1/auth/confirm").json(&confirm).send().await.ok(204);
    let mallory = Actor::sign_in(&client, "mallory@example.com", PASSWORD).await;
    mallory
        .patch("/api/v1/me", "\"1\"", &json!({"role": "admin"}))
        .await
        .assert_invalid_field("/role")
        .assert_events(&[INVALID]);
    mallory.patch("/api/v1/me", "\"1\"", &json!({"email": "x@example.com"})).await.assert_invalid_field("/email");
    mallory.patch("/api/v1/me", "\"1\"", &json!({"display_name": "M"})).await.ok(200);
    assert_eq!(roles(&app).await, [("user".to_owned(), "active".to_owned())]);
}

/// Excessive data exposure: with mass assignment, it forms broken object property level authorization (API3:2023).
#[actix_web::test]
async fn no_response_contains_private_properties() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let references = References::of(&alice).await;
    let hash: String = sqlx::query_scalar("select password_hash from users").fetch_one(&app.all_rows).await.unwrap();
    // These operations would end the login session of the test or change its password.
    let ends = |row: &Operation| {
        ["/logout", "/me/password"].iter().any(|end| row.path.ends_with(end))
            || row.method == Method::DELETE && !row.is_on_object()
    };
    let rows = operations().into_iter().filter(|row| row.access == Access::SignedIn && !ends(row));
    let private =
        ["owner_id", "user_id", "password", "argon2", "hash", "role", "version", "cookie", &alice.cookie, &hash];
    let mut seen = 0;
    for row in rows {
        let id = if row.is_on_object() { make(&alice, row.collection()).await } else { String::new() };
        let reply = row.request_by(&alice, &id, &references).header("if-match", "\"1\"").send().await;
        seen += usize::from(reply.status == 200 || reply.status == 201);
        // A binary file may contain text too.
        let text = String::from_utf8_lossy(&reply.body);
        for word in private {
            // The profile contains the caller's own role.
            let is_own_role = word == "role" && row.path == "/api/v1/me";
            assert!(is_own_role || !text.contains(word), "{} {} discloses {word}: {text}", row.method, row.path);
        }
    }
    assert!(seen >= 12, "only {seen} responses had a body");
}
