//! Connection exhaustion (API4): many connections, Slowloris, or slow read.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use actix_web::rt::spawn;
use actix_web::rt::task::JoinHandle;
use reqwest::Method;
use socket2::{Domain, SockRef, Socket, Type};
use strongroom::security::limits::connection_limits::STALL_TIMEOUT;
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::attacks::communication::transport::{over_tls, production};
use crate::support::client::Client;
use crate::support::{TestApp, wait};

const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const CAPS: &[(&str, &str)] =
    &[("STRONGROOM_HTTP_MAX_CONNECTIONS", "1000"), ("STRONGROOM_HTTP_MAX_CONNECTIONS_PER_ADDRESS", "256")];

fn connect(target: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((ATTACKER, 0)).into()).unwrap();
    socket.connect(&target.into()).unwrap();
    socket.into()
}

/// Opens connections from the attacker's address, and sends only these bytes on each.
fn hold(number: usize, target: SocketAddr, bytes: &[u8]) -> Vec<TcpStream> {
    let mut held: Vec<_> = (0..number).map(|_| connect(target)).collect();
    // The service may already have closed a connection beyond the limit.
    held.iter_mut().for_each(|stream| drop(stream.write(bytes)));
    held
}

/// Holds this many silent connections open, and continuously replaces the oldest one.
struct Flood {
    goes_on: Arc<AtomicBool>,
    opened: Arc<AtomicUsize>,
}

impl Flood {
    fn of(number: usize, target: SocketAddr, bytes: &'static [u8]) -> Self {
        let flood = Self { goes_on: Arc::new(true.into()), opened: Arc::default() };
        let (goes_on, opened) = (flood.goes_on.clone(), flood.opened.clone());
        thread::spawn(move || {
            let mut held = VecDeque::new();
            while goes_on.load(Ordering::Relaxed) {
                let mut stream = connect(target);
                let _ = stream.write(bytes);
                held.push_back(stream);
                if held.len() > number {
                    held.pop_front();
                    thread::sleep(Duration::from_millis(2));
                }
                opened.fetch_add(1, Ordering::Relaxed);
            }
        });
        flood
    }

    async fn is_open(&self, number: usize) {
        wait::until("the flood is open", async || self.opened.load(Ordering::Relaxed) >= number).await;
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
    }
}

async fn open(app: &TestApp) -> f64 {
    app.metrics().await.value("strongroom_connections_open")
}

#[actix_web::test]
async fn flood_from_one_address_leaves_connections_for_others() {
    let app = production(CAPS).await;
    let running = app.running.as_ref().unwrap();
    let silent = Flood::of(600, running.https.unwrap(), b"");
    let half_heads = Flood::of(4_200, running.http, b"GET /health/live HTTP/1.1\r\nhost: ");
    let scrapes = Flood::of(200, running.management, b"GET /metrics HTTP/1.1\r\n");
    for (flood, number) in [(&silent, 600), (&half_heads, 4_200), (&scrapes, 200)] {
        flood.is_open(number).await;
    }
    // The attacker occupies all connections that one address may have.
    wait::until("the attacker's limit is reached", async || open(&app).await >= 250.0).await;
    for _ in 0..10 {
        over_tls(&app).request(Method::GET, "/health/live").send().await.ok(204);
        app.anonymous().request(Method::GET, "/problems").send().await.assert_refused(403, "https_required");
    }
    assert!(
        (200.0..=280.0).contains(&open(&app).await),
        "about 256 connections of the attacker, and those of this test"
    );
    drop((silent, half_heads, scrapes));

    let refused = async || app.metrics().await.value("strongroom_connections_refused_total");
    wait::until("the flood has ended", async || open(&app).await < 10.0).await;
    let refused = refused().await;
    assert!(refused > 4_000.0, "{refused}");
    let sql = "select coalesce(sum(amount), 0)::float8 from security_events
               where (kind, reason) = ('excess_rate_limit_exceeded', 'connections')";
    wait::until_equal(refused, async || sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()).await;
    let rows: i64 = sqlx::query_scalar("select count(*) from security_events where reason = 'connections'")
        .fetch_one(&app.all_rows)
        .await
        .unwrap();
    assert!(rows < 50, "{rows} events for one flood");
}

/// A TLS handshake costs more than a connection, so handshakes have lower limits.
#[actix_web::test]
async fn silent_tls_handshakes_are_limited_and_time_out() {
    let app = production(&[]).await;
    let https = app.running.as_ref().unwrap().https.unwrap();
    let held = hold(500, https, b"");
    wait::until("all handshakes are admitted or refused", async || {
        let metrics = app.metrics().await;
        let refused = metrics.value("strongroom_tls_handshakes_refused_total");
        metrics.value("strongroom_tls_handshakes") + refused == 500.0 && refused == 372.0
    })
    .await;
    wait::until("the admitted handshakes time out", async || open(&app).await == 0.0).await;
    drop(held);
}

#[actix_web::test]
async fn listed_proxy_has_no_connection_limit() {
    let listed = [CAPS, &[("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.9")]].concat();
    let app = TestApp::with(&listed).await;
    let held = hold(400, app.running.as_ref().unwrap().http, b"GET ");
    wait::until_equal(400.0, async || open(&app).await).await;
    drop(held);
}

#[actix_web::test]
async fn closed_connections_are_available_again() {
    let app = TestApp::with(CAPS).await;
    let address = app.running.as_ref().unwrap().http;
    let held = hold(300, address, b"GET ");
    let attacker = Client::from_address(&app.base, ATTACKER.into()).record_in(&app);
    assert_eq!(attacker.try_get("/health/live").await, None);
    drop(held);
    wait::until("connections are free", async || attacker.try_get("/health/live").await.is_some()).await;
}

/// The peer address of a reset connection is unknown. Treated as plain HTTP, the request would end the login session.
#[actix_web::test]
async fn reset_connections_do_not_end_their_users_session() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let request = format!("GET /api/v1/me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", alice.token);
    for _ in 0..100 {
        let mut stream = TcpStream::connect(app.running.as_ref().unwrap().http).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    alice.get("/api/v1/me").await.ok(200);
    let sql = "select count(*) from security_events where kind = 'plain_http_refused'";
    let seen: i64 = sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(seen, 0);
}

/// Requests more data than fits into the socket buffers, and reads this many bytes every tenth of a second.
async fn slow_reader(app: &TestApp, bytes: usize) -> JoinHandle<()> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16_384).unwrap();
    let stream = socket.connect(app.running.as_ref().unwrap().http).await.unwrap();
    stream.try_write(&b"GET /api/v1/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(40)).unwrap();
    spawn(async move {
        let mut buffer = vec![0; bytes];
        while !matches!(stream.try_read(&mut buffer), Ok(0)) {
            sleep(Duration::from_millis(100)).await;
        }
    })
}

/// Slow read: very slow clients could occupy all connections for hours.
#[actix_web::test]
async fn client_that_reads_below_the_minimum_rate_loses_its_connection() {
    let app = TestApp::start().await;
    let reading = slow_reader(&app, 100).await;
    wait::until_equal(1.0, async || open(&app).await).await;
    wait::until_equal(0.0, async || open(&app).await).await;
    reading.abort();
}

/// A slow network: this client reads at five times the minimum rate, for longer than [`STALL_TIMEOUT`].
#[actix_web::test]
async fn client_that_reads_above_the_minimum_rate_keeps_its_connection() {
    let app = TestApp::start().await;
    let reading = slow_reader(&app, 2_048).await;
    wait::until_equal(1.0, async || open(&app).await).await;
    sleep(2 * STALL_TIMEOUT).await;
    assert_eq!(open(&app).await, 1.0);
    reading.abort();
}
