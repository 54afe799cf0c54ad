//! Known bypasses of function-level authorization: claimed roles, method overrides and odd spellings of paths.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::app::openapi;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FORBIDDEN, by, digest_all, id_of};
use crate::support::TestApp;
use crate::support::operations::for_administrators;

#[actix_web::test]
async fn role_claimed_by_the_client_is_ignored() {
    let app = TestApp::start().await;
    let (alice, bob, root) = (app.user("alice").await, app.user("bob").await, app.admin("root").await);
    let (id, roots) = (id_of(&bob).await, id_of(&root).await);
    let claims = [
        ("x-role", "admin"),
        ("x-roles", "admin"),
        ("x-user-role", "admin"),
        ("x-admin", "true"),
        ("x-is-admin", "1"),
        ("x-user", "root@example.com"),
        ("x-user-id", &roots),
        ("x-forwarded-user", "root@example.com"),
        ("x-remote-user", "root"),
        ("x-authenticated-userid", &roots),
        ("x-original-url", "/api/v1/me"),
        ("x-rewrite-url", "/api/v1/me"),
        ("x-http-method-override", "GET"),
        ("x-method-override", "GET"),
        ("cookie", "role=admin; admin=true; is_admin=1"),
        ("x-client-role", "admin"),
    ];
    let before = digest_all(&app).await;
    for function in &for_administrators() {
        for (name, value) in claims {
            let reply = by(&alice, function, &id).header(name, value).send().await;
            reply.assert_refused(403, "forbidden").assert_events(&[FORBIDDEN]);
        }
        for query in ["admin=true", "role=admin", "isAdmin=1", "user_id=", "access_token=", "_method=GET"] {
            let path = format!("{}?{query}", function.path.replace("{id}", &id));
            let reply = alice.request(function.method.clone(), &path).send().await;
            reply.assert_refused(403, "forbidden").assert_events(&[FORBIDDEN]);
        }
        // No administrator function accepts a request body.
        for body in [json!({"role": "admin"}), json!({"isAdmin": true}), json!({"admin": {"id": roots}})] {
            let reply = by(&alice, function, &id).json(&body).send().await;
            reply.assert_refused(413, "payload_too_large").assert_events(&["input_validation_fail/payload_too_large"]);
        }
        // The service does not choose between two tokens, so it treats the request like one without a token.
        let both = by(&alice, function, &id).bearer(&root.token).send().await;
        both.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/missing"]);
    }
    assert_eq!(digest_all(&app).await, before);
}

#[actix_web::test]
async fn method_override_is_ignored() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let id = id_of(&bob).await;
    let before = digest_all(&app).await;
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        for method in ["POST", "DELETE", "PATCH"] {
            // If a framework followed these headers, this request would disable Bob.
            let read = alice.request(Method::GET, "/api/v1/me").header(header, method);
            let read = read.header("x-original-url", format!("/api/v1/admin/users/{id}/disable")).send().await.ok(200);
            assert_eq!(read.json()["email"], json!(alice.email));
        }
    }
    for function in &for_administrators() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECTED", "get"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let path = function.path.replace("{id}", &id);
            let reply = alice.request(method.clone(), &path).send().await;
            let status = reply.status.as_u16();
            assert!([403, 405].contains(&status), "{method} {path}: {}", reply.text());
            reply.assert_events(&[if status == 403 { FORBIDDEN } else { "authz_fail/method_not_allowed" }]);
        }
    }
    assert_eq!(digest_all(&app).await, before);
}

/// Sends this path unchanged. An ordinary HTTP client would normalize the path.
async fn raw(app: &TestApp, token: &str, target: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    (reply[9..12].parse().unwrap(), reply)
}

#[actix_web::test]
async fn odd_path_spelling_does_not_bypass_the_gate() {
    let app = TestApp::start().await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let (ok, reply) = raw(&app, &root.token, "/api/v1/admin/users").await;
    assert!(ok == 200 && reply.contains(&alice.email));
    for spelling in [
        "/API/V1/ADMIN/USERS",
        "/api/v1/Admin/users",
        "/api/v1/admin/users/",
        "/api/v1/admin/users//",
        "/api/v1//admin/users",
        "//api/v1/admin/users",
        "/api/v1/./admin/users",
        "/api/v1/me/../admin/users",
        "/api/v1/me/..;/admin/users",
        "/api/v1/me/%2e%2e/admin/users",
        "/api/v1/%2e/admin/users",
        "/api/v1/%61dmin/users",
        "/api/v1/%2561dmin/users",
        "/api/v1/admin%2fusers",
        "/api/v1/admin%2Fusers",
        "/api/v1/admin\\users",
        "/api/v1/admin%5cusers",
        "/api/v1/admin;a=b/users",
        "/api/v1/admin/users;a=b",
        "/api/v1/admin/users%00",
        "/api/v1/admin/users%20",
        "/api/v1/admin/users.json",
        "/api/v1/admin/users%3fx",
        "/api/v1/admin/users?",
        "http://localhost/api/v1/admin/users",
    ] {
        let (status, reply) = raw(&app, &alice.token, spelling).await;
        assert!([400, 403, 404].contains(&status), "{spelling}: {reply}");
        assert!(!reply.contains('@'), "{spelling}: {reply}");
    }
}

#[actix_web::test]
async fn no_request_body_accepts_a_role() {
    let document: Value = serde_json::from_str(&openapi::text().unwrap()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(schema) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()
            else {
                continue;
            };
            let fields = document.pointer(&format!("{}/properties", &schema[1..])).unwrap();
            for field in ["role", "status", "is_admin", "admin"] {
                assert!(fields.get(field).is_none(), "{method} {path} accepts {field}");
            }
        }
    }
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let before = digest_all(&app).await;
    for field in ["role", "status", "isAdmin", "locked"] {
        let reply = root.patch("/api/v1/me", "\"2\"", &json!({field: "admin"})).await;
        reply.assert_invalid_field(&format!("/{field}")).assert_events(&["input_validation_fail/invalid_input"]);
    }
    assert_eq!(digest_all(&app).await, before);
}
