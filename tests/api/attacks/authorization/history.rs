//! API1, API3 (ASVS 16.2.5): users read their own security history, and administrators read all events. The history
//! reveals nothing that helps a thief of a session.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::{Actor, TestApp, wait};

const OWN: &str = "/api/v1/me/security-events";
const ALL: &str = "/api/v1/admin/security-events";
const ALERTS: &str = "/api/v1/admin/alerts";
const SUMMARY: &str = "/api/v1/admin/security-summary";
/// The views of administrators, each with the event that the service records for a read.
const VIEWS: [(&str, &str); 3] =
    [(ALL, "admin_events_read/events"), (ALERTS, "admin_events_read/alerts"), (SUMMARY, "admin_events_read/summary")];
/// Replicas need the same keys to verify each other's tokens.
const KEYS: [(&str, &str); 2] = [
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

/// Waits for the expected events in this list, because the service writes events after the response.
async fn until(actor: &Actor, path: &str, has: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    wait::until_some(path, async || {
        let page = actor.get(path).await.ok(200).json();
        Some(page["items"].as_array().unwrap().clone()).filter(|items| has(items))
    })
    .await
}

fn kinds(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["kind"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn security_history_is_private_and_hides_detected_attacks() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "2/1h")]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let somewhere = app.client_from([127, 0, 0, 77].into());
    try_sign_in(&somewhere, &alice.email, "wrong horse battery 1").await.assert_refused(401, "invalid_credentials");
    try_sign_in(&somewhere, &alice.email, "wrong horse battery 1").await.assert_refused(401, "invalid_credentials");
    // The password is correct, but the account is locked. The history must not reveal that the password is correct.
    try_sign_in(&somewhere, &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    // The history of a hijacked session must not show that its probes were detected.
    alice.get(&format!("/api/v1/invoices/{}", uuid::Uuid::new_v4())).await.assert_refused(404, "not_found");
    alice.get(ALL).await.assert_refused(403, "forbidden").assert_events(&["authz_fail/forbidden"]);

    let failed = |items: &[Value]| kinds(items).iter().filter(|kind| **kind == "authn_login_fail").count() == 3;
    let items = until(&alice, OWN, failed).await;
    let text = json!(items).to_string();
    for word in ["locked", "wrong_password", "authz_fail", "bob", "subject", "user_id", "request_id", "replica"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    for item in items.iter().filter(|item| item["kind"] == "authn_login_fail") {
        assert_eq!(
            (&item["reason"], &item["address"]),
            (&Value::Null, &json!("127.0.0.77")),
            "failures must not differ in reason or address"
        );
    }
    assert!(items.iter().any(|item| item["kind"] == "authn_login_success" && item["this_session"] == true));
    assert!(items.windows(2).all(|two| two[0]["at"].as_str() >= two[1]["at"].as_str()), "newest first");

    let bobs = until(&bob, OWN, |items| kinds(items).contains(&"authn_login_success")).await;
    assert!(!kinds(&bobs).contains(&"authn_login_fail"));
    let first = bob.get(&format!("{OWN}?limit=1")).await.ok(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    bob.get(&format!("{OWN}?limit=1&cursor={cursor}")).await.ok(200);
    alice.get(&format!("{OWN}?cursor={cursor}")).await.assert_invalid_field("/cursor");
    for query in ["user_id=1", "kind=authz_fail", "all=true"] {
        let field = format!("/{}", query.split('=').next().unwrap());
        alice.get(&format!("{OWN}?{query}")).await.assert_invalid_field(&field);
    }
}

/// An IPv6 subscriber has a /56 network, and can use another address for each request. So the filter by address must
/// find the events of the whole network.
#[actix_web::test]
async fn ipv6_address_selects_the_events_of_its_network() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let events = "insert into security_events (id, at, kind, severity, reason, replica, address, mac)
        select gen_random_uuid(), now(), 'authz_fail', 'warning', '', 'a1', address, decode(repeat('00', 36), 'hex')
        from unnest(array['2001:db8:0:100::7', '2001:db8:0:1ff:1:2:3:4', '2001:db8:0:200::7', '192.0.2.1']) address";
    sqlx::query(events).execute(&app.all_rows).await.unwrap();
    let network = ["2001:db8:0:100::7", "2001:db8:0:1ff:1:2:3:4"];
    for (address, found) in [
        ("2001:db8:0:100::", &network[..]),
        ("2001:DB8::1AB:0:0:0:1", &network),
        ("2001:db8:0:200::7", &["2001:db8:0:200::7"]),
        ("192.0.2.1", &["192.0.2.1"]),
        ("192.0.2.2", &[]),
    ] {
        let items = root.get(&format!("{ALL}?address={address}")).await.ok(200).json()["items"].take();
        let mut addresses: Vec<_> =
            items.as_array().unwrap().iter().map(|item| item["address"].as_str().unwrap()).collect();
        addresses.sort_unstable();
        assert_eq!(addresses, found, "{address}");
    }
}

#[actix_web::test]
async fn administrators_filter_all_events() {
    let app = TestApp::start().await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let id = alice.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned();
    let missing = uuid::Uuid::new_v4().to_string();
    alice.get(&format!("/api/v1/invoices/{missing}")).await.assert_refused(404, "not_found");
    let path = format!("{ALL}?user_id={id}&kind=authz_fail&severity=warning&address=127.0.0.1");
    let items = until(&root, &path, |items| !items.is_empty()).await;
    let [event] = items.as_slice() else { panic!("one: {items:?}") };
    assert_eq!((&event["object_id"], &event["object_class"]), (&json!(missing), &json!("missing")));
    assert_eq!((&event["route"], &event["user_id"]), (&json!("/api/v1/invoices/{id}"), &json!(id)));

    for nothing in [
        format!("user_id={missing}"),
        format!("user_id={id}&kind=sys_startup"),
        format!("user_id={id}&address=192.0.2.1"),
        format!("user_id={id}&severity=critical"),
        "to=2000-01-01T00:00:00Z".to_owned(),
        "from=9999-01-01T00:00:00Z".to_owned(),
    ] {
        assert_eq!(root.get(&format!("{ALL}?{nothing}")).await.ok(200).json()["items"], json!([]), "{nothing}");
    }
    for (query, field) in [
        ("kind=nonsense", "/kind"),
        ("kind=authz_fail'--", "/kind"),
        ("severity=bad", "/severity"),
        ("address=1", "/address"),
        ("from=yesterday", "/from"),
        ("to=-4713-01-01T00:00:00Z", "/to"),
        ("seq=1", "/seq"),
    ] {
        root.get(&format!("{ALL}?{query}"))
            .await
            .assert_invalid_field(field)
            .assert_events(&["input_validation_fail/invalid_input"]);
    }
    let first = root.get(&format!("{ALL}?limit=2")).await.ok(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    root.get(&format!("{ALL}?limit=2&cursor={cursor}")).await.ok(200);
    root.get(&format!("{ALL}?limit=2&kind=authz_fail&cursor={cursor}")).await.assert_invalid_field("/cursor");

    let alerts = root.get(&format!("{ALERTS}?state=open")).await.ok(200);
    assert_eq!(alerts.json(), json!({"items": [], "next_cursor": null}));
    root.get(&format!("{ALERTS}?state=gone")).await.assert_invalid_field("/state");
    for path in [ALL, ALERTS, SUMMARY, OWN] {
        for method in [Method::POST, Method::DELETE, Method::PUT, Method::PATCH] {
            root.request(method, path).send().await.assert_refused(405, "method_not_allowed");
        }
    }
}

/// Flooding of the audit trail (CWE-779): if each automatic reload of a view left an event, these events would hide
/// others. Repeated reads within a minute leave one event for each administrator, on all replicas together.
#[actix_web::test]
async fn reads_by_an_administrator_leave_one_event_per_view_address_and_minute() {
    let app = TestApp::with(&KEYS).await;
    let other_replica = TestApp::on(app.database.clone(), &KEYS).await;
    let (root, toor) = (app.admin("root").await, app.admin("toor").await);
    for (path, event) in VIEWS {
        root.get(path).await.ok(200).assert_events(&[event]);
        root.get(path).await.ok(200).assert_events(&[]);
        let there = other_replica.anonymous().request(Method::GET, path).bearer(&root.token).send().await.ok(200);
        there.assert_events(&[]);
        toor.get(path).await.ok(200).assert_events(&[event]);
    }
    root.get(&format!("{ALL}?kind=authz_fail&limit=1")).await.ok(200).assert_events(&[]);
    // A thief of the token reads from another address.
    let thief = app.client_from([127, 0, 0, 9].into());
    for (path, event) in VIEWS {
        thief.request(Method::GET, path).bearer(&root.token).send().await.ok(200).assert_events(&[event]);
    }
    app.clock.advance(TimeDelta::seconds(61));
    for (path, event) in VIEWS {
        root.get(path).await.ok(200).assert_events(&[event]);
        root.get(path).await.ok(200).assert_events(&[]);
    }
}

/// An attacker who breaks the counter must not be able to hide reads.
#[actix_web::test]
async fn read_is_recorded_if_its_counter_fails() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let broken = "alter table counters add constraint broken check (kind <> 'admin_events_read')";
    sqlx::query(broken).execute(&app.all_rows).await.unwrap();
    for (path, event) in VIEWS {
        root.get(path).await.ok(200).assert_events(&[event]);
        root.get(path).await.ok(200).assert_events(&[event]);
    }
}
