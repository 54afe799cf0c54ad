//! API1 (S14–S23): another user's object, by every way in which an id can be given. A stranger's, a missing, a deleted and a
//! malformed id get the same answer after the same statements, and nothing changes.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;
use strongroom::app::routes::{Endpoint, table};
use strongroom::db::OwnerTx;
use strongroom::security::body_limits::BodyLimit;
use uuid::Uuid;

use crate::support::actor::{PASSWORD, body_for, draft};
use crate::support::{Actor, TestApp};

/// Ids of the three kinds of object that paths name.
struct Objects {
    customer: String,
    invoice: String,
    session: String,
}

impl Objects {
    /// Live ones of this user.
    async fn of(actor: &Actor) -> Self {
        let invoice = actor.invoice().await;
        let customer = actor.get(&format!("/api/v1/invoices/{invoice}")).await.json()["customer_id"].clone();
        let sessions = actor.get("/api/v1/auth/sessions").await.ok(200).json();
        let session = sessions["items"][0]["id"].clone();
        Self { customer: text(&customer), invoice, session: text(&session) }
    }

    /// Some that this user had, and deleted.
    async fn deleted_by(app: &TestApp, actor: &Actor) -> Self {
        let (customer, invoice) = (actor.customer().await, actor.invoice().await);
        actor.delete(&format!("/api/v1/customers/{customer}"), "\"1\"").await.ok(204);
        actor.delete(&format!("/api/v1/invoices/{invoice}"), "\"1\"").await.ok(204);
        let other = Actor::sign_in(&app.anybody(), &actor.email, PASSWORD).await;
        let sessions = other.get("/api/v1/auth/sessions").await.json();
        let session = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
        let session = text(&session["id"]);
        other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
        Self { customer, invoice, session }
    }

    fn named_in(&self, path: &str) -> &str {
        if path.contains("/customers/") {
            &self.customer
        } else if path.contains("/invoices/") {
            &self.invoice
        } else if path.contains("/sessions/") {
            &self.session
        } else {
            panic!("{path} names a kind of object that this test does not know yet")
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn request(actor: &Actor, endpoint: &Endpoint, id: &str) -> crate::support::client::Request {
    let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
    let request = actor.request(method, &endpoint.path.replace("{id}", id)).header("if-match", "\"1\"");
    match endpoint.body {
        BodyLimit::None => request,
        BodyLimit::Json(_) => request.json(&body_for(endpoint.path)),
    }
}

#[actix_web::test]
async fn an_id_that_is_not_ones_own_is_not_found_whatever_it_is() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own, strangers, deleted) =
        (Objects::of(&alice).await, Objects::of(&bob).await, Objects::deleted_by(&app, &alice).await);
    let before = app.everything().await;
    for endpoint in table().into_iter().filter(|endpoint| endpoint.path.contains("{id}")) {
        let missing = request(&alice, &endpoint, &Uuid::new_v4().to_string()).send().await;
        missing.refused(404, "not_found").left(&["authz_fail/not_found"]);
        assert!(!missing.statements().is_empty(), "it was looked up");
        let mine = own.named_in(endpoint.path);
        let tries = [
            ("a stranger's", strangers.named_in(endpoint.path).to_owned()),
            ("deleted", deleted.named_in(endpoint.path).to_owned()),
            ("nil", Uuid::nil().to_string()),
            ("upper case", mine.to_uppercase()),
            ("no hyphens", mine.replace('-', "")),
            ("braces", format!("%7B{mine}%7D")),
            ("urn", format!("urn:uuid:{mine}")),
            ("blank", format!("{mine}%20")),
            ("zero byte", format!("{mine}%00")),
            ("number", "1".to_owned()),
            ("statement", "'%20or%20true--".to_owned()),
            ("path", "..%2F..%2Fme".to_owned()),
            ("not utf-8", "%FF".to_owned()),
            ("long", "7".repeat(4_000)),
        ];
        for (what, id) in tries {
            let reply = request(&alice, &endpoint, &id).send().await;
            let told = format!("{} {} with {what}", endpoint.method, endpoint.path);
            assert_eq!(reply.alike(), missing.alike(), "{told}");
            assert_eq!(reply.statements(), missing.statements(), "{told}");
            assert_eq!(reply.events(), ["authz_fail/not_found"], "{told}");
        }
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn a_strangers_customer_on_ones_own_invoice_is_a_missing_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (invoice, strangers) = (alice.invoice().await, bob.customer().await);
    let deleted = alice.customer().await;
    alice.delete(&format!("/api/v1/customers/{deleted}"), "\"1\"").await.ok(204);
    let before = app.everything().await;
    let put = format!("/api/v1/invoices/{invoice}");
    for (method, path, version) in
        [(Method::POST, "/api/v1/invoices", None), (Method::PUT, put.as_str(), Some("\"1\""))]
    {
        let try_with = async |customer: &str| {
            let request = alice.request(method.clone(), path).json(&draft(customer));
            match version {
                Some(version) => request.header("if-match", version).send().await,
                None => request.send().await,
            }
        };
        let missing = try_with(&Uuid::new_v4().to_string()).await;
        missing.refused_field("/customer_id").left(&["input_validation_fail/invalid_input"]);
        for customer in [strangers.as_str(), &deleted, "x", &strangers.to_uppercase()] {
            let reply = try_with(customer).await;
            assert_eq!(reply.alike(), missing.alike(), "{path} {customer}");
            assert_eq!(reply.statements(), missing.statements(), "{path} {customer}");
        }
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn a_list_holds_ones_own_and_a_filter_on_a_strangers_customer_finds_nothing() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own, strangers) = (Objects::of(&alice).await, Objects::of(&bob).await);
    for (path, mine) in [("/api/v1/customers", &own.customer), ("/api/v1/invoices", &own.invoice)] {
        let items = alice.get(path).await.ok(200).json()["items"].clone();
        let ids: Vec<&str> = items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [mine]);
    }
    let by_customer =
        async |customer: &str| alice.get(&format!("/api/v1/invoices?customer_id={customer}")).await.ok(200);
    assert_eq!(by_customer(&own.customer).await.json()["items"].as_array().unwrap().len(), 1);
    let missing = by_customer(&Uuid::new_v4().to_string()).await;
    assert_eq!(missing.json(), json!({"items": [], "next_cursor": null}));
    for customer in [strangers.customer.as_str(), "x", "", "%FF"] {
        let reply = by_customer(customer).await;
        assert_eq!((reply.alike(), reply.statements()), (missing.alike(), missing.statements()), "{customer}");
    }
}

/// A cursor is sealed for its user, its list and its filter.
#[actix_web::test]
async fn a_cursor_is_good_for_whom_and_where_it_was_given_only() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let mut cursors = Vec::new();
    for actor in [&alice, &bob] {
        actor.invoice().await;
        actor.invoice().await;
        let page = actor.get("/api/v1/invoices?limit=1").await.ok(200).json();
        cursors.push(text(&page["next_cursor"]));
    }
    let [own, strangers] = cursors.as_slice() else { panic!("two cursors") };
    alice.get(&format!("/api/v1/invoices?limit=1&cursor={own}")).await.ok(200);
    let mut altered = own.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    for (what, path) in [
        ("a stranger's", format!("/api/v1/invoices?limit=1&cursor={strangers}")),
        ("altered", format!("/api/v1/invoices?limit=1&cursor={altered}")),
        ("of another list", format!("/api/v1/customers?limit=1&cursor={own}")),
        ("of another filter", format!("/api/v1/invoices?limit=1&status=draft&cursor={own}")),
        ("cut off", format!("/api/v1/invoices?limit=1&cursor={}", &own[..own.len() - 1])),
        ("invented", "/api/v1/invoices?limit=1&cursor=eyJpZCI6MX0".to_owned()),
        ("empty", "/api/v1/invoices?limit=1&cursor=".to_owned()),
    ] {
        let reply = alice.get(&path).await;
        assert_eq!(reply.status.as_u16(), 400, "{what}");
        reply.refused_field("/cursor").left(&["input_validation_fail/invalid_input"]);
    }
}

/// Wall 4 alone: the statement names the caller as owner, and still the key does not let another's customer in.
#[actix_web::test]
async fn the_key_itself_keeps_a_strangers_customer_off_an_invoice() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own, strangers) = (alice.invoice().await, bob.customer().await);
    let me: Uuid = text(&alice.get("/api/v1/me").await.json()["id"]).parse().unwrap();
    let before = app.everything().await;
    for customer in [strangers.as_str(), &Uuid::new_v4().to_string()] {
        let mut transaction = OwnerTx::begin(&app.services().pool, me.into()).await.unwrap();
        let sql = format!("update invoices set customer_id = '{customer}' where owner_id = '{me}' and id = '{own}'");
        let refusal = transaction.connection().execute(sqlx::AssertSqlSafe(sql)).await.unwrap_err();
        assert_eq!(refusal.as_database_error().unwrap().constraint(), Some("invoices_customer"));
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn nobody_overwrites_what_he_has_not_read() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (customer, invoice) = (alice.customer().await, alice.invoice().await);
    let paths =
        [format!("/api/v1/customers/{customer}"), format!("/api/v1/invoices/{invoice}"), "/api/v1/me".to_owned()];
    let before = app.everything().await;
    for path in &paths {
        for (method, body) in [
            (Method::PATCH, Some(json!({"name": "Other"}))),
            (Method::PUT, Some(draft(&customer))),
            (Method::DELETE, None),
        ] {
            let fits = match method {
                Method::PATCH => !path.contains("invoices"),
                Method::PUT => path.contains("invoices"),
                // The account itself goes by its password.
                _ => !path.ends_with("/me"),
            };
            if !fits {
                continue;
            }
            let body = if path.ends_with("/me") { Some(json!({"display_name": "Other"})) } else { body };
            let send = async |version: Option<&str>| {
                let mut request = alice.request(method.clone(), path);
                if let Some(version) = version {
                    request = request.header("if-match", version);
                }
                if let Some(body) = &body {
                    request = request.json(body);
                }
                request.send().await
            };
            send(None).await.refused(428, "version_required");
            for version in ["\"0\"", "\"2\"", "*", "W/\"1\"", "\"1\", \"2\"", "1", "\"1", "\"1\"\"", "\"01x\"", ""] {
                send(Some(version)).await.refused(412, "stale_version");
            }
        }
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn of_two_replacements_at_once_one_wins_and_the_other_is_told() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let path = format!("/api/v1/invoices/{invoice}");
    let customer = text(&alice.get(&path).await.json()["customer_id"]);
    for version in 1..=5 {
        let tag = format!("\"{version}\"");
        let body = draft(&customer);
        let (one, other) = tokio::join!(alice.put(&path, &tag, &body), alice.put(&path, &tag, &body));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "version {version}");
    }
    assert_eq!(alice.get(&path).await.header("etag"), Some("\"6\""));
}
