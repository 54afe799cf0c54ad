//! Denied requests are classified, and counted across replicas. When the count of a rule reaches its threshold, the
//! rule raises one alert. Some rules also end the login session.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use strongroom::security::audit::entry::{Entry, Task};
use strongroom::security::detection::rules::Rules;
use strongroom::security::detection::rules::table::{EventFilter, RULES, Rule};
use uuid::Uuid;

use crate::support::{Actor, TestApp, wait};

/// By default, the rule `probing_session` ends the session at 30 denials, before other rules count enough events.
const SESSION_STAYS: &[(&str, &str)] = &[("STRONGROOM_RULES_PROBING_SESSION", "1000/5m")];

/// Replicas need the same keys to verify each other's tokens.
const KEYS: &[(&str, &str)] = &[
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

pub async fn id_of(actor: &Actor) -> String {
    actor.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned()
}

async fn counted(app: &TestApp, rule: &str) -> i64 {
    let sql = "select coalesce(sum(count), 0)::bigint from counters where kind = $1";
    sqlx::query_scalar(sql).bind(rule).fetch_one(&app.all_rows).await.unwrap()
}

pub async fn wait_for_count(app: &TestApp, rule: &str, wanted: i64) {
    wait::until_equal((rule, wanted), async || (rule, counted(app, rule).await)).await;
}

/// Returns rule, subject and number of messages of each alert.
pub async fn alerts(app: &TestApp) -> Vec<(String, String, i64)> {
    let sql = "select rule, subject, (select count(*) from outbox where alert_id = alerts.id and queue = 'log')
               from alerts order by opened_at, rule";
    sqlx::query_as(sql).fetch_all(&app.all_rows).await.unwrap()
}

async fn probe(actor: &Actor, invoice: &str) -> u16 {
    actor.get(&format!("/api/v1/invoices/{invoice}")).await.status.as_u16()
}

/// Requests invoices until this session ends, at the 30th denial or soon after. The user's other session still works.
pub async fn probe_until_session_ends(
    app: &TestApp,
    session: &Actor,
    elsewhere: &Actor,
    invoice: impl Fn() -> String,
) -> i64 {
    let mut steps = 0;
    while probe(session, &invoice()).await == 404 {
        steps += 1;
        assert!(steps < 500, "the service did not end the session");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(steps >= 30, "{steps}");
    session
        .get("/api/v1/me")
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/session_ended"]);
    session.refresh(app, &session.cookie).await.assert_refused(401, "unauthenticated");
    elsewhere.get("/api/v1/me").await.ok(200);
    steps
}

#[actix_web::test]
async fn forty_seven_denials_raise_one_alert() {
    let app = TestApp::with(SESSION_STAYS).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let theirs = alice.invoice().await;
    for _ in 0..47 {
        mallory.get(&format!("/api/v1/invoices/{theirs}")).await.assert_refused(404, "not_found");
    }
    wait_for_count(&app, "access_denials", 47).await;
    assert_eq!(alerts(&app).await, [("access_denials".to_owned(), id_of(&mallory).await, 1)]);
    assert_eq!(counted(&app, "id_enumeration").await, 0);
}

/// Missing and foreign objects get the same response, but two different rules count them.
#[actix_web::test]
async fn missing_and_foreign_objects_are_counted_separately() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let (invoice, customer) = (alice.invoice().await, alice.customer().await);
    let deleted = mallory.customer().await;
    mallory.delete(&format!("/api/v1/customers/{deleted}"), "\"1\"").await.ok(204);
    let foreign =
        [format!("invoices/{invoice}"), format!("customers/{customer}"), format!("invoices/{invoice}/payments")];
    let missing =
        [format!("invoices/{}", Uuid::new_v4()), format!("invoices/{customer}"), format!("customers/{deleted}")];
    // Consecutive numbers, as in an enumeration of ids.
    let malformed = [1, 2, 3].map(|number| format!("invoices/{number}"));
    let mut answers = Vec::new();
    let events = ["authz_fail/not_found", "authz_fail/not_found", "authz_fail/malformed_id"];
    for (paths, event) in [&foreign, &missing, &malformed].into_iter().zip(events) {
        for path in paths {
            let reply = mallory.get(&format!("/api/v1/{path}")).await;
            reply.assert_refused(404, "not_found").assert_events(&[event]);
            answers.push(reply.comparable());
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    wait_for_count(&app, "access_denials", 3).await;
    wait_for_count(&app, "id_enumeration", 6).await;
    assert!(alerts(&app).await.is_empty(), "no rule has reached its threshold");
}

#[actix_web::test]
async fn probing_session_is_ended_and_others_are_not() {
    let app = TestApp::with(&[("STRONGROOM_RULES_PROBING_SESSION", "30/5m")]).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let elsewhere = Actor::sign_in(&app.anonymous(), &mallory.email, &mallory.password).await;
    let theirs = alice.invoice().await;
    let steps = probe_until_session_ends(&app, &mallory, &elsewhere, || theirs.clone()).await;
    alice.get("/api/v1/me").await.ok(200);
    let ended: Vec<(String, Option<String>)> =
        sqlx::query_as("select reason, user_id::text from security_events where kind = 'session_ended'")
            .fetch_all(&app.all_rows)
            .await
            .unwrap();
    let user = id_of(&elsewhere).await;
    assert_eq!(ended, [("abuse_detected".to_owned(), Some(user.clone()))]);
    let raised: Vec<String> =
        alerts(&app).await.into_iter().map(|(rule, subject, _)| format!("{rule} {subject}")).collect();
    assert_eq!(raised, [format!("access_denials {user}"), format!("probing_session {user}")]);
    wait_for_count(&app, "probing_session", steps).await;
}

#[actix_web::test]
async fn id_enumeration_over_websocket_is_counted() {
    let app = TestApp::with(&[("STRONGROOM_RULES_ID_ENUMERATION", "20/5m")]).await;
    let mallory = app.user("mallory").await;
    let mut socket = crate::support::socket::Socket::connect(&app, &mallory).await;
    for _ in 0..20 {
        let answer = socket.subscribe("invoice", Some(&Uuid::new_v4().to_string())).await;
        assert_eq!(answer["code"], "not_found");
    }
    wait_for_count(&app, "id_enumeration", 20).await;
    assert_eq!(alerts(&app).await, [("id_enumeration".to_owned(), id_of(&mallory).await, 1)]);
}

/// Two replicas refuse requests in turn. Then a third replica replaces the second, as after a restart.
#[actix_web::test]
async fn counters_are_shared_by_replicas_and_survive_restarts() {
    let shared = [KEYS, SESSION_STAYS].concat();
    let first = TestApp::with(&shared).await;
    let second = TestApp::on(first.database.clone(), &shared).await;
    let (alice, mallory) = (first.user("alice").await, first.user("mallory").await);
    let path = format!("/api/v1/invoices/{}", alice.invoice().await);
    let probe_at = async |app: &TestApp| {
        let probe = app.anonymous().request(Method::GET, &path).bearer(&mallory.token).send().await;
        probe.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    };
    for app in [&first, &second, &first, &second] {
        probe_at(app).await;
    }
    wait_for_count(&first, "access_denials", 4).await;
    let third = TestApp::on(second.stop().await, &shared).await;
    for _ in 0..5 {
        probe_at(&third).await;
    }
    wait_for_count(&first, "access_denials", 9).await;
    assert!(alerts(&first).await.is_empty());
    probe_at(&first).await;
    wait_for_count(&first, "access_denials", 10).await;
    assert_eq!(alerts(&first).await.len(), 1);
}

#[actix_web::test]
async fn counter_resets_when_its_window_ends() {
    let app = TestApp::with(SESSION_STAYS).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let theirs = alice.invoice().await;
    for _ in 0..9 {
        probe(&mallory, &theirs).await;
    }
    wait_for_count(&app, "access_denials", 9).await;
    app.clock.advance(TimeDelta::minutes(5));
    for _ in 0..9 {
        probe(&mallory, &theirs).await;
    }
    wait_for_count(&app, "access_denials", 9).await;
    assert!(alerts(&app).await.is_empty(), "windows are counted separately");
}

/// The client must get the ordinary response too.
#[actix_web::test]
async fn events_are_stored_even_if_counting_fails() {
    let app = TestApp::start().await;
    let mallory = app.user("mallory").await;
    sqlx::query("revoke insert, update on counters from strongroom_app").execute(&app.all_rows).await.unwrap();
    let reply = mallory.get(&format!("/api/v1/invoices/{}", Uuid::new_v4())).await;
    reply.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    // At the end of every test, `support::events` checks that each event is stored.
}

/// Creates an event that this rule counts.
fn event_of(rule: &Rule, at: DateTime<Utc>, subject: Uuid) -> Entry {
    let (kind, which) = rule.events[0];
    let class = match which {
        EventFilter::Foreign => Some("foreign".to_owned()),
        EventFilter::Missing => Some("missing".to_owned()),
        EventFilter::All | EventFilter::Reasons(_) => None,
    };
    Entry {
        id: Uuid::new_v4(),
        at,
        kind,
        reason: if let EventFilter::Reasons(reasons) = which { reasons[0] } else { "" },
        replica: "test".to_owned(),
        method: None,
        route: None,
        user: Some(subject),
        session: Some(subject),
        address: Some("203.0.113.7".to_owned()),
        request: None,
        subject: Some("0123456789abcdef".to_owned()),
        object: None,
        object_class: class,
        amount: None,
        task: Task::WriteAndCount,
    }
}

/// In a new window, the count starts at zero.
#[actix_web::test]
async fn each_rule_acts_at_its_threshold_and_not_before() {
    let app = TestApp::start().await;
    let rules: Rules = app.replica().rules();
    let count = async |events: &[Entry], now| {
        let mut transaction = app.replica().pool.begin().await.unwrap();
        let ended = rules.count(&mut transaction, events, now).await.unwrap();
        assert!(
            ended.iter().all(|ended| ended.is_empty()),
            "no session can be ended, because the event's session does not exist"
        );
        transaction.commit().await.unwrap();
    };
    let findings = async |rule: &Rule| -> i64 {
        let sql = "select coalesce(sum(findings), 0)::bigint from alerts where rule = $1";
        sqlx::query_scalar(sql).bind(rule.name).fetch_one(&app.all_rows).await.unwrap()
    };
    for rule in RULES {
        let (now, subject) = (app.clock.now(), Uuid::new_v4());
        let threshold = (rule.threshold)(&rules.settings);
        let events: Vec<Entry> = (0..threshold.count).map(|_| event_of(rule, now, subject)).collect();
        let (last, before) = events.split_last().unwrap();
        count(before, now).await;
        assert_eq!(findings(rule).await, 0, "{} before its threshold", rule.name);
        let another = Entry { user: Some(Uuid::new_v4()), session: Some(Uuid::new_v4()), ..last.clone() };
        let another = Entry { address: Some("203.0.113.8".to_owned()), subject: Some("f".repeat(16)), ..another };
        count(before, now + threshold.window).await;
        count(&[another], now + threshold.window).await;
        assert_eq!(
            findings(rule).await,
            i64::from(threshold.count == 1),
            "{}: windows and subjects are counted separately",
            rule.name
        );
        count(std::slice::from_ref(last), now + threshold.window).await;
        assert_eq!(findings(rule).await, 1 + i64::from(threshold.count == 1), "{} at its threshold", rule.name);
    }
}

/// A subject is a user, a session, a network (of the address) or an account (the identifier in a login).
#[actix_web::test]
async fn event_without_subject_is_not_counted() {
    let app = TestApp::start().await;
    let rules: Rules = app.replica().rules();
    for rule in RULES {
        let whole = event_of(rule, app.clock.now(), Uuid::new_v4());
        let anonymous = Entry { user: None, session: None, address: None, subject: None, ..whole };
        let mut transaction = app.replica().pool.begin().await.unwrap();
        rules.count(&mut transaction, &[anonymous], app.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(counted(&app, rule.name).await, 0, "{}", rule.name);
    }
}
