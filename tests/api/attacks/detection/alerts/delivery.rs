//! A receiver that is down or hangs, and a process that is killed: a message arrives, or there is an event that it did not.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use strongroom::base::id::UserId;
use strongroom::security::detection::alerts::{About, Finding};

use super::{KEY, denials, numbers, raise, telling, telling_on};
use crate::support::folder;
use crate::support::receiver::{Plays, Receiver};
use crate::support::{TestApp, logs, wait};

/// The sinks of which an event says that they were not reached.
async fn failures(app: &TestApp) -> Vec<String> {
    let sql = "select reason from security_events where kind = 'alert_delivery_failed'";
    wait::found("an event of a failed delivery", async || {
        let sinks: Vec<String> = sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap();
        Some(sinks).filter(|sinks| !sinks.is_empty())
    })
    .await
}

/// Once the service has noted, so many times, that this receiver's one message must wait.
async fn postponed(receiver: &Receiver, times: usize) {
    let id = receiver.arrived()[0].headers["strongroom-message-id"].clone();
    let noted = |line: &Value| line["message"] == "an alert's message must wait" && line["message_id"] == id.as_str();
    wait::equal(times, async || logs::all_with(&id).iter().filter(|line| noted(line)).count()).await;
}

#[actix_web::test]
async fn a_receiver_that_is_down_is_tried_three_times_and_then_there_is_one_event() {
    let receiver = Receiver::start(Plays::status("503 Down", "", "retry later, says canary-of-the-receiver")).await;
    let app = telling(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    for attempt in 1..=3 {
        receiver.wait_for(attempt).await;
        if attempt < 3 {
            postponed(&receiver, attempt).await;
        }
        numbers(&app, 1, if attempt < 3 { 1 } else { 0 }, if attempt < 3 { 0 } else { 1 }).await;
        // Never before its pause is over.
        app.services().alerts.turn(app.clock.now()).await.unwrap();
        assert_eq!(receiver.arrived().len(), attempt);
        if attempt < 3 {
            // Shorter than the alert's own window, so that the alert itself has nothing to say meanwhile.
            let sql =
                "update alert_outbox set next_attempt_at = created_at where sent_at is null and given_up_at is null";
            sqlx::query(sql).execute(&app.all_rows).await.unwrap();
        }
    }
    let id = receiver.arrived()[0].headers["strongroom-message-id"].clone();
    assert!(receiver.arrived().iter().all(|message| message.headers["strongroom-message-id"] == id));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.arrived().len(), 3, "given up is given up");
    assert_eq!(failures(&app).await, ["webhook"]);
    assert!(!logs::hold("canary-of-the-receiver"));
}

#[actix_web::test]
async fn pauses_between_attempts_grow() {
    let receiver = Receiver::start(Plays::status("503 Down", "", "")).await;
    let app = telling(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let pause = async |attempts: usize| -> i64 {
        receiver.wait_for(attempts).await;
        postponed(&receiver, attempts).await;
        let sql = "select extract(epoch from next_attempt_at - $1)::bigint from alert_outbox
                   where sink = 'webhook' and kind = 'opened'";
        sqlx::query_scalar(sql).bind(app.clock.now()).fetch_one(&app.all_rows).await.unwrap()
    };
    let first = pause(1).await;
    // A loaded machine may take a while to look.
    assert!((1..=45).contains(&first), "{first}");
    app.clock.turn(TimeDelta::seconds(46));
    let second = pause(2).await;
    assert!((250..=450).contains(&second), "{second}");
}

#[actix_web::test]
async fn a_message_whose_process_was_killed_is_delivered_by_the_other_replica() {
    let receiver = Receiver::start(Plays::SaysNothing).await;
    let mut one = telling(&receiver).await;
    raise(&one, &denials(UserId::new(), 20)).await;
    let held = receiver.wait_for(1).await.remove(0);
    // Between lease and delivery.
    one.running.take().unwrap().abort();
    receiver.plays(Plays::well());
    let two = telling_on(one.database.clone(), &receiver).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.arrived().len(), 1, "the lease of the dead still runs");
    two.clock.turn(TimeDelta::seconds(31));
    let delivered = receiver.wait_for(2).await.remove(1);
    assert_eq!(delivered.headers["strongroom-message-id"], held.headers["strongroom-message-id"]);
    numbers(&two, 1, 0, 0).await;
}

#[actix_web::test]
async fn a_process_that_is_killed_at_the_last_attempt_leaves_its_event_to_the_next() {
    let receiver = Receiver::start(Plays::SaysNothing).await;
    let mut one = telling(&receiver).await;
    raise(&one, &denials(UserId::new(), 20)).await;
    let held = receiver.wait_for(1).await.remove(0);
    one.running.take().unwrap().abort();
    let set = sqlx::query("update alert_outbox set attempts = 3 where sink = 'webhook'");
    set.execute(&one.all_rows).await.unwrap();
    let two = telling_on(one.database.clone(), &receiver).await;
    two.clock.turn(TimeDelta::seconds(31));
    numbers(&two, 1, 0, 1).await;
    assert_eq!(receiver.arrived().len(), 1);
    assert_eq!(held.headers["strongroom-message-id"].len(), 36);
    assert_eq!(failures(&two).await, ["webhook"]);
}

#[actix_web::test]
async fn one_receiver_that_hangs_holds_up_no_request_and_no_other_receiver() {
    let (webhook, slack) = (Receiver::start(Plays::well()).await, Receiver::start(Plays::SaysNothing).await);
    let both = folder::new_path();
    let text = [&webhook, &slack].map(|one| std::fs::read_to_string(one.authority()).unwrap()).concat();
    std::fs::write(&both, text).unwrap();
    let app = TestApp::with(&[
        ("STRONGROOM_ALERTS_WEBHOOK_URL", &webhook.url()),
        ("STRONGROOM_ALERTS_WEBHOOK_KEY", KEY),
        ("STRONGROOM_ALERTS_SLACK_URL", &slack.url()),
        ("STRONGROOM_ALERTS_CA_FILE", both.to_str().unwrap()),
    ])
    .await;
    std::fs::remove_file(&both).unwrap();
    raise(&app, &denials(UserId::new(), 20)).await;
    slack.wait_for(1).await;
    // While the chat is silent, requests are answered and the webhook hears of the next ones.
    let alice = app.user("alice").await;
    for _ in 0..5 {
        raise(&app, &denials(UserId::new(), 20)).await;
    }
    alice.get("/api/v1/me").await.ok(200);
    let slow = slack.arrived().len();
    webhook.wait_for(6).await;
    assert!(slow <= 2, "{slow} messages went to a chat that answers none");
    // And the end waits no longer than one delivery: what waits stays in the table.
    slack.plays(Plays::well());
    let database = app.stop().await;
    let again = TestApp::on(
        database,
        &[
            ("STRONGROOM_ALERTS_SLACK_URL", &slack.url()),
            ("STRONGROOM_ALERTS_CA_FILE", slack.authority().to_str().unwrap()),
        ],
    )
    .await;
    again.clock.turn(TimeDelta::minutes(2));
    let ids = || -> BTreeSet<String> {
        slack.arrived().iter().map(|message| message.json()["text"].as_str().unwrap().to_owned()).collect()
    };
    wait::equal(6, async || ids().len()).await;
}

#[actix_web::test]
async fn an_attacker_with_many_networks_does_not_fill_the_outbox() {
    let receiver = Receiver::start(Plays::SaysNothing).await;
    let app = telling(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let flood = "insert into alert_outbox (id, alert_id, kind, sink, count, created_at, next_attempt_at)
        select gen_random_uuid(), a.id, 'continues', 'webhook', 1, now(), now() + interval '1 day'
        from alerts a, generate_series(1, 1000)";
    sqlx::query(flood).execute(&app.all_rows).await.unwrap();
    let network = About::Network("203.0.113.0".parse().unwrap());
    raise(&app, &Finding { about: network, ..denials(UserId::new(), 20) }).await;
    let of_network =
        "select o.sink from alert_outbox o join alerts a on a.id = o.alert_id where a.about = '203.0.113.0'";
    let queued: Vec<String> = sqlx::query_scalar(of_network).fetch_all(&app.all_rows).await.unwrap();
    assert_eq!(queued, ["log"], "the alert is kept, and told in the log");
    assert!(logs::hold("an alert is kept and not told"));
}
