//! HEAD works on every GET route (RFC 9110 §9.3.2). Monitors, caches and download managers use HEAD.

use reqwest::Method;
use strongroom::app::routes::Access;

use crate::support::operations::{make, operations};
use crate::support::{Actor, Reply, TestApp};

/// Returns the status, and the headers that GET and HEAD have in common.
fn head_of(reply: &Reply, with_length: bool) -> (u16, Vec<(String, String)>) {
    let differs = |name: &str| ["x-request-id", "date"].contains(&name) || (!with_length && name == "content-length");
    let kept = reply.headers.iter().filter(|(name, _)| !differs(name.as_str()));
    let mut headers: Vec<_> =
        kept.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (reply.status.as_u16(), headers)
}

async fn send(actor: &Actor, method: Method, access: Access, path: &str) -> Reply {
    match access {
        Access::Public => actor.client.request(method, path).send().await,
        _ => actor.request(method, path).send().await,
    }
}

#[actix_web::test]
async fn head_returns_status_and_headers_of_get_on_every_route() {
    let app = TestApp::start().await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let admin_id = root.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned();
    let mut walked = 0;
    for operation in operations().into_iter().filter(|operation| operation.method == Method::GET) {
        let actor = if operation.access == Access::Admin { &root } else { &alice };
        let id = match operation.is_on_object() {
            true => make(&alice, operation.collection()).await,
            false => admin_id.clone(),
        };
        let path = operation.path.replace("{id}", &id);
        if operation.access == Access::Ticket {
            let head = send(actor, Method::HEAD, operation.access, &path).await;
            assert_eq!(
                (head.status.as_u16(), head.header("allow")),
                (405, Some("GET")),
                "the route of the WebSocket refuses HEAD"
            );
            continue;
        }
        let get = send(actor, Method::GET, operation.access, &path).await;
        let head = send(actor, Method::HEAD, operation.access, &path).await;
        // Do not compare these lengths: HEAD renders no PDF and states no length, and the lists of security events grow
        // with each request.
        let varying = ["/pdf", "/security-events", "/security-summary"];
        let with_length = !varying.iter().any(|end| path.ends_with(end));
        assert_eq!(head_of(&head, with_length), head_of(&get, with_length), "{path}");
        walked += 1;
    }
    assert!(walked > 20, "{walked}");
}

#[actix_web::test]
async fn head_renders_no_pdf_and_reads_no_file() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let pdf = format!("/api/v1/invoices/{}/pdf", alice.invoice().await);
    let printed = || app.services().pdf_renderer.work().started();
    alice.request(Method::HEAD, &pdf).send().await.ok(200);
    assert_eq!(printed(), 0);
    alice.get(&pdf).await.ok(200);
    assert_eq!(printed(), 1);
    // Delete the stored file. If HEAD read bytes, the HEAD requests below would fail, as the GET request does.
    let content = format!("/api/v1/documents/{}/content", alice.document().await);
    std::fs::remove_dir_all(app.state_dir.join("documents")).unwrap();
    let head = alice.request(Method::HEAD, &content).send().await.ok(200);
    assert_eq!(head.header("content-length"), Some("28"));
    let part = alice.request(Method::HEAD, &content).header("range", "bytes=9-14").send().await.ok(206);
    assert_eq!((part.header("content-length"), part.header("content-range")), (Some("6"), Some("bytes 9-14/28")));
    alice.get(&content).await.assert_refused(500, "internal");
}

/// For HEAD, an export must not read all batches, because the reply has no body.
#[actix_web::test]
async fn head_reads_only_the_first_batch_of_an_export() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    let path = "/api/v1/invoices/export";
    let batches = async |method: Method| {
        let reply = alice.request(method, path).send().await.ok(200);
        // The server answers the requests on one connection in order. So after this reply, the export has sent all its
        // statements, and the count below is final.
        alice.get("/api/v1/me").await.ok(200);
        reply.statements().iter().filter(|statement| statement.contains("from invoices")).count()
    };
    let (head, get) = (batches(Method::HEAD).await, batches(Method::GET).await);
    assert_eq!((head, get), (1, 2), "HEAD reads one batch, and GET reads until a batch is empty");
}

/// HEAD is refused like GET, with the same event.
#[actix_web::test]
async fn head_is_subject_to_access_control_and_rate_limits() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "5/1h")]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let path = format!("/api/v1/invoices/{}", bob.invoice().await);
    let head = async |path: &str| alice.request(Method::HEAD, path).send().await;
    let unauthenticated = app.anonymous().request(Method::HEAD, "/api/v1/me").send().await;
    assert_eq!(unauthenticated.status.as_u16(), 401);
    unauthenticated.assert_events(&["authn_token_invalid/missing"]);
    let foreign = head(&path).await;
    assert_eq!(foreign.status.as_u16(), 404);
    foreign.assert_events(&["authz_fail/not_found"]);
    let admin = head("/api/v1/admin/users").await;
    assert_eq!(admin.status.as_u16(), 403);
    for _ in 0..4 {
        head(&path).await;
    }
    let beyond = head(&path).await;
    assert_eq!(beyond.status.as_u16(), 429);
    beyond.assert_events(&["excess_rate_limit_exceeded/too_many_requests"]);
    alice.get(&path).await.assert_refused(429, "too_many_requests");
}
