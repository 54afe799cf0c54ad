//! The service ignores the header `Forwarded` (RFC 7239). A proxy that sets `X-Forwarded-For` may pass on a forged
//! `Forwarded` header of its client (CWE-290, CWE-348).

use reqwest::Method;
use uuid::Uuid;

use crate::support::{TestApp, wait};

const BEHIND_A_PROXY: (&str, &str) = ("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.1");

async fn address(app: &TestApp, headers: &[(&str, &str)]) -> String {
    let request = app.anonymous().request(Method::GET, "/api/v1/me");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let reply = request.send().await;
    reply.assert_refused(401, "unauthenticated");
    let id: Uuid = reply.request_id().parse().unwrap();
    wait::until_some("its row", async || {
        let sql = "select address from security_events where request_id = $1";
        sqlx::query_scalar(sql).bind(id).fetch_optional(&app.all_rows).await.unwrap()
    })
    .await
}

const SPOOFED: [&str; 6] = [
    "for=198.51.100.7",
    "for=\"198.51.100.7:443\";proto=https;by=127.0.0.1",
    "For=198.51.100.7, for=127.0.0.1",
    "for=\"[2001:db8::7]\"",
    "for=unknown, for=_hidden",
    "198.51.100.7",
];

#[actix_web::test]
async fn forwarded_header_does_not_choose_the_client_address() {
    for changed in [&[][..], &[BEHIND_A_PROXY]] {
        let app = TestApp::with(changed).await;
        for spoofed in SPOOFED {
            assert_eq!(address(&app, &[("forwarded", spoofed)]).await, "127.0.0.1", "{spoofed} {changed:?}");
        }
    }
}

#[actix_web::test]
async fn x_forwarded_for_decides_where_forwarded_disagrees() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    for spoofed in SPOOFED {
        let both = [("forwarded", spoofed), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(address(&app, &both).await, "203.0.113.9", "{spoofed}");
    }
}

#[actix_web::test]
async fn forwarded_proto_does_not_make_plain_http_secure() {
    let tls = ("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "true");
    let app = super::transport::production(&[BEHIND_A_PROXY, tls]).await;
    let plain =
        app.anonymous().request(Method::GET, "/health/live").header("forwarded", "for=198.51.100.7;proto=https");
    plain.send().await.assert_refused(403, "https_required");
}
