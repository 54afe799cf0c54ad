//! The security summary counts stored events, and reports the health of the service.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;

const SUMMARY: &str = "/api/v1/admin/security-summary";

async fn store(app: &TestApp, kind: &str, age: TimeDelta, who: (Option<&str>, Option<Uuid>), amount: Option<i64>) {
    let sql = "insert into security_events (id, at, kind, severity, reason, replica, address, user_id, amount, mac)
        values (gen_random_uuid(), $1, $2, 'info', '', 'a1', $3, $4, $5, decode(repeat('00', 36), 'hex'))";
    let (address, user) = who;
    let insert = sqlx::query(sql).bind(app.clock.now() - age).bind(kind).bind(address).bind(user).bind(amount);
    insert.execute(&app.all_rows).await.unwrap();
}

/// Returns severity and counts of this kind of event.
fn kind<'a>(summary: &'a Value, name: &str) -> (&'a Value, Vec<i64>) {
    let kinds = summary["kinds"].as_array().unwrap();
    let found = kinds.iter().find(|kind| kind["kind"] == name).unwrap_or_else(|| panic!("no {name}: {kinds:?}"));
    (&found["severity"], found["counts"].as_array().unwrap().iter().map(|count| count.as_i64().unwrap()).collect())
}

/// Stores events of several kinds, times, networks and accounts.
async fn fill(app: &TestApp, mallory: Uuid, deleted: Uuid) {
    let (now, hours, days) = (TimeDelta::zero(), TimeDelta::hours, TimeDelta::days);
    // Mallory has six events in three rows: one row stands for four events. The deleted user has two events.
    store(app, "malicious_cors", now, (Some("192.0.2.1"), Some(mallory)), None).await;
    store(app, "malicious_cors", now, (Some("192.0.2.1"), Some(mallory)), Some(4)).await;
    store(app, "malicious_cors", hours(1), (Some("192.0.2.2"), Some(mallory)), None).await;
    store(app, "malicious_cors", days(3), (None, None), None).await;
    store(app, "malicious_cors", days(20), (None, None), None).await;
    store(app, "malicious_cors", days(40), (None, None), None).await;
    // Both IPv6 addresses are in one /56 network.
    for address in ["2001:db8:0:1::1", "2001:db8:0:ff::2"] {
        store(app, "authn_token_reuse", now, (Some(address), Some(deleted)), None).await;
    }
    // The amount of this event is not a number of events.
    store(app, "sys_audit_archived", now, (None, None), Some(1_000_000)).await;
    // This event is no sign of an attack, so its network must not be listed.
    store(app, "user_created", now, (Some("192.0.2.3"), None), Some(50)).await;
}

#[actix_web::test]
async fn events_are_counted_by_kind_network_and_account() {
    let app = TestApp::start().await;
    let (root, mallory) = (app.admin("root").await, app.user("mallory").await);
    let id: Uuid = mallory.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().parse().unwrap();
    let deleted = Uuid::new_v4();
    fill(&app, id, deleted).await;
    let read = async |query: &str| root.get(&format!("{SUMMARY}{query}")).await.ok(200).json();

    let day = read("").await;
    assert_eq!((&day["bucket_seconds"], &day["is_complete"]), (&json!(3_600), &json!(true)));
    let (severity, counts) = kind(&day, "malicious_cors");
    assert_eq!((severity, counts.len(), &counts[21..]), (&json!("warning"), 24, &[0, 1, 5][..]));
    assert_eq!(kind(&day, "sys_audit_archived").1.iter().sum::<i64>(), 1);
    assert_eq!(kind(&day, "authn_token_reuse").0, "critical");
    assert_eq!(kind(&day, "user_created").1.last(), Some(&52), "two sign-ups, and a row that stands for 50");
    let networks = [("192.0.2.1", 5), ("2001:db8::", 2), ("192.0.2.2", 1)];
    assert_eq!(day["networks"], json!(networks.map(|(network, events)| json!({"network": network, "events": events}))));
    assert_eq!(
        day["accounts"],
        json!([
            {"user_id": id, "email": mallory.email, "events": 6},
            {"user_id": deleted, "email": null, "events": 2}
        ])
    );

    for (query, buckets, seconds, total) in [("?period=week", 28, 21_600, 7), ("?period=month", 30, 86_400, 8)] {
        let summary = read(query).await;
        let (_, counts) = kind(&summary, "malicious_cors");
        assert_eq!((counts.len(), counts.iter().sum::<i64>()), (buckets, total), "{query}");
        assert_eq!(summary["bucket_seconds"], seconds);
    }
    root.get(&format!("{SUMMARY}?period=year")).await.assert_invalid_field("/period");
    root.get(&format!("{SUMMARY}?from=2000-01-01T00:00:00Z")).await.assert_invalid_field("/from");
}

#[actix_web::test]
async fn health_reports_sealing_outbox_and_pool() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let mail = "insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at, given_up_at)
        values (gen_random_uuid(), 'slack', 'blob', '', gen_random_uuid(), $1, $1, $2)";
    let now = app.clock.now();
    for given_up in [None, Some(now)] {
        sqlx::query(mail).bind(now - TimeDelta::seconds(90)).bind(given_up).execute(&app.all_rows).await.unwrap();
    }
    sqlx::query("alter table security_events disable trigger security_events_append_only")
        .execute(&app.all_rows)
        .await
        .unwrap();
    let reply = root.get(SUMMARY).await.ok(200);
    let summary = reply.json();
    let queues = summary["outbox"].as_array().unwrap();
    let queue = queues.iter().find(|queue| queue["queue"] == "slack").unwrap();
    assert_eq!((&queue["waiting"], &queue["given_up"]), (&json!(1), &json!(1)));
    assert!(queue["oldest_seconds"].as_i64().unwrap() >= 90);
    assert_eq!(summary["sealing"]["triggers_missing"], 1);
    assert_eq!(summary["replica"]["connections_max"], app.services().settings.database.max_connections);
    assert_eq!(summary["replica"]["events_lost"], 0);
    let texts = reply.statements();
    assert_eq!(texts.iter().filter(|text| text.contains("admin_event_counts")).count(), 1);
    assert!(
        texts.len() <= 7,
        "at most seven statements: the gate, the counts, the seals, the outbox, the counter, its event, COMMIT: {texts:#?}"
    );
}
