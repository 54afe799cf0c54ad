//! Only the event of a denied request says whether the object is `foreign` (of another user) or `missing`.

use uuid::Uuid;

use crate::support::actor::draft;
use crate::support::socket::Socket;
use crate::support::{Reply, TestApp, wait};

/// Returns kind and class of the object in each event of this request.
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

/// Foreign and missing objects get the same responses and SQL statements. Only the class in the stored events differs.
#[actix_web::test]
async fn denied_object_is_classified_in_events_but_not_in_responses() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (customer, invoice) = (bob.customer().await, bob.invoice().await);
    // Alice's first invoice also counts rows for the quota (`row_quotas`). This statement must not be compared below.
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
        // No object has a malformed id, so the event contains neither kind nor class.
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

    let foreign = alice.post("/api/v1/invoices", &draft(&customer)).await;
    let missing = alice.post("/api/v1/invoices", &draft(&Uuid::new_v4().to_string())).await;
    foreign.assert_invalid_field("/customer_id");
    alike(&foreign, &missing);
    assert_eq!(objects(&app, &foreign.request_id()).await, of("customer", "foreign"));
    assert_eq!(objects(&app, &missing.request_id()).await, of("customer", "missing"));

    for (id, class) in [(invoice, "foreign"), (Uuid::new_v4().to_string(), "missing")] {
        let mut socket = Socket::connect(&app, &alice).await;
        let answer = socket.subscribe("invoice", Some(&id)).await;
        assert_eq!(answer["code"], "not_found", "{answer}");
        assert_eq!(objects(&app, &socket.request_id).await, of("invoice", class));
    }
}
