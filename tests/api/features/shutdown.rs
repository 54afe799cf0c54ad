//! Graceful shutdown: replicas are replaced while clients send requests. No request fails, and no alarm is raised.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sqlx::{ConnectOptions, PgConnection};
use strongroom::base::clock::Clock;
use strongroom::security::audit::verify::verify;
use strongroom::security::crypto::keys::Keys;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::actor::PASSWORD;
use crate::support::client::Client;
use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::program::Program;
use crate::support::proxy::Proxy;
use crate::support::{Actor, TestApp, wait};

const MASTER: (&str, &str) = ("STRONGROOM_SECRETS_MASTER_KEY", "c2VhbHMgYXJlIG1hZGUgd2l0aCB0aGlzIG9uZSwgaW4gdGVzdHM");
const SETTINGS: &[(&str, &str)] = &[
    MASTER,
    // Before it stops, the service reports for two seconds that it is not ready. The load balancer checks every 0.1 s.
    ("STRONGROOM_HTTP_DRAIN_SECONDS", "2"),
    ("STRONGROOM_LIMITS_STANDARD", "1000000/1h"),
    ("STRONGROOM_LIMITS_WRITE", "1000000/1h"),
    ("STRONGROOM_RULES_PROBING_SESSION", "1000000/1h"),
    ("STRONGROOM_RULES_ENUMERATING_SESSION", "1000000/1h"),
];

/// The replies that the clients have received.
#[derive(Default)]
struct Seen {
    stopped: Cell<bool>,
    created: Cell<u32>,
    denied: Cell<i64>,
    failed: RefCell<Vec<String>>,
}

/// Sends reads, writes and invalid requests until the test stops it.
async fn use_the_service(client: Client, token: String, seen: Rc<Seen>) {
    let missing = format!("/api/v1/customers/{}", uuid::Uuid::new_v4());
    let customer = json!({"name": "Acme Ltd", "default_currency": "EUR"});
    while !seen.stopped.get() {
        let read = client.request(Method::GET, "/api/v1/me").bearer(&token);
        let write = client.request(Method::POST, "/api/v1/customers").bearer(&token).json(&customer);
        let refused = client.request(Method::GET, &missing).bearer(&token);
        for (request, expected) in [(read, 200), (write, 201), (refused, 404)] {
            match request.try_send().await {
                Some(201) => seen.created.set(seen.created.get() + 1),
                Some(404) => seen.denied.set(seen.denied.get() + 1),
                status if status == Some(expected) => {}
                status => seen.failed.borrow_mut().push(format!("{expected}: {status:?}")),
            }
        }
    }
}

async fn count(database: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}

#[actix_web::test]
async fn replicas_replaced_under_load_fail_no_request_and_raise_no_false_alarm() {
    let app = TestApp::on(TestDatabase::create().await, &[MASTER]).await;
    app.user("alice").await;
    let state_dir = folder::new_path();
    let database = app.stop().await;

    let proxy = Proxy::start().await;
    let start = async || {
        let program = Program::start_in(&database, &state_dir, SETTINGS);
        proxy.add(&program.base).await;
        program
    };
    let mut replicas = [start().await, start().await];
    let client = Client::from_address(&proxy.base, [127, 0, 0, 1].into());
    let token = Actor::sign_in(&client, "alice@example.com", PASSWORD).await.token;
    let seen = Rc::new(Seen::default());
    let clients: Vec<_> = (0..6)
        .map(|_| {
            let client = Client::from_address(&proxy.base, [127, 0, 0, 1].into());
            actix_web::rt::spawn(use_the_service(client, token.clone(), seen.clone()))
        })
        .collect();

    let mut log = String::new();
    for round in 0..4 {
        let before = seen.created.get();
        wait::until("customers are created", async || seen.created.get() >= before + 20).await;
        let old = std::mem::replace(&mut replicas[round % 2], start().await);
        log += &old.terminate().await;
    }
    seen.stopped.set(true);
    for client in clients {
        client.await.unwrap();
    }
    for replica in replicas {
        log += &replica.terminate().await;
    }
    assert_eq!(
        *seen.failed.borrow(),
        Vec::<String>::new(),
        "some requests failed; {} creations succeeded",
        seen.created.get()
    );

    let mut owner = database.options(Role::Owner).connect().await.unwrap();
    let faults = "select count(*) from security_events where kind = 'sys_audit_fault'";
    assert_eq!(count(&mut owner, faults).await, 0);
    assert!(!log.contains("sys_audit_fault"), "{log}");
    let denied = "select sum(coalesce(amount, 1))::bigint from security_events where kind = 'authz_fail'";
    assert_eq!(count(&mut owner, denied).await, seen.denied.get());
    let keys = Keys::new(&MASTER.1.as_bytes().to_vec().into()).unwrap();
    let report = verify(&mut owner, &keys, Some(&log), Clock::default().now()).await.unwrap();
    assert!(report.faults.is_empty() && report.waiting == 0, "{report}");
}

#[actix_web::test]
async fn while_draining_readiness_is_503_and_each_reply_closes_its_connection() {
    let mut app = TestApp::with(&[("STRONGROOM_HTTP_DRAIN_SECONDS", "300")]).await;
    let alice = app.user("alice").await;
    assert_eq!(alice.get("/api/v1/me").await.ok(200).header("connection"), None);

    let stopping = actix_web::rt::spawn(app.running.take().unwrap().stop());
    let ready = async || app.anonymous().request(Method::GET, "/health/ready").send().await;
    wait::until_equal(503, async || ready().await.status.as_u16()).await;
    assert_eq!(ready().await.assert_refused(503, "unavailable").header("connection"), Some("close"));
    assert_eq!(alice.get("/api/v1/me").await.ok(200).header("connection"), Some("close"));
    let missing = alice.get(&format!("/api/v1/customers/{}", uuid::Uuid::new_v4())).await;
    assert_eq!(missing.assert_refused(404, "not_found").header("connection"), Some("close"));
    stopping.abort();
}

/// The shutdown begins when only a part of the request's body has arrived.
#[actix_web::test]
async fn running_request_finishes_after_new_connections_are_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let address = app.running.as_ref().unwrap().http;
    let body = r#"{"name": "Acme Ltd", "default_currency": "EUR"}"#;
    let head = format!(
        "POST /api/v1/customers HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        alice.token,
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}{}", &body[..9]).as_bytes()).await.unwrap();
    wait::until("the request runs", async || app.metrics().await.value("strongroom_http_requests_running") >= 1.0)
        .await;

    let mut owner = app.database.options(Role::Owner).connect().await.unwrap();
    let stopping = actix_web::rt::spawn(app.stop());
    wait::until("new connections are refused", async || TcpStream::connect(address).await.is_err()).await;
    // A shutdown that does not wait for requests would have ended within this time.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!stopping.is_finished());
    stream.write_all(&body.as_bytes()[9..]).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 201 ") && reply.contains("connection: close"), "{reply}");
    let _database = stopping.await.unwrap();
    assert_eq!(count(&mut owner, "select count(*) from customers").await, 1);
    assert_eq!(count(&mut owner, "select count(*) from security_events_unsealed").await, 0);
}

#[actix_web::test]
async fn second_signal_aborts_the_service() {
    let database = TestDatabase::create().await;
    let state_dir = folder::new_path();
    let program = Program::start_in(&database, &state_dir, &[("STRONGROOM_HTTP_DRAIN_SECONDS", "300")]);
    let client = Client::from_address(&program.base, [127, 0, 0, 1].into());
    program.signal("-TERM");
    wait::until("it drains", async || client.try_get("/health/ready").await.is_some_and(|ready| ready == 503)).await;
    let log = program.terminate().await;
    assert!(log.contains("aborted by a second signal"), "{log}");
}
