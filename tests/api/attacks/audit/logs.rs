//! ASVS 16.2.5, 16.4.1: the log never contains client input or secrets.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{confirm, mail_token, try_sign_in};
use crate::support::client::Client;
use crate::support::program::Program;
use crate::support::{TestApp, logs};

#[actix_web::test]
async fn client_input_and_secrets_never_reach_the_log() {
    let app = TestApp::start().await;
    let alice = app.user("alice-log-canary").await;
    let anonymous = app.anonymous();
    let forged = "\u{1b}[31m\r\n{\"level\":\"ERROR\",\"message\":\"forged-canary\"}";
    anonymous.request(Method::GET, "/nothing-path-canary?token=query-canary").send().await;
    anonymous
        .request(Method::GET, "/api/v1/me")
        .bearer("token-canary")
        .header("cookie", "__Host-refresh=cookie-canary")
        .send()
        .await;
    anonymous
        .request(Method::GET, "/health/live")
        .header("user-agent", "agent-canary")
        .header("x-forwarded-for", "host-canary")
        .send()
        .await;
    anonymous.request(Method::from_bytes(b"METHODCANARY").unwrap(), "/health/live").send().await;
    try_sign_in(&anonymous, "identifier-canary@example.com", "password-canary-1").await;
    try_sign_in(&anonymous, &alice.email, "password-canary-2").await;
    alice.post("/api/v1/customers", &json!({"name": format!("name-canary {forged}"), "default_currency": "EUR"})).await;
    alice.post("/api/v1/customers", &json!({"field-canary": 1})).await;
    alice
        .post(
            "/api/v1/customers",
            &json!({"name": "stored-canary", "default_currency": "EUR", "address": "address-canary"}),
        )
        .await
        .ok(201);
    let form = || crate::support::form::Form::default().text("title", "title-canary");
    alice.upload(form().file("file-name-canary.txt", "text/plain", b"content-canary\n")).await.ok(201);
    alice.upload(form().file("file-name-canary.exe", "type/canary", b"content-canary\n")).await;
    alice.upload(form().text("part-canary", "x").text("invoice_id", "invoice-canary")).await;
    alice.get("/api/v1/customers?cursor=cursor-canary").await;
    alice.get("/api/v1/invoices/id-canary").await;
    confirm(&anonymous, "mail-token-canary", "password-canary-3", "name-canary").await.assert_invalid_field("/token");
    anonymous.request(Method::POST, "/api/v1/auth/password-reset").json(&json!({"email": alice.email})).send().await;
    let reset = mail_token(&app, &alice.email).await;

    assert!(!logs::contains("canary"), "{:?}", logs::first_containing("canary"));
    for secret in
        [alice.token.as_str(), alice.cookie.as_str(), alice.password.as_str(), reset.as_str(), alice.email.as_str()]
    {
        assert!(!logs::contains(secret), "{:?}", logs::first_containing(secret));
    }
}

#[actix_web::test]
async fn event_line_holds_what_when_where_and_who() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let reply = alice.get(&format!("/api/v1/invoices/{}", uuid::Uuid::new_v4())).await;
    reply.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    let lines = logs::for_request(&reply.request_id());
    let event = lines.iter().find(|line| line["target"] == "security").unwrap();
    assert!(event["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(event["level"], "WARN");
    let span = &event["span"];
    assert_eq!((span["method"].as_str(), span["route"].as_str()), (Some("GET"), Some("/api/v1/invoices/{id}")));
    assert_eq!(span["client"], "127.0.0.1");
    let me = alice.get("/api/v1/me").await.ok(200).json();
    assert_eq!(event["user"], me["id"]);
    assert!(uuid::Uuid::parse_str(event["session"].as_str().unwrap()).is_ok());
}

#[actix_web::test]
async fn service_works_with_a_log_filter_that_hides_events() {
    let app = TestApp::start().await;
    let state_dir = app.state_dir.join("of-the-program");
    let management = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let settings = [("STRONGROOM_LOG_FILTER", "warn,security=off"), ("STRONGROOM_MANAGEMENT_BIND", &management)];
    let program = Program::start_in(&app.database, &state_dir, &settings);
    let client = Client::from_address(&program.base, [127, 0, 0, 1].into());
    client.request(Method::GET, "/health/live").send().await.ok(204);
    let unknown = client.request(Method::GET, "/api/v1/me").send().await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["code"].as_str()), (401, Some("unauthenticated")));
    let operator = Client::from_address(&format!("http://{management}"), [127, 0, 0, 1].into());
    operator.request(Method::GET, "/metrics").send().await.ok(200);
    assert_eq!(operator.request(Method::GET, "/nothing").send().await.status.as_u16(), 404);
}
