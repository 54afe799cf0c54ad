//! Denials are told apart, counted across replicas, told once, and answered.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use strongroom::security::audit::entry::{Entry, Task};
use strongroom::security::detection::rules::Rules;
use strongroom::security::detection::rules::table::{RULES, Rule, Which};
use uuid::Uuid;

use crate::support::{Actor, TestApp, wait};

/// The session goes on, so that its user can be counted.
const ASIDE: &[(&str, &str)] = &[("STRONGROOM_RULES_PROBING_SESSION", "1000/5m")];

/// Replicas share their keys.
const KEYS: &[(&str, &str)] = &[
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

pub async fn id_of(actor: &Actor) -> String {
    actor.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned()
}

async fn counted(app: &TestApp, rule: &str) -> i64 {
    let sql = "select coalesce(sum(counted), 0)::bigint from abuse_counters where rule = $1";
    sqlx::query_scalar(sql).bind(rule).fetch_one(&app.all_rows).await.unwrap()
}

/// Once the writer has counted so many.
pub async fn must_count(app: &TestApp, rule: &str, wanted: i64) {
    wait::equal((rule, wanted), async || (rule, counted(app, rule).await)).await;
}

/// Rule, whom it is about, and how many messages each sink has of it.
pub async fn alerts(app: &TestApp) -> Vec<(String, String, i64)> {
    let sql = "select rule, about, (select count(*) from alert_outbox where alert_id = alerts.id and sink = 'log')
               from alerts order by opened_at, rule";
    sqlx::query_as(sql).fetch_all(&app.all_rows).await.unwrap()
}

async fn probe(actor: &Actor, invoice: &str) -> u16 {
    actor.get(&format!("/api/v1/invoices/{invoice}")).await.status.as_u16()
}

/// Asks for one invoice after the other until this session has ended, at the 30th or soon after, and no other of its user. How often
/// that was.
pub async fn asks_until_it_ends(
    app: &TestApp,
    session: &Actor,
    elsewhere: &Actor,
    invoice: impl Fn() -> String,
) -> i64 {
    let mut steps = 0;
    while probe(session, &invoice()).await == 404 {
        steps += 1;
        assert!(steps < 500, "the session goes on and on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(steps >= 30, "{steps}");
    session.get("/api/v1/me").await.refused(401, "unauthenticated").left(&["authn_token_revoked/session_ended"]);
    session.refresh(app, &session.cookie).await.refused(401, "unauthenticated");
    elsewhere.get("/api/v1/me").await.ok(200);
    steps
}

#[actix_web::test]
async fn forty_seven_denials_are_one_alert() {
    let app = TestApp::with(ASIDE).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let theirs = alice.invoice().await;
    for _ in 0..47 {
        mallory.get(&format!("/api/v1/invoices/{theirs}")).await.refused(404, "not_found");
    }
    must_count(&app, "access_denials", 47).await;
    assert_eq!(alerts(&app).await, [("access_denials".to_owned(), id_of(&mallory).await, 1)]);
    assert_eq!(counted(&app, "guessed_ids").await, 0);
}

/// The reply is the same; whose the object is, the counters alone know.
#[actix_web::test]
async fn what_nobody_has_is_counted_apart_from_what_somebody_has() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let (invoice, customer) = (alice.invoice().await, alice.customer().await);
    let deleted = mallory.customer().await;
    mallory.delete(&format!("/api/v1/customers/{deleted}"), "\"1\"").await.ok(204);
    let foreign =
        [format!("invoices/{invoice}"), format!("customers/{customer}"), format!("invoices/{invoice}/payments")];
    let missing =
        [format!("invoices/{}", Uuid::new_v4()), format!("invoices/{customer}"), format!("customers/{deleted}")];
    // Whoever counts up.
    let malformed = [1, 2, 3].map(|number| format!("invoices/{number}"));
    let mut answers = Vec::new();
    let events = ["authz_fail/not_found", "authz_fail/not_found", "authz_fail/malformed_id"];
    for (paths, event) in [&foreign, &missing, &malformed].into_iter().zip(events) {
        for path in paths {
            let reply = mallory.get(&format!("/api/v1/{path}")).await;
            reply.refused(404, "not_found").left(&[event]);
            answers.push(reply.alike());
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    must_count(&app, "access_denials", 3).await;
    must_count(&app, "guessed_ids", 6).await;
    assert!(alerts(&app).await.is_empty(), "below every threshold nobody is told");
}

#[actix_web::test]
async fn a_session_that_goes_on_probing_ends_and_no_other() {
    let app = TestApp::with(&[("STRONGROOM_RULES_PROBING_SESSION", "30/5m")]).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let elsewhere = Actor::sign_in(&app.anybody(), &mallory.email, &mallory.password).await;
    let theirs = alice.invoice().await;
    let steps = asks_until_it_ends(&app, &mallory, &elsewhere, || theirs.clone()).await;
    alice.get("/api/v1/me").await.ok(200);
    let ended: Vec<(String, Option<String>)> =
        sqlx::query_as("select reason, user_id::text from security_events where kind = 'session_ended'")
            .fetch_all(&app.all_rows)
            .await
            .unwrap();
    let user = id_of(&elsewhere).await;
    assert_eq!(ended, [("probing".to_owned(), Some(user.clone()))]);
    let told: Vec<String> = alerts(&app).await.into_iter().map(|(rule, about, _)| format!("{rule} {about}")).collect();
    assert_eq!(told, [format!("access_denials {user}"), format!("probing_session {user}")]);
    must_count(&app, "probing_session", steps).await;
}

#[actix_web::test]
async fn a_guesser_on_a_socket_is_counted_too() {
    let app = TestApp::with(&[("STRONGROOM_RULES_GUESSED_IDS", "20/5m")]).await;
    let mallory = app.user("mallory").await;
    let mut socket = crate::support::socket::Socket::of(&app, &mallory).await;
    for _ in 0..20 {
        let answer = socket.subscribe("invoice", Some(&Uuid::new_v4().to_string())).await;
        assert_eq!(answer["code"], "not_found");
    }
    must_count(&app, "guessed_ids", 20).await;
    assert_eq!(alerts(&app).await, [("guessed_ids".to_owned(), id_of(&mallory).await, 1)]);
}

/// Half of the tries at each replica, and a restart between them.
#[actix_web::test]
async fn replicas_count_together_and_a_restart_forgets_nothing() {
    let shared = [KEYS, ASIDE].concat();
    let first = TestApp::with(&shared).await;
    let second = TestApp::on(first.database.clone(), &shared).await;
    let (alice, mallory) = (first.user("alice").await, first.user("mallory").await);
    let path = format!("/api/v1/invoices/{}", alice.invoice().await);
    let probe_at = async |app: &TestApp| {
        let probe = app.anybody().request(Method::GET, &path).bearer(&mallory.token).send().await;
        probe.refused(404, "not_found").left(&["authz_fail/not_found"]);
    };
    for app in [&first, &second, &first, &second] {
        probe_at(app).await;
    }
    must_count(&first, "access_denials", 4).await;
    let third = TestApp::on(second.stop().await, &shared).await;
    for _ in 0..5 {
        probe_at(&third).await;
    }
    must_count(&first, "access_denials", 9).await;
    assert!(alerts(&first).await.is_empty());
    probe_at(&first).await;
    must_count(&first, "access_denials", 10).await;
    assert_eq!(alerts(&first).await.len(), 1);
}

#[actix_web::test]
async fn a_counter_ends_with_its_window() {
    let app = TestApp::with(ASIDE).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let theirs = alice.invoice().await;
    for _ in 0..9 {
        probe(&mallory, &theirs).await;
    }
    must_count(&app, "access_denials", 9).await;
    app.clock.turn(TimeDelta::minutes(5));
    for _ in 0..9 {
        probe(&mallory, &theirs).await;
    }
    must_count(&app, "access_denials", 9).await;
    assert!(alerts(&app).await.is_empty(), "nine in one window and nine in the next are not ten in one");
}

/// Counting is beside keeping: a fault of the one does not lose the other, and no request hears of it.
#[actix_web::test]
async fn what_cannot_be_counted_is_kept_all_the_same() {
    let app = TestApp::start().await;
    let mallory = app.user("mallory").await;
    sqlx::query("revoke insert, update on abuse_counters from strongroom_app").execute(&app.all_rows).await.unwrap();
    let reply = mallory.get(&format!("/api/v1/invoices/{}", Uuid::new_v4())).await;
    reply.refused(404, "not_found").left(&["authz_fail/not_found"]);
    // That the row is there is asserted when the app ends, as in every test.
}

/// An event of this rule's, about the same somebody each time.
fn event_of(rule: &Rule, at: DateTime<Utc>, whom: Uuid) -> Entry {
    let (kind, which) = rule.events[0];
    let class = match which {
        Which::Foreign => Some("foreign".to_owned()),
        Which::Missing => Some("missing".to_owned()),
        Which::All | Which::For(_) => None,
    };
    Entry {
        id: Uuid::new_v4(),
        at,
        kind,
        reason: if let Which::For(reasons) = which { reasons[0] } else { "" },
        replica: "test".to_owned(),
        method: None,
        route: None,
        user: Some(whom),
        session: Some(whom),
        address: Some("203.0.113.7".to_owned()),
        request: None,
        subject: Some("0123456789abcdef".to_owned()),
        object: None,
        object_class: class,
        amount: None,
        task: Task::WriteAndCount,
    }
}

/// Row by row, with the clock turned: nothing below the threshold, an alert at it, and another window begins at nothing.
#[actix_web::test]
async fn each_rule_acts_at_its_threshold_and_not_before() {
    let app = TestApp::start().await;
    let rules: Rules = app.services().rules();
    let count = async |events: &[Entry], now| {
        let mut transaction = app.services().pool.begin().await.unwrap();
        let ended = rules.count(&mut transaction, events, now).await.unwrap();
        assert!(ended.iter().all(|ended| ended.is_none()), "nobody has such a session");
        transaction.commit().await.unwrap();
    };
    let told = async |rule: &Rule| -> i64 {
        let sql = "select coalesce(sum(findings), 0)::bigint from alerts where rule = $1";
        sqlx::query_scalar(sql).bind(rule.name).fetch_one(&app.all_rows).await.unwrap()
    };
    for rule in RULES {
        let (now, whom) = (app.clock.now(), Uuid::new_v4());
        let threshold = (rule.threshold)(&rules.settings);
        let events: Vec<Entry> = (0..threshold.count).map(|_| event_of(rule, now, whom)).collect();
        let (last, before) = events.split_last().unwrap();
        count(before, now).await;
        assert_eq!(told(rule).await, 0, "{} before its threshold", rule.name);
        let another = Entry { user: Some(Uuid::new_v4()), session: Some(Uuid::new_v4()), ..last.clone() };
        let another = Entry { address: Some("203.0.113.8".to_owned()), subject: Some("f".repeat(16)), ..another };
        count(before, now + threshold.window).await;
        count(&[another], now + threshold.window).await;
        assert_eq!(
            told(rule).await,
            i64::from(threshold.count == 1),
            "{}: two windows, or two people, are not one",
            rule.name
        );
        count(std::slice::from_ref(last), now + threshold.window).await;
        assert_eq!(told(rule).await, 1 + i64::from(threshold.count == 1), "{} at its threshold", rule.name);
    }
}

/// What nobody did is counted for nobody.
#[actix_web::test]
async fn an_event_that_does_not_say_who_is_counted_for_nobody() {
    let app = TestApp::start().await;
    let rules: Rules = app.services().rules();
    for rule in RULES {
        let whole = event_of(rule, app.clock.now(), Uuid::new_v4());
        let nobodys = Entry { user: None, session: None, address: None, subject: None, ..whole };
        let mut transaction = app.services().pool.begin().await.unwrap();
        rules.count(&mut transaction, &[nobodys], app.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(counted(&app, rule.name).await, 0, "{}", rule.name);
    }
}
