//! The event of a denied request states whether the object is `foreign` (it belongs to another user) or `missing`. The
//! response does not reveal this.

use uuid::Uuid;

use crate::support::actor::draft;
use crate::support::socket::Socket;
use crate::support::{Reply, TestApp, wait};

/// Returns the object's kind and class (`foreign` or `missing`) from each event of this request.
async fn objects(app: &TestApp, request: &str) -> Vec<(Option<String>, Option<String>)> {
    let request: Uuid = request.parse().unwrap();
    let sql = "select object_kind, object_class from security_events where request_id = $1";
    wait::until_some("its row", async || {
        let rows: Vec<_> = sqlx::query_as(sql).bind(request).fetch_all(&app.all_rows).await.unwrap();
        Some(rows).filter(|rows| !rows.is_empty())
    })
    .await
}

fn of(kind: &str, class: &str) -> Vec<(Option<String>, Option<String>)> {
    vec![(Some(kind.to_owned()), Some(class.to_owned()))]
}

/// A foreign and a missing object cause the same response and the same SQL statements. Only the events differ.
#[actix_web::test]
async fn denied_object_is_classified_in_events_but_not_in_responses() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (customer, invoice) = (bob.customer().await, bob.invoice().await);
    // When Alice creates her first invoice, the service counts her invoices for the quota (`row_quotas`).
    // Without this first invoice, only one of the two requests to create an invoice below would send the count query,
    // and `alike` would find different statements.
    alice.invoice().await;
    let sessions = bob.get("/api/v1/auth/sessions").await.ok(200).json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let alike = |foreign: &Reply, missing: &Reply| {
        assert_eq!(foreign.comparable(), missing.comparable());
        assert_eq!(foreign.statements(), missing.statements());
        assert_eq!(foreign.events(), missing.events());
    };
    for (kind, path, id) in [("customer", "/api/v1/customers/", &customer), ("invoice", "/api/v1/invoices/", &invoice)]
    {
        let foreign = alice.get(&format!("{path}{id}")).await;
        let missing = alice.get(&format!("{path}{}", Uuid::new_v4())).await;
        foreign.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
        alike(&foreign, &missing);
        assert_eq!(objects(&app, &foreign.request_id()).await, of(kind, "foreign"));
        assert_eq!(objects(&app, &missing.request_id()).await, of(kind, "missing"));
        // No object can have a malformed id. So the event of a malformed id contains no object.
        let malformed = alice.get(&format!("{path}{}", id.replace('-', ""))).await;
        assert_eq!((malformed.comparable(), malformed.statements()), (missing.comparable(), missing.statements()));
        malformed.assert_events(&["authz_fail/malformed_id"]);
        assert_eq!(objects(&app, &malformed.request_id()).await, [(None, None)]);
    }
    let end = async |id: &str| alice.delete(&format!("/api/v1/auth/sessions/{id}"), "\"1\"").await;
    let (foreign, missing) = (end(&session).await, end(&Uuid::new_v4().to_string()).await);
    alike(&foreign, &missing);
    assert_eq!(objects(&app, &foreign.request_id()).await, of("session", "foreign"));
    assert_eq!(objects(&app, &missing.request_id()).await, of("session", "missing"));

    // In the next request, the id is in the body.
    let foreign = alice.post("/api/v1/invoices", &draft(&customer)).await;
    let missing = alice.post("/api/v1/invoices", &draft(&Uuid::new_v4().to_string())).await;
    foreign.assert_invalid_field("/customer_id");
    alike(&foreign, &missing);
    assert_eq!(objects(&app, &foreign.request_id()).await, of("customer", "foreign"));
    assert_eq!(objects(&app, &missing.request_id()).await, of("customer", "missing"));

    // Last, the id is in a WebSocket message.
    for (id, class) in [(invoice, "foreign"), (Uuid::new_v4().to_string(), "missing")] {
        let mut socket = Socket::connect(&app, &alice).await;
        let answer = socket.subscribe("invoice", Some(&id)).await;
        assert_eq!(answer["code"], "not_found", "{answer}");
        assert_eq!(objects(&app, &socket.request_id).await, of("invoice", class));
    }
}
