//! Alert storm: an attacker with many networks, users or accounts raises so many alerts that operators mute them.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use strongroom::base::id::UserId;

use super::{KEY, denials, raise, wait_for_counts};
use crate::attacks::detection::rules::wait_for_count;
use crate::support::receiver::{Receiver, ReceiverBehavior};
use crate::support::{TestApp, wait};

/// The maximum number of individual alerts of a rule. Further subjects share one combined alert.
const SEPARATE: usize = 10;

async fn forge(app: &TestApp, network: usize, times: usize) {
    let address = format!("10.{}.{}.1", network / 256, network % 256);
    // Well-formed, but signed with an unknown key.
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl";
    for _ in 0..times {
        let request = app.anonymous().request(Method::GET, "/api/v1/me").header("x-forwarded-for", &address);
        request.bearer(token).send().await.assert_refused(401, "unauthenticated");
    }
}

fn messages(receiver: &Receiver, kind: &str) -> Vec<Value> {
    receiver.requests().iter().map(|one| one.json()).filter(|message| message["kind"] == kind).collect()
}

#[actix_web::test]
async fn forged_tokens_from_300_networks_raise_eleven_alerts() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let app = TestApp::with(&[
        ("STRONGROOM_ALERTS_WEBHOOK_URL", &receiver.url()),
        ("STRONGROOM_ALERTS_WEBHOOK_KEY", KEY),
        ("STRONGROOM_ALERTS_CA_FILE", receiver.authority().to_str().unwrap()),
        ("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.1"),
        ("STRONGROOM_RULES_FORGED_TOKENS", "2/5m"),
    ])
    .await;
    // 300 networks reach the threshold, and one stays below it. One of the 300 sends more tokens than the others.
    forge(&app, 2_000, 1).await;
    for network in 1..=300 {
        forge(&app, network, 2).await;
    }
    forge(&app, 277, 3).await;
    wait_for_count(&app, "forged_tokens", 604).await;
    wait_for_counts(&app, 11, 0, 0).await;
    assert_eq!(receiver.requests().len(), SEPARATE + 1, "one message for each alert");

    // After one window without an attack, all alerts are cleared.
    app.clock.advance(TimeDelta::minutes(5) + TimeDelta::seconds(30));
    app.replica().alerts.summarise_and_clear(app.clock.now()).await.unwrap();
    wait_for_counts(&app, 0, 0, 0).await;
    wait::until_equal(SEPARATE + 1, async || messages(&receiver, "cleared").len()).await;
    assert!(receiver.requests().len() <= 2 * (SEPARATE + 1) + 1, "{}", receiver.requests().len());
    let cleared = messages(&receiver, "cleared");
    let over_all: Vec<&Value> = cleared.iter().filter(|message| message["alert"]["subject"]["id"] == "").collect();
    let [over_all] = over_all.as_slice() else { panic!("one: {over_all:?}") };
    let alert = &over_all["alert"];
    assert_eq!((&alert["subject"]["kind"], &alert["members"]), (&json!("network"), &json!(300)));
    assert_eq!((&alert["count"], &alert["largest"][0]), (&json!(603), &json!("10.1.21.1")));
    assert_eq!(alert["largest"].as_array().unwrap().len(), 5);
    let sentence =
        "It has ended: 300 networks sent no further access tokens that this service did not issue for 5 minutes.";
    assert_eq!(over_all["text"], sentence);

    // The next attack gets an individual alert again.
    forge(&app, 5, 2).await;
    wait_for_counts(&app, 1, 0, 0).await;
    let last = receiver.wait_for_requests(receiver.requests().len()).await.last().unwrap().json();
    assert_eq!((&last["kind"], &last["alert"]["subject"]["id"]), (&json!("opened"), &json!("10.0.5.1")));
}

/// New subjects are added to the open combined alert, even if the individual alerts have been cleared.
#[actix_web::test]
async fn many_users_share_one_combined_alert_until_it_clears() {
    let app = TestApp::start().await;
    let opened = async || -> BTreeMap<String, i64> {
        let sql = "select subject_kind || case when subject = '' then ' all' else '' end, sum(findings)::bigint
                   from alerts where state = 'open' group by 1";
        sqlx::query_as(sql).fetch_all(&app.all_rows).await.unwrap().into_iter().collect()
    };
    let first = UserId::new();
    raise(&app, &denials(first, 20)).await;
    for _ in 0..29 {
        raise(&app, &denials(UserId::new(), 20)).await;
    }
    // This user still has an open individual alert.
    raise(&app, &denials(first, 21)).await;
    assert_eq!(opened().await, [("user".to_owned(), 11), ("user all".to_owned(), 20)].into());
    app.clock.advance(TimeDelta::minutes(4));
    raise(&app, &denials(UserId::new(), 20)).await;
    app.clock.advance(TimeDelta::minutes(2));
    app.replica().alerts.summarise_and_clear(app.clock.now()).await.unwrap();
    raise(&app, &denials(UserId::new(), 20)).await;
    assert_eq!(opened().await, [("user all".to_owned(), 22)].into());
}
