//! CWE-779: a flood of refused requests leaves only a few rows and log lines. A row that stands for several refusals
//! contains their number (`amount`). The detection rules still count every refusal.

use chrono::TimeDelta;
use futures_util::stream::{self, StreamExt};
use reqwest::Method;
use sqlx::{ConnectOptions, Connection, Executor};
use strongroom::base::clock::Clock;
use strongroom::security::audit::aggregates::MAX_SINGLE;
use strongroom::security::audit::verify::{Fault, verify};
use strongroom::security::crypto::keys::Keys;
use uuid::Uuid;

use crate::attacks::detection::rules::{id_of, wait_for_count};
use crate::support::client::Client;
use crate::support::database::Role;
use crate::support::{TestApp, logs, wait};

const MASTER: (&str, &str) = ("STRONGROOM_SECRETS_MASTER_KEY", "c2VhbHMgYXJlIG1hZGUgd2l0aCB0aGlzIG9uZSwgaW4gdGVzdHM");
const FLOOD: usize = 2_500;

/// The request id, amount, route and address of an event.
type Row = (Option<Uuid>, Option<i64>, Option<String>, Option<String>);

/// Sends requests without a token, 32 at a time. Returns the number of requests that have their own log line.
async fn flood(client: &Client, requests: usize) -> usize {
    let lines = stream::iter(0..requests).map(|_| async {
        let reply = client.request(Method::GET, "/api/v1/me").send().await;
        logs::events_so_far(&reply.assert_refused(401, "unauthenticated").request_id()).len()
    });
    lines.buffer_unordered(32).fold(0, async |sum, lines| sum + lines).await
}

#[actix_web::test]
async fn flood_of_refusals_is_aggregated_with_exact_amounts() {
    let app = TestApp::with(&[MASTER]).await;
    let lines = flood(&app.anonymous(), FLOOD).await;
    // Wait until no event is queued. The stop then ends the window: the detection rules count the events of the
    // aggregate that are not counted yet, and its row is written.
    wait::until_equal(0, async || app.services().recorder.queued()).await;
    let database = app.stop().await;
    let mut owner = database.options(Role::Owner).connect().await.unwrap();
    let rows: Vec<Row> = sqlx::query_as(
        "select request_id, amount, route, address from security_events
         where kind = 'authn_token_invalid' and reason = 'missing' and severity = 'warning' order by seq",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let refusals: i64 = rows.iter().map(|(_, amount, ..)| amount.unwrap_or(1)).sum();
    assert_eq!(refusals, FLOOD as i64);
    let (single, aggregates): (Vec<_>, Vec<_>) = rows.iter().partition(|(request, ..)| request.is_some());
    assert_eq!(single.len(), lines, "each row of a single event has its own log line");
    // The service aggregates in windows of one minute, and a flood may last longer. In each window, up to `MAX_SINGLE`
    // events have their own rows. The last window may have no aggregate, hence the `+ 1`.
    assert!(!aggregates.is_empty() && lines <= (aggregates.len() + 1) * MAX_SINGLE as usize, "{rows:?}");
    for (_, amount, route, address) in &aggregates {
        assert_eq!((route.as_deref(), address.as_deref()), (Some("/api/v1/me"), Some("127.0.0.1")));
        let amount = amount.unwrap();
        assert!(
            logs::contains(&format!("\"network\":\"127.0.0.1\",\"amount\":{amount}")),
            "the log line of the aggregate contains the amount {amount}"
        );
    }
    owner.execute("alter table security_events disable trigger user").await.unwrap();
    let edit = "update security_events set amount = 1 where amount > 1 and kind = 'authn_token_invalid' returning seq";
    let edited: Vec<i64> = sqlx::query_scalar(edit).fetch_all(&mut owner).await.unwrap();
    let keys = Keys::new(&MASTER.1.as_bytes().to_vec().into()).unwrap();
    let report = verify(&mut owner, &keys, None, Clock::default().now()).await.unwrap();
    assert_eq!(report.faults, edited.iter().map(|seq| Fault::Edited { seq: *seq }).collect::<Vec<_>>());
    owner.close().await.unwrap();
}

#[actix_web::test]
async fn aggregate_is_written_when_its_minute_ends() {
    let app = TestApp::start().await;
    flood(&app.anonymous(), 100).await;
    wait_for_aggregate(&app, None).await;
    app.clock.advance(TimeDelta::seconds(61));
    wait_for_aggregate(&app, Some(100 - i64::from(MAX_SINGLE))).await;
    assert_eq!(flood(&app.anonymous(), 5).await, 5);
}

async fn wait_for_aggregate(app: &TestApp, wanted: Option<i64>) {
    let sql = "select sum(amount)::bigint from security_events where kind = 'authn_token_invalid'";
    wait::until_equal(wanted, async || sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()).await;
}

/// An anonymous flood from the same address must not hide a user's attack from the detection rules.
#[actix_web::test]
async fn anonymous_flood_does_not_blind_the_rules_for_users() {
    // The threshold is too high to end Mallory's session during the test.
    let app = TestApp::with(&[("STRONGROOM_RULES_PROBING_SESSION", "1000/5m")]).await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let theirs = alice.invoice().await;
    let probes = async {
        for number in 0..110 {
            mallory.get(&format!("/api/v1/invoices/{theirs}")).await.assert_refused(404, "not_found");
            mallory.get(&format!("/api/v1/invoices/{number}")).await.assert_refused(404, "not_found");
        }
    };
    let anonymous = app.anonymous();
    tokio::join!(flood(&anonymous, 1_000), probes);
    wait_for_count(&app, "access_denials", 110).await;
    wait_for_count(&app, "id_enumeration", 110).await;
    let user = id_of(&mallory).await;
    let alerts: Vec<(String, String, i64)> =
        sqlx::query_as("select rule, subject, count from alerts").fetch_all(&app.all_rows).await.unwrap();
    for rule in ["access_denials", "id_enumeration"] {
        assert!(alerts.iter().any(|(one, subject, _)| one == rule && *subject == user), "{alerts:?}");
    }
    let database = app.stop().await;
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    let sql = "select reason, count(object_id), count(*), sum(coalesce(amount, 1))::bigint from security_events
               where kind = 'authz_fail' and user_id::text = $1 group by reason order by reason";
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(sql).bind(user).fetch_all(&mut superuser).await.unwrap();
    // Each denied object has its own row. The events of malformed ids are aggregated, perhaps in several windows.
    let [malformed, not_found] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((malformed.0.as_str(), malformed.1, malformed.3), ("malformed_id", 0, 110));
    assert!(malformed.2 < 110, "{rows:?}");
    assert_eq!(*not_found, ("not_found".to_owned(), 110, 110, 110));
    superuser.close().await.unwrap();
}
